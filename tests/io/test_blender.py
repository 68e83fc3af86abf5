"""What Blender makes of our BVH and glTF: every bone's head where the joint was, upright, left on the left."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from flowlift.demo import synthesize
from flowlift.io import save
from flowlift.io.positions import y_up

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "blender_heads.py"
MILLIMETRE = 1e-3

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("blender"), reason="Blender is not installed")]


def heads(path: Path, *more: object) -> list[dict[str, dict[str, list[float]]]]:
    """For each frame, by armature and bone, where heads are: x right, y into the picture, z up."""
    told = path.with_suffix(".json")
    command = ["blender", "-b", "-P", str(SCRIPT), "--", *map(str, (path, told, *more))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert told.exists(), done.stdout + done.stderr
    return list(json.loads(told.read_text(encoding="utf-8"))["frames"])


@pytest.mark.parametrize("suffix", [".bvh", ".glb"])
def test_blender_sees_the_joints(tmp_path: Path, suffix: str) -> None:
    poses = synthesize(seconds=1).truth
    want = y_up(poses)[:, 0]
    frames = heads(save(poses, tmp_path / f"walk{suffix}"))
    assert len(frames) == len(poses)
    for frame, armatures in enumerate(frames):
        (bones,) = armatures.values()
        assert set(bones) == set(poses.skeleton.joints)
        x, y, z = np.array([bones[joint] for joint in poses.skeleton.joints]).T
        np.testing.assert_allclose(np.stack([x, z, -y], axis=-1), want[frame], atol=MILLIMETRE)
    first = next(iter(frames[0].values()))  # facing the camera
    assert first["head"][2] > first["hip"][2] + 0.5 > first["left_ankle"][2] + 1
    assert first["left_shoulder"][0] > first["right_shoulder"][0] + 0.2


def test_blender_draws_the_figure(tmp_path: Path) -> None:
    path = save(synthesize(seconds=0.2).truth, tmp_path / "walk.glb")
    heads(path, tmp_path / "walk.png", 0)
    from PIL import Image

    picture = np.asarray(Image.open(tmp_path / "walk.png").convert("RGB"), dtype=float)
    blue, orange = picture[..., 2] - picture[..., 0] > 40, picture[..., 0] - picture[..., 2] > 40
    assert blue.sum() > 200
    assert orange.sum() > 200
    assert np.nonzero(blue)[1].mean() > np.nonzero(orange)[1].mean()  # the left side is on the right of the picture
