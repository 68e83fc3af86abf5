"""Calibration files in each format, and what is refused."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowlift.calibration import camera_names, match_camera, rodrigues
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

OPENCV_XML = """<?xml version="1.0"?>
<opencv_storage>
<calibration_time>Mon</calibration_time>
<image_width>640</image_width>
<image_height>480</image_height>
<camera_matrix type_id="opencv-matrix">
  <rows>3</rows>
  <cols>3</cols>
  <dt>d</dt>
  <data>
    5.3e+02 0. 3.2e+02 0. 5.4e+02
    2.4e+02 0. 0. 1.</data></camera_matrix>
<distortion_coefficients type_id="opencv-matrix">
  <rows>5</rows>
  <cols>1</cols>
  <dt>d</dt>
  <data>
    -2.8e-01 7.5e-02 1.2e-03 9.8e-05 1.5e-03</data></distortion_coefficients>
<avg_reprojection_error>0.5</avg_reprojection_error>
</opencv_storage>
"""

OPENCV_JSON = """{
    "image_width": 640,
    "image_height": 480,
    "camera_matrix": {
        "type_id": "opencv-matrix",
        "rows": 3,
        "cols": 3,
        "dt": "d",
        "data": [ 530.0, 0.0, 320.0, 0.0, 540.0, 240.0, 0.0, 0.0, 1.0 ]
    },
    "distortion_coefficients": {
        "type_id": "opencv-matrix",
        "rows": 5,
        "cols": 1,
        "dt": "d",
        "data": [ -0.28, 0.075, 0.0012, 9.8e-05, 0.0015 ]
    },
    "avg_reprojection_error": 0.5
}
"""

PLAIN = {"matrix": [[500, 0, 320], [0, 500, 240], [0, 0, 1]], "image_size": [640, 480]}

Write = Callable[..., Path]


def plain(**changes: object) -> str:
    """Our own JSON with some values changed, or left out where they are None."""
    return json.dumps({key: value for key, value in {**PLAIN, **changes}.items() if value is not None})


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "calibration.toml") -> Path:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_toml_of_several_cameras(write: Write) -> None:
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


@pytest.mark.parametrize(("unit", "metres"), [("m", 1), ("dm", 0.1), ("cm", 0.01), ("mm", 0.001)])
def test_translations_are_read_in_their_unit(write: Write, unit: str, metres: float) -> None:
    camera = Camera.load(write(TOML), "cam_01", unit)
    np.testing.assert_allclose(camera.translation, np.array([0.32, 0.95, 2.89]) * metres)
    with pytest.raises(InputError, match=r"one of m, dm, cm, mm, got 'inch'"):
        Camera.load(write(TOML), "cam_01", "inch")


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("cam02", "cam_02"),
        ("Cam-2", "cam_02"),
        ("cam_01", "cam_01"),
        ("cam02_json", "cam_02"),
        ("_json", None),
        ("cam02_jsonx", None),
        ("dog", None),
        ("cam12", None),
        ("cam_0_1", None),
        ("", None),
        ("-", None),
    ],
)
def test_a_video_finds_its_camera_by_name(write: Write, stem: str, name: str | None) -> None:
    assert match_camera(write(TOML), stem) == name


def test_a_camera_that_is_called_like_a_folder_of_frames(write: Write) -> None:
    """The whole name counts first."""
    file = write(TOML.replace("cam_01", "cam_02_json"))
    assert match_camera(file, "cam_02_json") == "cam_02_json"
    assert match_camera(file, "cam_02") == "cam_02"


def test_a_section_names_its_camera_too(write: Write) -> None:
    file = write(TOML.replace("[cam_02]", "[int_right_img]"))
    assert match_camera(file, "int_right_img") == match_camera(file, "cam02") == "cam_02"
    assert Camera.load(file, "int_right_img").image_size == (640, 480)


def test_cameras_of_the_same_name_are_told_apart_by_their_sections(write: Write) -> None:
    file = write(TOML.replace('name = "cam_02"', 'name = "cam_01"').replace("[cam_01]", "[left]"))
    with pytest.raises(InputError, match="left, cam_02"):
        Camera.load(file)
    with pytest.raises(InputError, match="left, cam_02"):
        Camera.load(file, "cam_01")
    assert Camera.load(file, "left").image_size == (1088, 1920)
    assert Camera.load(file, "cam_02").image_size == (640, 480)


def test_names_that_read_alike_match_exactly_or_not_at_all(write: Write) -> None:
    file = write(TOML.replace("cam_01", "cam_2").replace("cam_02", "cam-2").replace("[cam-2]", "[x]"))
    assert match_camera(file, "cam-2") == "cam-2"
    assert match_camera(file, "cam02") is None
    nameless = write(TOML.replace("cam_02", "-").replace("[-]", "['-']"))
    assert match_camera(nameless, "-") == "-"
    assert match_camera(nameless, "__") is None


@pytest.mark.parametrize("text", [OPENCV, OPENCV_XML, OPENCV_JSON], ids=["yaml", "xml", "json"])
def test_opencv_files(write: Write, text: str) -> None:
    camera = Camera.load(write(text, "camera.txt"))
    assert camera.image_size == (640, 480)
    np.testing.assert_allclose(np.diag(camera.matrix), [530, 540, 1])
    np.testing.assert_allclose(camera.distortion, [-0.28, 0.075, 0.0012, 9.8e-05, 0.0015])


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte order mark"])
def test_json(write: Write, mark: str) -> None:
    turn = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    camera = Camera.load(write(mark + plain(rotation=turn, translation=[[1], [2], [3]]), "camera.json"))
    assert camera.matrix[1, 2] == 240
    np.testing.assert_array_equal(camera.rotation, turn)
    np.testing.assert_array_equal(camera.translation, [1, 2, 3])


def test_one_camera_needs_no_section_and_no_name(write: Write) -> None:
    file = write("matrix = [[500, 0, 320], [0, 500, 240], [0, 0, 1]]\nimage_size = [640, 480]\n")
    assert Camera.load(file).image_size == (640, 480)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no camera"),
        ("[x", "Expected"),
        ("{", "Expecting"),
        ("{}", "no camera"),
        ("a = 1", "no camera"),
        ("a = " + "[" * 100_000, "recurs|nest"),
        ('{"matrix": 3}', "lacks 'image_size'"),
        (plain(matrix=None), "no camera"),
        (plain(matrix=3), "shape"),
        (plain(matrix=[[-500, 0, 320], [0, 500, 240], [0, 0, 1]]), "positive fx"),
        (plain(image_size=[640]), "width, height"),
        (plain(image_size="640x480"), "width, height"),
        (plain(image_size=[float("inf"), 480]), "infinity"),
        (plain(image_size=[-640, 480]), "positive"),
        (plain(distortion="none"), "float"),
        (plain(distortion=[[1], [2, 3]]), "sequence"),
        (plain(rotation=["a", "b", "c"]), "float"),
        (plain(rotation=[1, 2]), "rotation"),
        (plain(translation=[1, 2]), "translation"),
        (plain(fisheye=True), "fisheye"),
        (OPENCV.replace("camera_matrix", "lens"), "lacks 'camera_matrix'"),
        (OPENCV.replace("image_width", "width"), "lacks 'image_width'"),
        (OPENCV.replace("rows: 3", "rows: 4"), "reshape"),
        (OPENCV + "fisheye_model: 1\n", "fisheye"),
        (OPENCV_XML.replace("<cols>3", "<cols>2"), "reshape"),
    ],
)
def test_what_is_no_calibration_is_refused(write: Write, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=rf"broken\.txt: .*({complaint})") as refused:
        Camera.load(write(text, "broken.txt"))
    assert "\n" not in str(refused.value)


@given(data=st.data(), text=st.sampled_from([TOML, OPENCV, OPENCV_XML, OPENCV_JSON, plain()]))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_read_or_refused_and_nothing_else(write: Write, data: Any, text: str) -> None:
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(start + 40, len(text))))
    damaged = text[:start] + data.draw(st.text(max_size=8)) + text[stop:]
    file = write(damaged.encode("utf-8", "ignore").decode(), "damaged.txt")
    with suppress(InputError):
        camera = Camera.load(file, "cam_01" if text is TOML else None)
        assert np.isfinite(camera.matrix).all()


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match=r"photo\.jpg"):
        Camera.load(file)
    with pytest.raises(InputError, match="directory"):
        Camera.load(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent.*No such file"):
        Camera.load(tmp_path / "absent.toml")


def test_a_broken_camera_leaves_its_neighbours_usable(write: Write) -> None:
    file = write(TOML.replace("fisheye = false", "fisheye = true"))
    assert Camera.load(file, "cam_02").image_size == (640, 480)
    with pytest.raises(InputError, match=r"'cam_01'.*fisheye"):
        Camera.load(file, "cam_01")


@pytest.mark.parametrize("suffix", ["yml", "xml", "json"])
def test_what_opencv_writes_is_read(tmp_path: Path, suffix: str) -> None:
    cv2 = pytest.importorskip("cv2")
    matrix = np.array([[1681.2448730468, 0, 532.97], [0, 1e-3, 948.1], [0, 0, 1]])
    distortion = np.array([[-0.00072], [0.0021], [9.5e-06], [1.07e-05], [0]])
    file = tmp_path / f"camera.{suffix}"
    storage = cv2.FileStorage(str(file), cv2.FILE_STORAGE_WRITE)
    storage.write("calibration_time", "Mon Nov 23 12:00:00 2026")
    storage.write("image_width", 1088)
    storage.write("image_height", 1920)
    storage.write("camera_matrix", matrix)
    storage.write("distortion_coefficients", distortion)
    storage.write("extrinsic_parameters", np.random.default_rng(0).standard_normal((3, 6)))
    storage.release()
    camera = Camera.load(file)
    assert camera.image_size == (1088, 1920)
    np.testing.assert_allclose(camera.matrix, matrix, rtol=1e-12)
    np.testing.assert_allclose(camera.distortion, distortion[:, 0], rtol=1e-12)


def test_the_real_calibration_projects_onto_the_keypoints_it_came_from(shared_data: Path) -> None:
    folder = shared_data / "eval" / "pose2sim"
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        world, seen = reference["world_xyz_m"], reference["keypoints_px"]
        names = [str(name) for name in reference["cameras"]]
    for index, name in enumerate(names):
        camera = Camera.load(folder / "calibration.toml", f"cam0{name[-1]}")
        px = camera.project(world @ camera.rotation.T + camera.translation)
        error = np.linalg.norm(px - seen[index, ..., :2], axis=-1)
        assert np.nanmedian(error) < 12, name


vectors = st.tuples(*[st.floats(-3, 3)] * 3).map(np.array)


@given(vector=vectors)
def test_rodrigues_makes_rotations_about_the_vector(vector: np.ndarray) -> None:
    turn = rodrigues(vector)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(turn @ vector, vector, atol=1e-9)
    np.testing.assert_allclose(turn @ turn, rodrigues(2 * vector), atol=1e-9)
    np.testing.assert_allclose(turn.T, rodrigues(-vector), atol=1e-9)


def test_rodrigues_turns_about_its_axis() -> None:
    turn = rodrigues([0, 0.3, 0])
    np.testing.assert_allclose(turn @ [0, 1, 0], [0, 1, 0], atol=1e-12)
    assert np.trace(turn) == pytest.approx(1 + 2 * np.cos(0.3))
    np.testing.assert_array_equal(rodrigues([0, 0, 0]), np.eye(3))


def test_a_section_that_counts_cameras_names_none(write: Write) -> None:
    text = TOML.replace("cam_02", "2").replace("cam_01", "1").replace("[1]", "[cam_0]").replace("[2]", "[cam_1]")
    file = write(text)
    assert camera_names(file) == ("1", "2")
    assert match_camera(file, "cam1") is None
    assert match_camera(file, "cam_1") is None
    assert match_camera(file, "2") == "2"
