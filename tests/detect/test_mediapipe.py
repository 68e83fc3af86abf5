"""The mediapipe detector: with a stand-in for MediaPipe, on its real interfaces, and on a real person."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowlift.detect import load_detector, mediapipe, mediapipe_tasks
from flowlift.detect.mediapipe import Landmarks, MediapipeDetector, packaged_model
from flowlift.errors import FlowliftError, InputError, ModelError
from flowlift.io.video import Frame
from flowlift.skeletons import MEDIAPIPE33

LIMBS = [f"{side}_{joint}" for side in ("left", "right") for joint in ("shoulder", "elbow", "hip", "knee", "ankle")]


def blank(time: float = 0.0, size: tuple[int, int] = (64, 48)) -> Frame:
    return Frame(0, time, np.zeros((size[1], size[0], 3), np.uint8))


@dataclass
class Told:
    """In MediaPipe's place: finds what it is told, and notes what happens to it."""

    found: Landmarks | None = None
    events: list[Any] = field(default_factory=list)

    def find(self, image: np.ndarray, time: float) -> Landmarks | None:
        assert image.flags.c_contiguous
        self.events.append(time)
        return self.found

    def restart(self) -> None:
        self.events.append("restart")

    def close(self) -> None:
        self.events.append("close")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    landmarker = Told()
    monkeypatch.setattr(mediapipe, "_open", lambda *_: landmarker)
    return landmarker


def somebody(seed: int = 0) -> Landmarks:
    random = np.random.default_rng(seed)
    arrays = random.uniform(-0.5, 1.5, (33, 2)), random.normal(size=(33, 3)), random.uniform(0, 1, 33)
    return Landmarks(*(array.astype(np.float32) for array in arrays))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(width=st.integers(1, 400), height=st.integers(1, 400), seed=st.integers(0, 99))
def test_pixels_are_fractions_times_the_size(width: int, height: int, seed: int, told: Told) -> None:
    told.found = somebody(seed)
    with load_detector("mediapipe") as detector:
        seen = detector(blank(size=(width, height)))
    np.testing.assert_allclose(seen.xy[0, :, 0], told.found.xy[:, 0] * width, rtol=1e-5)
    np.testing.assert_allclose(seen.xy[0, :, 1], told.found.xy[:, 1] * height, rtol=1e-5)
    np.testing.assert_array_equal(seen.score[0], told.found.score)


def test_nobody_is_zero_people_and_no_world(told: Told) -> None:
    detector = MediapipeDetector()
    told.found = somebody()
    assert len(detector(blank(0.0)).xy) == 1
    np.testing.assert_array_equal(detector.last_world, told.found.world)
    told.found = None
    assert detector(blank(0.1)).xy.shape == (0, len(MEDIAPIPE33), 2)
    assert detector.last_world is None


def test_a_time_that_goes_back_begins_a_new_clip(told: Told) -> None:
    detector = MediapipeDetector()
    told.events.clear()
    for time in (0.0, 0.5, 0.5, 0.2, 0.3, 0.0):
        detector(blank(time))
    assert told.events == [0.0, 0.5, 0.5, "restart", 0.2, 0.3, "restart", 0.0]


def test_strided_images_are_straightened(told: Told) -> None:
    padded = np.zeros((48, 80, 3), np.uint8)
    MediapipeDetector()(Frame(0, 0.0, padded[:, :64]))
    MediapipeDetector()(Frame(0, 0.0, padded.transpose(1, 0, 2)))
    assert told.events.count(0.0) == 4


def test_closed_is_closed(told: Told) -> None:
    with MediapipeDetector() as detector:
        pass
    detector.close()
    assert told.events.count("close") == 1
    with pytest.raises(InputError, match="closed"):
        detector(blank())


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_confidence_is_a_probability(confidence: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        load_detector("mediapipe", confidence=confidence)


def fake_tasks(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The names that the tasks API has, without anything behind them; `stamps`: the times it was asked at, ms."""
    fake = SimpleNamespace(stamps=[], found=[], made=0)

    def make(options: object) -> object:
        fake.made += 1
        people = SimpleNamespace(pose_landmarks=fake.found, pose_world_landmarks=fake.found)
        return SimpleNamespace(
            detect_for_video=lambda image, stamp: fake.stamps.append(stamp) or people,
            detect=lambda image: people,
            close=lambda: None,
        )

    def package(name: str, **content: object) -> None:
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)

    anything = lambda **given: SimpleNamespace(**given)  # noqa: E731
    package("mediapipe", Image=anything, ImageFormat=SimpleNamespace(SRGB=1), __path__=[])
    package("mediapipe.tasks", __path__=[])
    package("mediapipe.tasks.python", BaseOptions=anything, __path__=[])
    package(
        "mediapipe.tasks.python.vision",
        PoseLandmarkerOptions=anything,
        RunningMode=SimpleNamespace(VIDEO=2, IMAGE=1),
        PoseLandmarker=SimpleNamespace(create_from_options=make),
    )
    return fake


@given(times=st.lists(st.floats(0, 100), max_size=20))
def test_the_tasks_api_gets_milliseconds_that_rise(times: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fake = fake_tasks(patch)
        landmarker = mediapipe_tasks.TasksLandmarker(Path("pose.task"), static=False, confidence=0.5)
        for time in sorted(times):
            assert landmarker.find(blank().image, time) is None
    assert all(type(stamp) is int for stamp in fake.stamps)
    assert all(before < after for before, after in zip(fake.stamps, fake.stamps[1:], strict=False))
    asked = np.array(sorted(times))
    late = np.array(fake.stamps) - 1000 * asked
    assert (late >= -0.5).all()
    assert not len(times) or late[0] <= 0.5
    if len(times) and np.diff(asked).min(initial=1) > 0.002:
        assert (late <= 0.5).all()


@pytest.mark.parametrize(
    ("visibility", "presence", "score"), [(0.5, 0.5, 0.25), (0.8, None, 0.8), (None, None, 1.0), (1.2, 1.0, 1.0)]
)
def test_the_score_is_visibility_times_presence(
    visibility: float | None, presence: float | None, score: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = fake_tasks(monkeypatch)
    fake.found.append([SimpleNamespace(x=0.25, y=0.5, z=0.1, visibility=visibility, presence=presence)] * 33)
    landmarker = mediapipe_tasks.TasksLandmarker(Path("pose.task"), static=True, confidence=0.5)
    found = landmarker.find(blank().image, 0.0)
    assert found is not None
    np.testing.assert_allclose(found.score, np.full(33, score), rtol=1e-6)
    np.testing.assert_allclose(found.xy, np.tile([0.25, 0.5], (33, 1)))
    assert fake.stamps == []


def test_a_restart_begins_with_a_fresh_landmarker(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = fake_tasks(monkeypatch)
    landmarker = mediapipe_tasks.TasksLandmarker(Path("pose.task"), static=False, confidence=0.5)
    landmarker.find(blank().image, 5.0)
    landmarker.restart()
    landmarker.find(blank().image, 0.04)
    assert fake.made == 2
    assert fake.stamps == [5000, 40]


# On the real thing, from here on.


@pytest.fixture
def real() -> None:
    pytest.importorskip("mediapipe", reason="mediapipe is not installed")


@pytest.fixture(params=["as installed", "tasks"])
def options(request: pytest.FixtureRequest, real: None) -> dict[str, object]:
    """Options that choose the interface; the one that is installed needs a model in the wheel to be tried here."""
    if request.param == "tasks":
        return {"model_path": request.getfixturevalue("task_file")}
    if not packaged_model():
        pytest.skip("this mediapipe has no model in its wheel")
    return {}


def positions(options: dict[str, object], frames: Sequence[Frame]) -> np.ndarray:
    """(frame, joint, 2) px, NaN where nobody was found."""
    with load_detector("mediapipe", **options) as detector:
        return tracked(detector, frames)


def tracked(detector, frames: Sequence[Frame]) -> np.ndarray:
    seen = [detector(frame).xy for frame in frames]
    return np.array([xy[0] if len(xy) else np.full((33, 2), np.nan) for xy in seen])


@pytest.mark.parametrize("static", [False, True])
def test_a_blank_image_shows_nobody(options: dict[str, object], static: bool) -> None:
    with load_detector("mediapipe", static=static, **options) as detector:
        for time in (0.0, 0.0, 0.1):
            assert len(detector(blank(time)).xy) == 0
        assert len(detector(blank(0.0, size=(101, 333))).xy) == 0


def test_a_real_person_is_found_where_he_is(
    options: dict[str, object], person: Sequence[Frame], shared_data: Path
) -> None:
    from flowlift.skeletons import BODY25B

    with np.load(shared_data / "eval" / "pose2sim" / "reference.npz", allow_pickle=False) as reference:
        world, extrinsics = reference["world_xyz_m"][: len(person)], reference["extrinsics"][0]
        image = (world @ extrinsics[:, :3].T + extrinsics[:, 3]) @ reference["intrinsics"][0].T
    truth = (image[..., :2] / image[..., 2:])[:, BODY25B.indices(LIMBS)]
    found = positions(options, person)[:, MEDIAPIPE33.indices(LIMBS)]
    errors = np.linalg.norm(found - truth, axis=-1)  # he is 800 px tall
    assert np.nanmedian(errors) < 25
    assert np.nanmean(errors) < 40


def test_a_clip_does_not_depend_on_what_was_seen_before(options: dict[str, object], person: Sequence[Frame]) -> None:
    frames = person[:5]
    with load_detector("mediapipe", **options) as detector:
        first, again = tracked(detector, frames), tracked(detector, frames)
    np.testing.assert_allclose(again, first, atol=1e-3)


def test_both_interfaces_see_the_same(real: None, task_file: Path, person: Sequence[Frame]) -> None:
    if not packaged_model():
        pytest.skip("this mediapipe has no model in its wheel")
    joints = MEDIAPIPE33.indices(LIMBS)
    ours, theirs = (positions(given, person)[:, joints] for given in ({}, {"model_path": task_file}))
    assert np.linalg.norm(ours - theirs, axis=-1).mean() < 10


def test_strided_frames_give_the_same(options: dict[str, object], person: Sequence[Frame]) -> None:
    def strided(frame: Frame) -> Frame:
        height, width, _ = frame.image.shape
        padded = np.full((height, width + 8, 3), 255, np.uint8)
        padded[:, :width] = frame.image
        return replace(frame, image=padded[:, :width])

    def straight(frame: Frame) -> Frame:
        return replace(frame, image=np.ascontiguousarray(frame.image))

    first = positions(options, [straight(frame) for frame in person[:2]])
    np.testing.assert_array_equal(positions(options, [strided(frame) for frame in person[:2]]), first)


def test_the_world_is_a_person_of_human_size(options: dict[str, object], person: Sequence[Frame]) -> None:
    with load_detector("mediapipe", **options) as detector:
        assert isinstance(detector, MediapipeDetector)
        detector(person[0])
        world = detector.last_world
    assert world is not None
    at = dict(zip(MEDIAPIPE33.joints, world, strict=True))
    np.testing.assert_allclose((at["left_hip"] + at["right_hip"]) / 2, 0, atol=0.02)
    assert 0.2 < np.linalg.norm(at["left_hip"] - at["left_knee"]) < 0.6
    assert at["nose"][1] < at["left_hip"][1] < at["left_ankle"][1]  # y points down


def test_images_are_not_written_to(options: dict[str, object], person: Sequence[Frame]) -> None:
    image = person[0].image.copy()
    positions(options, [replace(person[0], image=image)])
    np.testing.assert_array_equal(image, person[0].image)
    assert image.flags.writeable


def test_it_is_silent(options: dict[str, object], person: Sequence[Frame], tmp_path: Path) -> None:
    """In a process of its own, since MediaPipe complains once in each."""
    np.save(tmp_path / "frames.npy", np.stack([np.zeros_like(person[0].image), *(f.image for f in person[:3])]))
    code = (
        "import numpy as np; from flowlift.detect import load_detector; from flowlift.io.video import Frame\n"
        f"detector = load_detector('mediapipe', **{ {name: str(value) for name, value in options.items()} })\n"
        f"images = np.load({str(tmp_path / 'frames.npy')!r})\n"
        "for i, image in enumerate(images): seen = detector(Frame(i, i / 30, image))\n"
        "detector.close(); print(len(seen.xy))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1\n", "")


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04 and then nothing"])
def test_a_file_that_is_no_model_is_one_line(content: bytes, real: None, tmp_path: Path) -> None:
    path = tmp_path / "bad.task"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.task: mediapipe cannot load this model") as caught:
        load_detector("mediapipe", model_path=path)
    assert "\n" not in str(caught.value)


def test_a_missing_model_file_is_named(real: None, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.task: there is no such model file"):
        load_detector("mediapipe", model_path=tmp_path / "nowhere.task")


def test_without_a_model_in_the_wheel_one_is_fetched(real: None, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mediapipe, "packaged_model", lambda: False)
    monkeypatch.setattr(mediapipe_tasks, "MODEL_URL", "http://127.0.0.1:9/pose_landmarker_full.task")
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(ModelError, match=r"place it as .*pose_landmarker_full\.task, or name the file with model_path"):
        load_detector("mediapipe")


def test_a_broken_mediapipe_is_one_line(real: None, monkeypatch: pytest.MonkeyPatch) -> None:
    if not packaged_model():
        pytest.skip("this mediapipe has no model in its wheel")

    def fail(name: str) -> ModuleType:
        raise ImportError("numpy.core.multiarray failed to import\nand more")

    monkeypatch.setattr("flowlift.detect.optional.import_module", fail)
    with pytest.raises(FlowliftError, match="failed to import\\); repair it with") as caught:
        load_detector("mediapipe")
    assert "\n" not in str(caught.value)
