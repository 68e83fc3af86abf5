"""`flowlift doctor`: it tells what is there, and survives whatever it finds."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from flowlift.cli import doctor as module
from flowlift.cli.doctor import CHECKS, Check, Finding, doctor, examine

BASE = {check.part for check in CHECKS if check.needed}
EXTRAS = {
    "mediapipe detector": "mediapipe",
    "rtmlib detector": "rtmlib",
    "superanimal detector": "superanimal",
    "DeepLabCut h5 files": "dlc",
    "PyTorch engine": "train",
    "OpenVINO engine": "openvino",
    "training": "train",
    "studio": "studio",
    "live": "live",
}

BREAKAGES = {
    "an error": "raise ImportError('libGL.so.1: cannot open shared object file')",
    "an odd error": "class Odd(BaseException): pass\nraise Odd('[bold]not markup[/]\\nat all')",
    "leaving": "import sys; sys.exit('gone')",
    "a crash": "import os; os.abort()",
    "nothing to say": "raise ValueError",
    "noise": "import sys; print('noise'); print('noise', file=sys.stderr)",
}


def run(*paths: Path, columns: int) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which looks for packages in these folders first."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "COLUMNS": str(columns)}
    command = [sys.executable, "-m", "flowlift", "doctor"]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=300)


def package(folder: Path, name: str, code: str, *, distribution: str | None = None) -> Path:
    """A package that looks as if pip had installed it."""
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(code)
    metadata = folder / f"{distribution or name}-9.9.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution or name}\nVersion: 9.9\n")
    return folder


def states(shown: str) -> dict[str, str]:
    rows = (re.match(r"(\S.*?)  +(ok|missing|broken)\b", line) for line in shown.splitlines())
    return {row[1]: row[2] for row in rows if row}


def test_it_reports_every_part_and_only_what_is_broken_as_broken(tmp_path: Path) -> None:
    done = run(package(tmp_path, "rtmlib", BREAKAGES["an error"]), columns=60)
    assert done.stderr == ""
    assert done.returncode == 0
    found = states(done.stdout)
    assert found.keys() == {check.part for check in CHECKS}
    assert {found[part] for part in BASE} == {"ok"}
    assert found["rtmlib detector"] == "broken"
    lines = done.stdout.splitlines()  # a terminal of 60 columns breaks no command in two
    assert "to repair rtmlib detector: pip install --force-reinstall 'flowlift[rtmlib]'" in lines
    for part, extra in EXTRAS.items():
        assert (f"to add {part}: pip install 'flowlift[{extra}]'" in lines) == (found[part] == "missing")


def test_a_broken_base_is_a_line_and_status_1(tmp_path: Path) -> None:
    package(tmp_path, "av", BREAKAGES["leaving"])
    done = run(package(tmp_path, "numpy", BREAKAGES["an odd error"]), columns=200)
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 1
    found = states(done.stdout)
    assert found["video (PyAV)"] == found["NumPy"] == found["model"] == "broken"
    assert "to repair NumPy: pip install --force-reinstall 'numpy'" in done.stdout.splitlines()


@pytest.mark.parametrize(("how", "state"), [(how, "ok" if how == "noise" else "broken") for how in BREAKAGES])
def test_an_extra_may_do_anything_when_imported(
    how: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    package(tmp_path, "oddity", BREAKAGES[how])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    [found] = examine([Check("part", lambda: module._importable("oddity"), "flowlift[odd]")])
    assert found.state == state
    assert len(found.detail.splitlines()) == 1
    assert capfd.readouterr() == ("", "")
    if how == "an error":
        assert found.detail == "ImportError: libGL.so.1: cannot open shared object file"


@pytest.mark.parametrize(("name", "look"), [("av", module._video), ("onnxruntime", module._onnxruntime)])
@pytest.mark.parametrize("how", ["an error", "leaving", "nothing to say", "noise"])
def test_a_base_package_may_too(
    name: str, look: Callable[[], str], how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(package(tmp_path, name, BREAKAGES[how]))
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, name)
    [found] = examine([Check("part", look, "package", needed=True)])
    assert found.state == "broken"


@pytest.mark.parametrize("columns", [20, 40, 300])
def test_odd_words_are_shown_as_they_are(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(module, "CHECKS", (Check("part", lambda: "[red]x[/] :smile:", "p"),))
    assert doctor() == 0
    assert "[red]x[/] :smile:".replace(" ", "") in "".join(capsys.readouterr().out.split())


class Unprintable(Exception):  # noqa: N818
    def __str__(self) -> str:
        raise ValueError


def raising(error: BaseException) -> Callable[[], str]:
    def look() -> str:
        raise error

    return look


@pytest.mark.parametrize(
    ("error", "state", "detail"),
    [
        (PackageNotFoundError("tables"), "missing", "tables is not installed"),
        (ImportError("first\nlast"), "broken", "ImportError: first"),
        (AttributeError(), "broken", "AttributeError"),
        (SystemExit("bye"), "broken", "SystemExit: bye"),
        (Unprintable(), "broken", f"{__name__}.Unprintable: <exception str() failed>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_check_raises_is_a_finding(error: BaseException, state: str, detail: str) -> None:
    found = examine([Check("part", raising(error), "package"), Check("other", lambda: "fine", "package")])
    assert found == [
        Finding("part", state, detail, "package", False),
        Finding("other", "ok", "fine", "package", False),
    ]


@pytest.mark.parametrize(("needed", "status"), [(True, 1), (False, 0)])
@pytest.mark.parametrize("error", [PackageNotFoundError("x"), ValueError("x")], ids=["missing", "broken"])
def test_only_what_is_needed_fails(
    needed: bool, status: int, error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "CHECKS", (Check("part", raising(error), "package[extra]", needed),))
    assert doctor() == status
    assert "'package[extra]'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("packaged", "cached", "says"),
    [
        (True, False, "its model is in the wheel"),
        (False, False, "will be downloaded to .*pose_landmarker_full.task when first used; .* figures .* to Google"),
        (False, True, "model .*pose_landmarker_full.task; .* figures .* to Google"),
    ],
)
def test_mediapipe_is_reported_with_its_model(
    packaged: bool, cached: bool, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowlift.detect.mediapipe.packaged_model", lambda: packaged)
    monkeypatch.setattr("flowlift.detect.mediapipe_tasks.model_cached", lambda: cached)
    monkeypatch.setattr(module, "_importable", lambda name: f"{name} 1.2.3")
    assert re.search(says, module._mediapipe())
