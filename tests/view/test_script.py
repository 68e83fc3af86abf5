"""The page's own functions, run by node, against NumPy."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from flowlift.containers import Poses3D
from flowlift.view.html import page
from flowlift.view.payload import payload_of
from flowlift.view.scene import scene_of
from flowlift.view.spread import ellipses

Evaluate = Callable[[str], object]


def numbers(value: object) -> np.ndarray:
    """Nested lists with null for what is missing -> an array with NaN."""
    return np.array(value, dtype=np.float64)


def opened(poses: Poses3D) -> str:
    """The result as the page opens it."""
    payload = payload_of(poses, "")
    return f"openResult({json.dumps(payload.header)}, new Uint8Array({list(payload.block)}).buffer)"


def test_half_floats(javascript: Evaluate) -> None:
    bits = np.arange(65_536, dtype=np.uint16)
    finite = np.isfinite(bits.view(np.float16))
    read = numbers(javascript("Array.from({length: 65536}, (_, i) => halfFloat(i))"))
    np.testing.assert_array_equal(read[finite], bits.view(np.float16)[finite])
    assert np.isnan(read[~finite]).all()  # JSON has neither NaN nor infinity


def test_base64(javascript: Evaluate) -> None:
    assert javascript("Array.from(new Uint8Array(decodeBase64('AAH+/w==')))") == [0, 1, 254, 255]


def test_script_reads_what_python_wrote(javascript: Evaluate, walker: Poses3D) -> None:
    read = javascript(
        f"(r => [joints3D(r, 20, 0), vectors(r, 'keypoints', 20, 0, 2), timeOf(r, 20)])({opened(walker)})"
    )
    joints, keypoints, time = read
    np.testing.assert_allclose(numbers(joints), walker.absolute[20, 0], atol=1e-4)
    np.testing.assert_allclose(numbers(keypoints), walker.keypoints.xy[20, 0], atol=0.03)
    assert time == pytest.approx(20 / 30)


def test_nobody_is_null(javascript: Evaluate, walker: Poses3D) -> None:
    nobody = int(np.flatnonzero(np.isnan(walker.xyz).all(axis=(1, 2, 3)))[0])
    assert javascript(f"joints3D({opened(walker)}, {nobody}, 0)") == [None] * 17


def test_scene_shows_people_as_the_camera_does(javascript: Evaluate, walker: Poses3D) -> None:
    """Not mirrored and not upside down: the joints' order across and down the pane is that of the image."""
    frame = 5
    scene = {"low": [0, 0, 0], "high": [0, 0, 0], "size": 1.7}
    rotation = scene_of(walker).rotation
    pitch = np.arcsin(-rotation[1, 2])  # the camera's: the viewer stands where it stands and looks where it looks
    view = f"{{...restingView({{scene: {json.dumps(scene)}}}, false), pitch: {pitch}, distance: 0}}"
    placed = (walker.absolute[frame, 0] @ rotation.T).tolist()
    flat = numbers(javascript(f"(s => {placed!s}.map((p) => s.flat(s.eye(p))))(projection({view}, 800, 600))"))
    seen = walker.camera.project(walker.absolute[frame, 0])
    for axis in (0, 1):
        assert np.corrcoef(flat[:, axis], seen[:, axis])[0, 1] == pytest.approx(1)
    right, left = (walker.skeleton.index(name) for name in ("right_shoulder", "left_shoulder"))
    assert flat[right, 0] < flat[left, 0], "the figure walks towards the camera: its right is at the viewer's left"


@pytest.mark.parametrize(("yaw", "pitch"), [(0.0, 0.0), (0.7, 0.3), (-2.0, 1.2)])
def test_eye_is_a_rotation(javascript: Evaluate, yaw: float, pitch: float) -> None:
    axes = numbers(javascript(f"eyeAxes({{yaw: {yaw}, pitch: {pitch}}})"))
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)


def test_ellipse_is_that_of_the_covariance(javascript: Evaluate) -> None:
    columns = np.random.default_rng(3).standard_normal((3, 2))
    shape = javascript(f"ellipseOf({columns.tolist()})")
    axes = ellipses(np.eye(3), columns.T).axes
    assert [shape["short"], shape["long"]] == pytest.approx(np.linalg.norm(axes, axis=0).tolist())
    along = np.array([np.cos(shape["angle"]), np.sin(shape["angle"])])
    assert abs(along @ axes[:, 1]) == pytest.approx(shape["long"])


@pytest.mark.parametrize("frame", [0, 1, 29, 59])
def test_clock_finds_the_frame_of_a_time(javascript: Evaluate, walker: Poses3D, frame: int) -> None:
    found = javascript(f"(r => [0, 0.9].map((part) => frameAt(r, timeOf(r, {frame}) + part / 30)))({opened(walker)})")
    assert found == [frame, frame]


def test_strip_shows_the_largest_and_skips_nobody(javascript: Evaluate, walker: Poses3D) -> None:
    start, stop = 20, 40
    deviation = np.sqrt(np.trace(walker.cov, axis1=-2, axis2=-1) / 3).mean(axis=-1)[start:stop, 0]
    assert np.isnan(deviation).any()
    largest = javascript(f"largestDeviation({opened(walker)}, 0, {start}, {stop})")
    assert largest == pytest.approx(np.nanmax(deviation), rel=1e-3)


def test_block_in_the_page_is_the_payload(javascript: Evaluate, walker: Poses3D) -> None:
    text = page(walker)
    data = text.split('id="data">')[1].split("</script>")[0]
    total = javascript(f"new Uint8Array(decodeBase64('{data}')).reduce((sum, byte) => sum + byte, 0)")
    assert total == sum(payload_of(walker, "flowlift").block)
