"""Which camera a clip is given."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift import lift, save
from flowlift.camera import Camera
from flowlift.clip_camera import check_lens, check_place, choose_camera, fit_camera, read_camera_for
from flowlift.containers import Poses3D
from flowlift.demo import synthesize
from flowlift.errors import InputError
from flowlift.skeletons import HUMAN36M17

CALIBRATED = Camera.from_matrix([[900, 0, 650], [0, 910, 340], [0, 0, 1]], (1280, 720), [0.1, -0.02])


def test_nothing_said_is_no_camera() -> None:
    assert choose_camera((1280, 720)) is None


def test_fov_and_focal_agree() -> None:
    wide = choose_camera((1280, 720), fov=90)
    same = choose_camera((1280, 720), focal=640)
    assert wide is not None
    assert same is not None
    np.testing.assert_allclose(wide.matrix, same.matrix)


@pytest.mark.parametrize("both", [{"fov": 50, "focal": 900}, {"fov": 50, "camera": CALIBRATED}])
def test_only_one_description_is_taken(both: dict) -> None:
    with pytest.raises(InputError, match="one of them"):
        choose_camera((1280, 720), **both)


@pytest.mark.parametrize("wrong", [{"fov": -4}, {"fov": 500}, {"focal": 0}, {"focal": float("nan")}])
def test_impossible_cameras_are_refused(wrong: dict) -> None:
    with pytest.raises(InputError, match="camera"):
        choose_camera((1280, 720), **wrong)


@given(scale=st.sampled_from([0.25, 0.5, 1.0, 1.5, 2.0]), u=st.floats(100, 1180), v=st.floats(100, 620))
def test_a_scaled_image_has_the_same_rays(scale: float, u: float, v: float) -> None:
    fitted = fit_camera(CALIBRATED, (round(1280 * scale), round(720 * scale)))
    px = np.array([u, v])
    np.testing.assert_allclose(fitted.rays(px * scale), CALIBRATED.rays(px), atol=1e-9)


def test_a_lens_that_does_not_reach_the_joints_is_told(tmp_path: Path) -> None:
    walk = synthesize(seconds=0.5).keypoints
    path = save(walk, tmp_path / "walk.npz")
    plain = Camera.from_fov(60, walk.image_size)
    for strength, told in ((-0.1, False), (-1.5, True)):
        lens = replace(plain, distortion=np.array([strength]))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            lift(path, model="human-fast", camera=lens, hypotheses=2)
        assert any("% of the joints in the image lie where" in str(each.message) for each in caught) is told
    assert check_lens(replace(synthesize(seconds=0.5).truth, keypoints=None)) is None


def test_a_few_cropped_pixels_change_nothing_but_the_size() -> None:
    fitted = fit_camera(CALIBRATED, (1272, 720))
    assert fitted.image_size == (1272, 720)
    np.testing.assert_array_equal(fitted.matrix, CALIBRATED.matrix)


def test_another_shape_of_image_is_refused() -> None:
    with pytest.raises(InputError, match=r"1280.*720.*720.*1280"):
        fit_camera(CALIBRATED, (720, 1280))


def test_the_camera_called_like_the_clip_is_found(shared_data: Path) -> None:
    file = shared_data / "eval" / "pose2sim" / "calibration.toml"
    assert read_camera_for(file, "cam01").matrix[0, 0] == pytest.approx(1681.2449, abs=1e-3)
    assert read_camera_for(f"{file}::cam_04", "anything").matrix[0, 0] == pytest.approx(1675.2350, abs=1e-3)
    assert read_camera_for(CALIBRATED, "anything") is CALIBRATED
    millimetres = read_camera_for(file, "cam01", "mm")
    assert millimetres is not None
    np.testing.assert_allclose(millimetres.translation, read_camera_for(file, "cam01").translation / 1000)
    with pytest.raises(InputError, match="cam_03"):
        read_camera_for(file, "balcony")


@pytest.mark.parametrize("camera", [None, CALIBRATED])
def test_a_unit_is_a_files(camera: Camera | None) -> None:
    with pytest.raises(InputError, match="there is none"):
        read_camera_for(camera, "anything", "mm")
    assert read_camera_for(CALIBRATED, "anything", "m") is CALIBRATED


@pytest.mark.parametrize("metres", [1e-3, 1e-2, 1.0, 9.0])
@pytest.mark.parametrize("unit", ["m", "body lengths"])
def test_cameras_stand_where_they_can(metres: float, unit: str) -> None:
    """The first camera of two may be the origin; a hall's may be far away."""
    check_place(seen_from([0, 0, 4.0 * metres], unit))
    check_place(seen_from([0, 0, 0], unit))


@pytest.mark.parametrize("scale", [100, 1000])
@pytest.mark.parametrize("unit", ["m", "body lengths"])
def test_a_calibration_in_another_unit_is_refused(scale: float, unit: str) -> None:
    with pytest.raises(InputError, match=rf"{4 * scale:,.0f} m from its world's origin.*--camera-unit"):
        check_place(seen_from([0, 0, 4.0 * scale], unit))
    check_place(seen_from([0, 0, 4.0 * scale], "model units"))  # which nobody knows


def seen_from(translation: list[float], unit: str) -> Poses3D:
    """Somebody 5 away from a camera, and frames without anybody."""
    camera = replace(CALIBRATED, rotation=np.eye(3), translation=np.array(translation, dtype=float))
    xyz, root = np.zeros((4, 1, 17, 3)), np.full((4, 1, 3), np.nan)
    root[1:3] = [0, 3, 4]
    return Poses3D(xyz, root, np.zeros((4, 1, 17, 3, 3)), HUMAN36M17, camera=camera, provenance={"unit": unit})
