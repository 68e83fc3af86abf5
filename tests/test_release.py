"""Releases: the same bytes from the same commit, a bill of what is in them, and an audit that does not pretend."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`script("build")`: release/build.py as a module."""
    monkeypatch.syspath_prepend(ROOT / "release")

    def load(name: str) -> ModuleType:
        monkeypatch.delitem(sys.modules, name, raising=False)
        return __import__(name)

    return load


def copied(folder: Path) -> Path:
    """What a release is made from, in a repository of its own with one commit of a known time."""
    folder.mkdir()
    for name in ("src", "tests/golden", "docs/pictures", "requirements", "release"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE", "Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    when = {"GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z", "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z"}
    subprocess.run([*git, "init", "-q"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "one"], cwd=folder, check=True, env=when)
    return folder


@pytest.mark.slow
def test_two_builds_give_the_same_bytes(script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hatchling.builders.wheel", reason="hatchling builds the wheel")
    if shutil.which("git") is None:
        pytest.skip("no git on this machine")
    build = script("build")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    made = [build.build(copied(tmp_path / name), tmp_path / f"{name}-dist") for name in ("one", "two")]
    for one, other in zip(*made, strict=True):
        assert one.name == other.name
        assert one.read_bytes() == other.read_bytes()
    assert {path.suffix for path in made[0]} == {".gz", ".whl"}


def test_without_a_commit_no_release_is_built(script: Any, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no commit"):
        script("build").last_commit(tmp_path)


def test_sums_are_as_sha256sum_reads_them(script: Any, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("b.whl", "a.tar.gz")]
    for file in files:
        file.write_text(file.name)
    sums = script("build").write_sums(files, tmp_path / "SHA256SUMS")
    assert [line.split()[1] for line in sums.read_text().splitlines()] == ["a.tar.gz", "b.whl"]
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)


@pytest.mark.slow
def test_the_bill_names_what_users_install_and_the_models(script: Any, tmp_path: Path) -> None:
    pytest.importorskip("cyclonedx_py", reason="cyclonedx-bom writes the bill")
    bill = json.loads(script("build").bill_of_materials(ROOT, tmp_path / "a.json", version="9.9").read_text())
    named = {each["name"].lower(): each for each in bill["components"]}
    assert {"numpy", "onnxruntime", "av", "human", "human-fast"} <= named.keys()
    assert not {"pytest", "ruff", "mypy", "pip-audit"} & named.keys()
    assert named["human"]["type"] == "machine-learning-model"
    assert len(named["human"]["hashes"][0]["content"]) == 64
    assert bill["metadata"]["component"]["version"] == "9.9"
    refs = {each["bom-ref"] for each in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    assert all({each["ref"], *each["dependsOn"]} <= refs for each in bill["dependencies"])


def package(name: str, *vulnerabilities: str, skipped: bool = False) -> dict[str, Any]:
    if skipped:
        return {"name": name, "skip_reason": "not found"}
    found = [{"id": each, "fix_versions": ["2.0"]} for each in vulnerabilities]
    return {"name": name, "version": "1.0", "vulns": found}


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([package("a"), package("b")], 0, "2 packages audited, 0 known"),
        ([package("a"), package("b", "CVE-1")], 1, "b 1.0: CVE-1, mended in 2.0"),
        ([package("a"), package("b", skipped=True)], 0, "not audited, as the service does not know them: b"),
        ([package("a", skipped=True)], 3, "NOT AUDITED"),
        ([], 3, "NOT AUDITED"),
    ],
    ids=["none known", "one found", "one unknown", "nobody asked", "nothing there"],
)
def test_the_audit_says_what_it_knows(script: Any, packages: list[Any], status: int, said: str) -> None:
    found = script("audit").judged(packages)
    assert found.status == status
    assert said in "\n".join(found.lines)


def test_the_audit_says_when_nobody_answers(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = script("audit")
    failed = subprocess.CompletedProcess([], 1, "", "Traceback ...\nConnectionError: no route to pypi.org\n")
    monkeypatch.setattr(audit.subprocess, "run", lambda *_, **__: failed)
    found = audit.audit()
    assert found.status == 3
    assert "NOT AUDITED: ConnectionError: no route" in found.lines[0]
