"""The page's own functions, run by node, against NumPy."""

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from flowlift.camera import Camera
from flowlift.containers import Poses3D
from flowlift.view.html import page
from flowlift.view.packed import Packed, lay_out
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
    return f"openResult({json.dumps(payload.header)}, new Uint8Array({list(payload.block)}))"


@pytest.mark.parametrize("kind", ["int16", "uint8", "float32"])
def test_differences_are_undone(javascript: Evaluate, kind: str) -> None:
    """Any integer after any other, and times by their bits."""
    random = np.random.default_rng(1)
    if kind == "float32":
        array = np.cumsum(random.random((200, 1, 3)), axis=0).astype("<f4")
    else:
        low, high = np.iinfo(kind).min, np.iinfo(kind).max
        array = random.integers(low + 1, high, (200, 1, 3)).astype(kind)
        array[5, 0, 1] = {"int16": -32768, "uint8": 255}[kind]
    block = lay_out({"other": Packed(array[:7]), "array": Packed(array, 0.5)})
    entry = json.dumps(block.index["array"])
    read = numbers(
        javascript(f"(a => Array.from({{length: 600}}, (_, i) => a.at(i)))(openArray({entry}, {list(block.data)}))")
    )
    expected = array.astype(np.float64) * 0.5
    if kind != "float32":
        expected[5, 0, 1] = np.nan
    np.testing.assert_allclose(read.reshape(array.shape), expected)


def test_base64(javascript: Evaluate) -> None:
    assert javascript("Array.from(new Uint8Array(decodeBase64('AAH+/w==')))") == [0, 1, 254, 255]


def test_script_reads_what_python_wrote(javascript: Evaluate, walker: Poses3D) -> None:
    read = javascript(
        f"(r => [joints3D(r, 20, 0), vectors(r, 'keypoints', 20, 0, 2), timeOf(r, 20)])({opened(walker)})"
    )
    joints, keypoints, time = read
    np.testing.assert_allclose(numbers(joints), walker.absolute[20, 0], atol=5e-4)
    np.testing.assert_allclose(numbers(keypoints), walker.keypoints.xy[20, 0], atol=0.1)
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
    total = javascript(f"inflate(decodeBase64('{data}')).then((bytes) => bytes.reduce((sum, byte) => sum + byte, 0))")
    assert total == sum(payload_of(walker, "flowlift").block)


def test_hypotheses_arrive(javascript: Evaluate, walker: Poses3D) -> None:
    read = numbers(javascript(f"hypotheses3D({opened(walker)}, 20, 0)"))
    expected = walker.hypotheses[20, 0] + walker.root[20, 0]
    np.testing.assert_allclose(read.reshape(expected.shape), expected, atol=2e-3)


@pytest.mark.parametrize("distortion", [[], [-0.3, 0.1, 0.002, -0.001, 0.02], [0.1, 0, 0, 0, 0, 0.05, 0.01, 0.001]])
def test_page_projects_as_the_camera_does(javascript: Evaluate, walker: Poses3D, distortion: list[float]) -> None:
    camera = Camera.from_matrix(walker.camera.matrix, walker.camera.image_size, distortion)
    poses = replace(walker, camera=camera)
    read = numbers(javascript(f"(r => joints3D(r, 20, 0).map((p) => project(r.camera, p)))({opened(poses)})"))
    np.testing.assert_allclose(read, camera.project(poses.absolute[20, 0]), atol=0.2)
    assert javascript(f"project({opened(poses)}.camera, [0, 0, -1])") is None


def test_page_shows_nothing_that_the_lens_does_not(javascript: Evaluate, walker: Poses3D) -> None:
    lens = Camera.from_matrix(walker.camera.matrix, walker.camera.image_size, [-0.4])
    camera = f"{opened(replace(walker, camera=lens))}.camera"
    seen = javascript(f"[0.9, 0.92, 1.5].map((x) => project({camera}, [2 * x, 0, 2]) !== null)")
    assert seen == [True, False, False]
    points = np.array([[2 * x, 0, 2] for x in (0.9, 0.92, 1.5)])
    np.testing.assert_array_equal(np.isfinite(lens.project(points))[:, 0], seen)


def test_joints_carried_over_a_gap_are_told(javascript: Evaluate, walker: Poses3D) -> None:
    marks = np.zeros(walker.xyz.shape[:3], dtype=bool)
    marks[10, 0, 3] = marks[11, 0, 3] = True
    result = opened(replace(walker, bridged=marks))
    assert javascript(f"bridged({result}, 10, 0)") == marks[10, 0].tolist()
    spans = [[0, 10], [0, 11], [11, 12], [12, 60]]
    found = javascript(f"(r => {spans}.map(([start, stop]) => anyBridged(r, [0], start, stop)))({result})")
    assert found == [False, True, True, False]
    assert not any(javascript(f"bridged({opened(walker)}, 10, 0)"))


def test_weak_places_are_those_of_the_strip(javascript: Evaluate, walker: Poses3D) -> None:
    """Where nobody is seen, and where the deviation is well above the clip's median; each once, in order."""
    deviation = np.sqrt(np.trace(walker.cov, axis1=-2, axis2=-1) / 3).mean(axis=-1)[:, 0]
    cov = walker.cov.copy()
    cov[10:14] *= 9
    places = javascript(f"weakPlaces({opened(replace(walker, cov=cov))}, [0])")
    assert [10, 13] in places
    nobody = np.flatnonzero(np.isnan(deviation))
    assert [int(nobody[0]), int(nobody[-1])] in places
    assert places == sorted(places)


def test_envelope_holds_every_value(javascript: Evaluate) -> None:
    """A column of the plot reaches from the lowest to the highest of its frames, however many it stands for."""
    values = np.random.default_rng(2).uniform(0, 90, 1000).round(3)
    values[300:420] = np.nan
    angles = f"angles: {{at: (i) => {json.dumps(values.tolist())}[i]}}, 'angle deviations': {{at: (i) => 2}}"
    result = f"{{frames: 1000, people: 1, angles: [{{}}], arrays: {{{angles}}}}}"
    columns = javascript(f"envelope({result}, 0, 0, [0, 999], 100)")
    assert len(columns) == 100
    for column, part in zip(columns, values.reshape(100, 10), strict=True):
        if np.isnan(part).all():
            assert column is None
        else:
            assert (column["low"], column["high"]) == (np.nanmin(part), np.nanmax(part))
            assert (column["lower"], column["upper"]) == pytest.approx((np.nanmin(part) - 2, np.nanmax(part) + 2))


DRAWN = """(() => {
  globalThis.window = globalThis;
  const result = RESULT;
  const state = { frame: 0, person: null, window: WINDOW, angles: [0], show: {} };
  const shown = { texts: [], curve: [], cursor: [] };
  let strokes = [];
  const context = new Proxy({}, {
    get: (kept, name) => kept[name] ?? ((...given) => {
      if (name === 'beginPath') strokes = [];
      if (name === 'moveTo' || name === 'lineTo') strokes.push(given);
      if (name === 'fillText') shown.texts.push([given[0], given[1]]);
      if (name === 'stroke' && kept.lineWidth === 1.6) shown.curve = strokes;
      if (name === 'stroke' && kept.lineWidth === 1.5) shown.cursor.push(strokes[0][0]);
    }),
  });
  const canvas = { clientWidth: 900, clientHeight: 200, getContext: () => context };
  for (const frame of FRAMES) {
    state.frame = frame;
    shown.texts = [];
    drawAngles(canvas, result, state);
  }
  const places = FRAMES.map((frame, i) => plotFrame(result, state, canvas, shown.cursor[i]));
  return { ...shown, places, texts: shown.texts.filter(([text]) => !text.endsWith('°')) };
})()"""


def drawn(javascript: Evaluate, poses: Poses3D, *, frames: list[int], window: float = 0) -> dict:
    """What the plot of angles shows: texts (text, x) and the curve's points (x, y) of the last of some frames, the x of
    the cursor in each, and the frame that is there by what the pointer finds."""
    told = {"RESULT": opened(poses), "WINDOW": str(window), "FRAMES": str(frames)}
    program = DRAWN
    for name, text in told.items():
        program = program.replace(name, text)
    return javascript(program)


def seconds_of(text: str) -> float:
    minutes, seconds = text.split(":")
    return 60 * int(minutes) + float(seconds)


def test_time_runs_evenly_along_the_plot_where_frames_do_not(javascript: Evaluate, walker: Poses3D) -> None:
    """Curve, cursor, numbers and pointer agree about where a time is, and the times are those of the clip."""
    kept = [*range(10), *range(10, 40, 7), *range(52, 60)]
    pick = {name: getattr(walker, name)[kept] for name in ("xyz", "root", "cov")}
    times = 100.0 + np.array(kept) / 30
    uneven = replace(walker, **pick, keypoints=None, hypotheses=None, times=times)
    frames = list(range(len(kept)))
    shown = drawn(javascript, uneven, frames=frames)
    slope, origin = np.polyfit(times, shown["cursor"], 1)
    np.testing.assert_allclose(shown["cursor"], origin + slope * times, atol=0.01)
    assert shown["places"] == frames
    assert len(shown["texts"]) > 3
    for text, at in shown["texts"]:
        assert at == pytest.approx(origin + slope * seconds_of(text), abs=0.01)
    known = np.isfinite(uneven.xyz).all(axis=(1, 2, 3))
    np.testing.assert_allclose([x for x, _ in shown["curve"]], origin + slope * times[known], atol=0.01)


def test_a_window_of_the_plot_is_as_long_as_it_says(javascript: Evaluate, walker: Poses3D) -> None:
    kept = [*range(0, 30, 6), *range(30, 60)]
    pick = {name: getattr(walker, name)[kept] for name in ("xyz", "root", "cov")}
    uneven = replace(walker, **pick, keypoints=None, hypotheses=None, times=np.array(kept) / 30)
    for frame in (0, 8, 20, len(kept) - 1):
        texts = drawn(javascript, uneven, frames=[frame], window=1)["texts"]
        ((one, left), *_, (other, right)) = texts
        assert (right - left) / (seconds_of(other) - seconds_of(one)) == pytest.approx(900 - 44 - 8, rel=1e-3)


def test_numbers_along_the_plot_differ(javascript: Evaluate, walker: Poses3D) -> None:
    few = {name: getattr(walker, name)[:8] for name in ("xyz", "root", "cov")}
    short = replace(walker, **few, keypoints=None, hypotheses=None)
    for poses in (short, replace(short, fps=240.0)):
        texts = [text for text, _ in drawn(javascript, poses, frames=[0])["texts"]]
        assert len(set(texts)) == len(texts) > 3
    untimed = replace(short, fps=None)
    assert [text for text, _ in drawn(javascript, untimed, frames=[0])["texts"]] == [str(i) for i in range(1, 8)]


def test_times_are_the_clips(javascript: Evaluate, walker: Poses3D) -> None:
    later = replace(walker, times=walker.frame_times + 83.0)
    assert javascript(f"clockText({opened(later)}, 12)") == "1:23.40 · frame 13 of 60"
    assert javascript(f"clockText({opened(replace(walker, fps=None, keypoints=None))}, 12)") == "frame 13 of 60"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00.00"), (83.4, "1:23.40"), (59.999, "1:00.00"), (-0.5, "-0:00.50"), (-0.001, "0:00.00")],
)
def test_time_in_words(javascript: Evaluate, seconds: float, text: str) -> None:
    assert javascript(f"timeText({seconds})") == text
