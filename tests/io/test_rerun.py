"""The rerun recording, read back by rerun's own dataframe."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.camera import Camera
from flowlift.containers import Poses3D
from flowlift.errors import MissingExtraError
from flowlift.io import save
from flowlift.io.rerun import _ellipsoids

from .made_poses import made_poses, without

rerun = pytest.importorskip("rerun")


def column(path: Path, name: str) -> list[Any]:
    """What a component holds, frame after frame."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        view = rerun.dataframe.load_recording(str(path)).view(index="frame", contents="/**")
        table = view.select().read_all()
    return list(table.sort_by("frame")[name].to_pylist())


@pytest.mark.skipif(not hasattr(rerun, "dataframe"), reason="this release of rerun reads recordings in another way")
def test_the_recording_holds_what_was_seen(tmp_path: Path) -> None:
    camera = Camera.from_fov(60, (640, 480))
    poses = without(without(made_poses(people=2, frames=4, camera=camera), 2, 0), 3, 1, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # rerun warns, and leaves out, where it cannot take something
        path = save(poses, tmp_path / "walk.rrd")
    for person in (0, 1):
        found = column(path, f"/person{person}/joints:Position3D")
        for frame in range(4):
            want = poses.absolute[frame, person]
            want = want[np.isfinite(want).all(axis=-1)]
            np.testing.assert_allclose(np.reshape(found[frame], (-1, 3)), want, rtol=1e-6)
    assert len(column(path, "/person0/bones:LineStrip3D")[0]) == 16
    assert len(column(path, "/person0/bones:LineStrip3D")[2]) == 0
    seen = np.array(column(path, "/camera/person1:Position2D")[1])
    np.testing.assert_allclose(seen, poses.keypoints.xy[1, 1], rtol=1e-6)
    sizes = np.array(column(path, "/person1/one_sd:HalfSize3D")[0])
    np.testing.assert_allclose((sizes**2).sum(axis=-1), np.trace(poses.cov[0, 1], axis1=-2, axis2=-1), rtol=1e-4)


def test_ellipsoids_are_the_covariance() -> None:
    cov = made_poses().cov[0, 0].astype(np.float64)
    half, (x, y, z, w) = _ellipsoids(cov)[0], _ellipsoids(cov)[1].T
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    ).transpose(2, 0, 1)
    np.testing.assert_allclose(turn * half[:, None] ** 2 @ turn.swapaxes(1, 2), cov, atol=1e-9)


def test_without_camera_times_or_covariance(tmp_path: Path) -> None:
    poses = made_poses(keypoints=None, fps=None)
    bare = Poses3D(poses.xyz, None, poses.cov * np.nan, poses.skeleton)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert save(bare, tmp_path / "walk.rrd").stat().st_size > 1000
        assert save(made_poses().keypoints, tmp_path / "seen.rrd").stat().st_size > 1000


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rerun", None)
    with pytest.raises(MissingExtraError, match=r"flowlift\[rerun\]"):
        save(made_poses(), tmp_path / "walk.rrd")
