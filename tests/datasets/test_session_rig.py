"""A session's own cameras: in its axes, whichever they are, and refused where they are another recording's."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flowlift.camera import Camera
from flowlift.datasets.session import read_sessions, turn_up
from flowlift.datasets.session_rig import in_words, read_cameras, rig_of
from flowlift.demo_animal import cameras
from flowlift.demo_animal_files import write_files
from flowlift.errors import InputError
from flowlift.skeleton import Skeleton

from . import recordings as write
from .recordings import ANIMAL

AWAY = np.array([900.0, -400.0, 100.0])
"""Where the arena lies, mm: about the origin, axes in any order would do."""


def away() -> dict[str, Camera]:
    return {
        name: replace(camera, translation=camera.translation - camera.rotation @ AWAY)
        for name, camera in cameras().items()
    }


def test_the_sessions_own_cameras_see_what_they_saw(tmp_path):
    write_files(tmp_path / "animal", seed=2, seconds=10)
    skeleton = Skeleton.load(tmp_path / "animal" / "mouse.toml")
    (session,) = read_sessions([tmp_path / "animal" / "session.csv"], skeleton, up="z")
    views = read_cameras(tmp_path / "animal" / "calibration.toml")
    rig = rig_of(session, views)
    raw = session.xyz.astype(float) @ turn_up("z") * session.length
    for i, (name, truth) in enumerate(cameras().items()):
        wanted = truth.project(raw @ truth.rotation.T + truth.translation)
        found = views[name].project(session.xyz @ rig.rotation[i].T + rig.translation[i])
        np.testing.assert_allclose(found, wanted, atol=0.05)


def test_a_calibration_that_does_not_fit_is_told(tmp_path):
    session = read_sessions([write.write_npz(tmp_path / "a.npz", write.moving())], ANIMAL)[0]
    away = Camera.from_matrix(cameras()["cam0"].matrix, (1280, 1024), rotation=np.eye(3), translation=[0, 0, -5000])
    with pytest.raises(InputError, match="camera side has 0% of a's joints in its image"):
        rig_of(session, {"side": away})
    with pytest.raises(InputError, match="does not say where it stands"):
        rig_of(session, {"side": Camera.from_fov(50, (640, 480))})
    far = {name: replace(camera, translation=camera.translation * 1000) for name, camera in cameras().items()}
    with pytest.raises(InputError, match=r"camera cam0 has a's body 0\.\d+ pixels long.*in another unit"):
        rig_of(session, far)


@pytest.mark.parametrize(
    ("order", "up", "axes"), [([0, 1, 2], "z", "xyz"), ([1, 2, 0], "y", "zxy"), ([2, 0, 1], "x", "yzx")]
)
def test_the_calibrations_axes_are_found_and_up_stays_up(tmp_path, order, up, axes):
    xyz = write.moving() + AWAY
    (session,) = read_sessions([write.write_npz(tmp_path / "a.npz", xyz[..., order])], ANIMAL, up=up)
    rig = rig_of(session, away())
    assert rig.axes == axes
    assert ("their x, y, z are the recording's" in in_words(rig)) == (axes != "xyz")
    assert rig.sure
    np.testing.assert_allclose(session.xyz[..., 1] * session.length, xyz[..., 2], atol=1e-3)
    for i, camera in enumerate(away().values()):
        wanted = camera.project(xyz @ camera.rotation.T + camera.translation)
        found = camera.project(session.xyz @ rig.rotation[i].T + rig.translation[i])
        np.testing.assert_allclose(found, wanted, atol=0.05)


def test_an_arena_about_the_origin_does_not_tell_its_axes(tmp_path):
    (session,) = read_sessions([write.write_npz(tmp_path / "a.npz", write.moving())], ANIMAL, up="z")
    rig = rig_of(session, cameras())
    assert (rig.axes, rig.sure) == ("xyz", False)
    assert in_words(rig).endswith("other orders fit as well")


@pytest.mark.parametrize("order", [[1, 0, 2], [0, 2, 1], [2, 1, 0]])
def test_mirrored_axes_are_refused(tmp_path, order):
    (session,) = read_sessions([write.write_npz(tmp_path / "a.npz", (write.moving() + AWAY)[..., order])], ANIMAL)
    with pytest.raises(InputError, match="axes"):
        rig_of(session, away())


def test_pose2sims_recording_fits_its_calibration(shared_data: Path) -> None:
    folder = shared_data / "eval" / "pose2sim"
    body = Skeleton("body", ("Neck", "LHip", "RHip", "LAnkle"), (None, "Neck", "Neck", "LHip"), size=("Neck", "LHip"))
    (session,) = read_sessions([folder / "S00_P00_T01_BalancingTrial_0-100.trc"], body)
    rig = rig_of(session, read_cameras(folder / "calibration.toml"))
    assert (session.up, rig.axes) == ("y", "zxy")
    with np.load(folder / "reference.npz") as reference:
        world, names = reference["world_xyz_m"], list(reference["keypoint_names"])
    found = session.xyz.astype(float) @ turn_up("y") * session.length
    ankle = world[: len(found), names.index("left_ankle")]
    np.testing.assert_allclose(np.nanmedian(found[:, 3][:, [2, 0, 1]] - ankle, axis=0), 0, atol=0.05)
