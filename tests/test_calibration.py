"""Calibration files in each format, and what is refused."""

import json

import numpy as np
import pytest

from flowlift.calibration import match_camera, rodrigues
from flowlift.camera import Camera
from flowlift.errors import InputError

TOML = """
[cam_01]
name = "cam_01"
size = [ 1088.0, 1920.0]
matrix = [ [ 1681.2, 0.0, 532.9], [ 0.0, 1681.0, 948.1], [ 0.0, 0.0, 1.0]]
distortions = [ -0.0007, 0.0021, 9.5e-06, 1.07e-05]
rotation = [ 0.0, 0.0, 1.5707963267948966]
translation = [ 0.32, 0.95, 2.89]
fisheye = false

[cam_02]
name = "cam_02"
size = [ 640, 480]
matrix = [ [ 500, 0.0, 320], [ 0.0, 500, 240], [ 0.0, 0.0, 1.0]]
distortions = [ 0, 0, 0, 0]
rotation = [ 0, 0, 0]
translation = [ 0, 0, 0]

[metadata]
adjusted = false
"""

OPENCV = """%YAML:1.0
---
image_width: 640
image_height: 480
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [ 5.3e+02, 0., 3.2e+02, 0., 5.4e+02,
       2.4e+02, 0., 0., 1. ]
distortion_coefficients: !!opencv-matrix
   rows: 5
   cols: 1
   dt: d
   data: [ -2.8e-01, 7.5e-02, 1.2e-03, 9.8e-05, 1.5e-03 ]
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="calibration.toml"):
        file = tmp_path / name
        file.write_text(text)
        return file

    return write


def test_toml_of_several_cameras(write):
    file = write(TOML)
    camera = Camera.load(file, "cam_01")
    assert camera.image_size == (1088, 1920)
    np.testing.assert_allclose(camera.matrix[0], [1681.2, 0, 532.9])
    assert len(camera.distortion) == 4
    np.testing.assert_allclose(camera.rotation, [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(camera.translation, [0.32, 0.95, 2.89])
    with pytest.raises(InputError, match="cam_01, cam_02"):
        Camera.load(file)
    with pytest.raises(InputError, match="cam_01, cam_02"):
        Camera.load(file, "cam_07")


@pytest.mark.parametrize(
    ("stem", "name"), [("cam02", "cam_02"), ("Cam-2", "cam_02"), ("cam_01", "cam_01"), ("dog", None)]
)
def test_a_video_finds_its_camera_by_name(write, stem, name):
    assert match_camera(write(TOML), stem) == name


def test_opencv_yaml(write):
    camera = Camera.load(write(OPENCV, "camera.yml"))
    assert camera.image_size == (640, 480)
    np.testing.assert_allclose(np.diag(camera.matrix), [530, 540, 1])
    np.testing.assert_allclose(camera.distortion, [-0.28, 0.075, 0.0012, 9.8e-05, 0.0015])


def test_json(write):
    values = {"matrix": [[500, 0, 320], [0, 500, 240], [0, 0, 1]], "image_size": [640, 480]}
    camera = Camera.load(write(json.dumps(values), "camera.json"))
    assert camera.matrix[1, 2] == 240


@pytest.mark.parametrize(
    "text", ["", "[x", "{", "{}", '{"matrix": 3}', "a = 1", OPENCV.replace("camera_matrix", "lens")]
)
def test_what_is_no_calibration_is_refused(write, text):
    with pytest.raises(InputError, match="broken"):
        Camera.load(write(text, "broken.txt"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="absent"):
        Camera.load(tmp_path / "absent.toml")


def test_the_real_calibration_projects_onto_the_keypoints_it_came_from(shared_data):
    folder = shared_data / "eval" / "pose2sim"
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        world, seen = reference["world_xyz_m"], reference["keypoints_px"]
        names = [str(name) for name in reference["cameras"]]
    for index, name in enumerate(names):
        camera = Camera.load(folder / "calibration.toml", f"cam0{name[-1]}")
        px = camera.project(world @ camera.rotation.T + camera.translation)
        error = np.linalg.norm(px - seen[index, ..., :2], axis=-1)
        assert np.nanmedian(error) < 12, name


def test_rodrigues_turns_about_its_axis():
    turn = rodrigues([0, 0.3, 0])
    np.testing.assert_allclose(turn @ [0, 1, 0], [0, 1, 0], atol=1e-12)
    assert np.trace(turn) == pytest.approx(1 + 2 * np.cos(0.3))
    np.testing.assert_array_equal(rodrigues([0, 0, 0]), np.eye(3))
