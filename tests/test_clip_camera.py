"""Which camera a clip is given."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.camera import Camera
from flowlift.clip_camera import choose_camera, fit_camera, read_camera_for
from flowlift.errors import InputError

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
    with pytest.raises(InputError, match="cam_03"):
        read_camera_for(file, "balcony")
