"""Running the real command line."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `flowlift ...` in an empty folder of its own."""

    def run_there(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "flowlift", *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, **options)

    return run_there


@pytest.fixture(scope="session")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A keypoint file of a second of the demo's walk."""
    import flowlift
    from flowlift.demo import synthesize

    path = tmp_path_factory.mktemp("walk") / "walk.npz"
    flowlift.save(synthesize(seconds=1.0).keypoints, path)
    return path
