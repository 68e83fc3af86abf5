"""No command writes over what it reads: recordings, data sets and calibrations exist once."""

import json
from pathlib import Path

import numpy as np
import pytest

from flowlift.cli import main
from flowlift.demo import synthesize
from flowlift.io import save

from ..datasets.recordings import ANIMAL, moving, write_npz

CLIP = synthesize(seconds=0.2).keypoints
SKELETON = f'name = "{ANIMAL.name}"\npairs = {json.dumps(ANIMAL.pairs)}\n[parents]\n' + "\n".join(
    f'{joint} = "{parent or ""}"' for joint, parent in zip(ANIMAL.joints, ANIMAL.parents, strict=True)
)
CALIBRATION = {"matrix": [[1000, 0, 640], [0, 1000, 360], [0, 0, 1]], "image_size": [1280, 720]}


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the commands read."""
    monkeypatch.chdir(tmp_path)
    save(CLIP, tmp_path / "walk.npz")
    np.savez(tmp_path / "h36m.npz", positions_2d=np.array({"S1": {"Walk 1": [CLIP.xy[:, 0]]}}, dtype=object))
    (tmp_path / "cam.json").write_text(json.dumps(CALIBRATION))
    (tmp_path / "mapping.json").write_text("{}")
    (tmp_path / "mine.toml").write_text(SKELETON)
    write_npz(tmp_path / "recording.npz", moving(40))
    (tmp_path / "run").mkdir()
    write_npz(tmp_path / "run" / "bank.npz", moving(40))
    return tmp_path


@pytest.mark.parametrize(
    "line",
    [
        "lift walk.npz -o walk.npz",
        "lift walk.npz -o ./run/../walk.npz",
        "lift h36m.npz::S1/Walk_1/0 -o h36m.npz --image-size 1280x720",
        "lift walk.npz -o cam.json --camera cam.json",
        "lift walk.npz -o cam.json --camera cam.json::camera",
        "lift walk.npz -o mapping.json --mapping mapping.json",
        "lift walk.npz --live -o cam.json --camera cam.json",
        "compare walk.npz walk.npz -o walk.npz",
        "data build recording.npz --skeleton mine.toml --up z -o recording.npz",
        "train any --skeleton mine.toml --data run/bank.npz --up z -o run",
    ],
)
def test_what_is_read_is_not_written_over(there: Path, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in there.rglob("*") if path.is_file()}
    assert main([word.replace("Walk_1", "Walk 1") for word in line.split()]) == 2
    told = capsys.readouterr().err
    assert "this is an input, and writing would replace it" in told
    assert told.count("\n") == 1
    assert {path: path.read_bytes() for path in there.rglob("*") if path.is_file()} == before
