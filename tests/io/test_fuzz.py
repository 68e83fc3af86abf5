"""Every reader on files with something wrong in them, as benchmarks/fuzz.py does it thousands of times."""

import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
FILES, FEWER = 30, {"models": 15, "training runs": 3, "banks": 20, "archives": 20, "Human3.6M": 25}
"""Damaged files for each reader; for those that take longer, by the beginning of their names."""
NAMES = (
    *("flowlift npz", "flowlift JSON", "VideoPose3D npz", "AlphaPose", "OpenPose JSON", "DeepLabCut CSV"),
    *("DeepLabCut h5", "SLEAP", "NWB", "TRC", "C3D", "images", "videos", "camera", "skeleton", "mapping", "BVH"),
    *("ASF and AMC", "archives", "glTF", "Human3.6M", "MPI-INF-3DHP", "3DPW", "Animal3D", "3D recordings", "banks"),
    *("published", "models", "training runs", "training recipes"),
)
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def attempts() -> Callable[..., object]:
    """benchmarks/fuzz.py's `Attempts` of the one reader whose name begins so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        import fuzz

        def made(name: str, folder: Path) -> object:
            (target,) = (target for target in fuzz.TARGETS.values() if target.name.startswith(name))
            return fuzz.Attempts(target, folder)

        yield made
        for name in ("fuzz", "fuzz_mutations", "fuzz_targets", "pages"):
            sys.modules.pop(name, None)


@pytest.mark.parametrize("name", NAMES)
def test_a_result_or_one_clear_line(attempts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(os.environ, "FLOWLIFT_MODELS", str(tmp_path / "models"))
    tried = attempts(name, tmp_path / "files")
    outcomes = {number: tried.run(number) for number in range(FEWER.get(name, FILES))}
    assert {number: outcome for number, outcome in outcomes.items() if outcome.failed} == {}
    counted = Counter(outcome.said for outcome in outcomes.values())
    assert counted["refused"] >= len(outcomes) // 5


def test_every_reader_is_tried(attempts) -> None:
    from flowlift.io.registry import READERS

    fuzz = sys.modules["fuzz"]
    assert len(NAMES) == len(fuzz.TARGETS)
    named = " ".join(fuzz.TARGETS)
    shown = {"MMPose predictions JSON": "MMPose", "MediaPipe landmarks JSON": "MediaPipe JSON"}
    for reader in READERS.values():
        name = shown.get(reader.name, reader.name.split(" (")[0].split(",")[0])
        assert name.removesuffix(" JSON").removesuffix(" keypoints") in named, reader.name
