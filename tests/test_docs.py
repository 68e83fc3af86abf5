"""What the pages say is true: their commands run, their figures are the measured ones."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(?P<language>console|python)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One example of a page, as a script."""

    line: int
    language: str
    body: str

    @property
    def command(self) -> list[str]:
        if self.language == "python":
            return [sys.executable, "-c", self.body]
        typed = [line.removeprefix("$ ") for line in self.body.splitlines() if line.startswith("$ ")]
        assert typed, f"line {self.line}: a console example without a line that begins with '$ '"
        return ["bash", "-euo", "pipefail", "-c", "\n".join(typed)]


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        yield Block(text[: match.start()].count("\n") + 1, match["language"], match["body"])


def examples() -> list[Path]:
    return [page for page in PAGES if any(blocks(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", examples(), ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_run(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """In an empty folder, top to bottom, so that a later example finds what an earlier one wrote.

    An example that uses video.mp4 gets a real video of a person where there is one.
    """
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for block in blocks(page):
        if "video.mp4" in block.body and not (tmp_path / "video.mp4").exists():
            shared: Path = request.getfixturevalue("shared_data")
            shutil.copy(shared / "eval" / "pose2sim" / "videos" / "cam04.mp4", tmp_path / "video.mp4")
        done = subprocess.run(block.command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{page.name}, line {block.line}:\n{block.body}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_tables_show_the_measured_figures(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from pages import filled

    text = page.read_text(encoding="utf-8")
    assert filled(text) == text, "run: python benchmarks/pages.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    broken = [target for target in targets if not (page.parent / target).exists()]
    assert not broken


def test_excerpts_are_the_code() -> None:
    """What docs/method.md shows of the code stands in the code, line for line."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    excerpts = re.findall(r"^```py\n(.*?)^```$", (ROOT / "docs" / "method.md").read_text(), re.DOTALL | re.MULTILINE)
    assert len(excerpts) > 5
    missing = [excerpt for excerpt in excerpts if excerpt not in sources]
    assert not missing
