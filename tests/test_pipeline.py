"""The main job's stream: chunks, people who come and go, Ctrl-C, memory."""

import json
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift import clips
from flowlift.clips import AHEAD, cut, detected_chunks, keypoint_chunks, load_keypoints, open_images, open_keypoints
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.detect import Detection
from flowlift.errors import InputError
from flowlift.io import save
from flowlift.io.hints import Hints
from flowlift.io.video import Frame
from flowlift.pipeline import LiftInterrupted, lift_chunks
from flowlift.skeleton import Skeleton

SKELETON = Skeleton.named("human36m17")
JOINTS = np.arange(len(SKELETON))


@dataclass
class Frames:
    """Images that are all alike; `stop_at`: the frame at whose reading somebody presses Ctrl-C."""

    count: int
    image_size: tuple[int, int] = (8, 6)
    fps: float | None = 25.0
    frame_count: int | None = None
    name: str = "clip"
    stop_at: int | None = None

    def __iter__(self) -> Iterator[Frame]:
        for i in range(self.count):
            if i == self.stop_at:
                raise KeyboardInterrupt
            yield Frame(i, i / 25, np.ones((self.image_size[1], self.image_size[0], 3), dtype=np.uint8))


class Detector:
    """Finds as many people as it is told for each frame, side by side; their first joint's x holds the frame's number,
    and 300 for each person to their left."""

    skeleton = SKELETON
    name = "told"

    def __init__(self, people: Callable[[int], int] = lambda frame: 1) -> None:
        self.people = people

    def __call__(self, frame: Frame) -> Detection:
        places = 300 * np.arange(self.people(frame.index))
        xy = np.stack([np.add.outer(places, 10 * JOINTS) + frame.index, np.add.outer(0 * places, 20 * JOINTS)], axis=-1)
        return Detection(xy.astype(np.float32), np.ones(xy.shape[:2], dtype=np.float32))

    def close(self) -> None:
        pass


def flat(keypoints: Keypoints2D) -> Poses3D:
    """A stand-in for the lifter: depth 0, frame by frame."""
    xyz = np.concatenate([keypoints.xy, 0 * keypoints.xy[..., :1]], axis=-1)
    return Poses3D(
        xyz=xyz,
        root=xyz[:, :, 0],
        cov=np.zeros((*xyz.shape, 3), dtype=np.float32),
        skeleton=SKELETON,
        fps=keypoints.fps,
        keypoints=keypoints,
        times=keypoints.times,
    )


@pytest.fixture(params=[1, 2], ids=["one core", "two cores"], autouse=True)
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """On several cores frames are read ahead."""
    monkeypatch.setattr(clips, "allowed_threads", lambda: request.param)


def lifted(frames: Frames, detector: Detector) -> Poses3D | None:
    return lift_chunks(open_images(frames, detector, lambda done, total: None), flat)


def make_keypoints(xy: np.ndarray, fps: float | None = 10.0) -> Keypoints2D:
    return Keypoints2D(xy, np.ones(xy.shape[:3], dtype=np.float32), SKELETON, (100, 100), fps=fps)


@given(count=st.integers(1, 40), chunk=st.integers(1, 50), crowd=st.lists(st.integers(0, 3), min_size=1, max_size=5))
def test_the_result_does_not_depend_on_the_chunks(count: int, chunk: int, crowd: list[int]) -> None:
    detector = Detector(lambda frame: crowd[frame % len(crowd)])
    whole = lifted(Frames(count), detector)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clips, "CHUNK", chunk)
        parts = lifted(Frames(count), detector)
    assert whole is not None
    assert parts is not None
    np.testing.assert_array_equal(parts.xyz, whole.xyz)
    np.testing.assert_array_equal(parts.frame_times, np.arange(count) / 25)
    seen = np.isfinite(whole.xyz[..., 0]).all(axis=-1).sum(axis=-1)
    told = np.array([crowd[frame % len(crowd)] for frame in range(count)])
    if len(set(crowd)) == 1:
        np.testing.assert_array_equal(seen, told)
    else:
        assert (seen <= told).all(), "who flickers is a ghost"


@given(count=st.integers(1, 30), stop=st.integers(0, 29), chunk=st.integers(1, 12))
def test_ctrl_c_while_detecting_keeps_every_detected_frame(count: int, stop: int, chunk: int) -> None:
    stop = min(stop, count - 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clips, "CHUNK", chunk)
        with pytest.raises(LiftInterrupted) as interrupted:
            lifted(Frames(count, stop_at=stop), Detector())
    poses = interrupted.value.poses
    if stop == 0:
        assert poses is None
    else:
        assert poses is not None
        np.testing.assert_array_equal(poses.xyz[:, 0, 0, 0], np.arange(stop))


@pytest.mark.parametrize("stop", range(4))
def test_ctrl_c_while_lifting_keeps_all_that_was_detected(monkeypatch: pytest.MonkeyPatch, stop: int) -> None:
    monkeypatch.setattr(clips, "CHUNK", 5)
    calls = iter(range(9))

    def lift_once(keypoints: Keypoints2D) -> Poses3D:
        if next(calls) == stop:
            raise KeyboardInterrupt
        return flat(keypoints)

    frames = Frames(20)
    with pytest.raises(LiftInterrupted) as interrupted:
        lift_chunks(open_images(frames, Detector(), lambda *_: None), lift_once)
    assert interrupted.value.poses is not None
    kept = interrupted.value.poses.xyz[:, 0, 0, 0]
    np.testing.assert_array_equal(kept, np.arange(len(kept)))
    assert 5 * stop + 5 <= len(kept) <= 20  # the chunk at hand, and what was detected meanwhile


def test_nothing_more_is_looked_at_after_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "CHUNK", 5)
    looked = list[int]()

    class Watched(Detector):
        def __call__(self, frame: Frame) -> Detection:
            looked.append(frame.index)
            return super().__call__(frame)

    def stopped(keypoints: Keypoints2D) -> Poses3D:
        if len(looked) < 40:
            raise KeyboardInterrupt
        raise AssertionError("it went on")

    with pytest.raises(KeyboardInterrupt):
        lift_chunks(open_images(Frames(1000), Watched(), lambda *_: None), stopped)
    assert len(looked) < 40


def test_the_next_chunk_is_detected_while_one_is_lifted(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(clips, "CHUNK", 4)
    looked, begun = list[int](), list[int]()

    class Watched(Detector):
        def __call__(self, frame: Frame) -> Detection:
            looked.append(frame.index)
            return super().__call__(frame)

    def slow(keypoints: Keypoints2D) -> Poses3D:
        before = len(looked)
        time.sleep(0.05)
        begun.append(len(looked) - before)
        return flat(keypoints)

    assert lift_chunks(open_images(Frames(40), Watched(), lambda *_: None), slow) is not None
    assert max(begun) <= 3 * 4 + AHEAD  # one chunk is held, one in the detector's hand
    overlaps = request.node.callspec.params["cores"] > 1
    assert (sum(begun) > 0) == overlaps


def test_no_frames_are_no_poses() -> None:
    assert lifted(Frames(0), Detector()) is None


def test_images_do_not_pile_up() -> None:
    frames = Frames(400, image_size=(640, 480))  # 370 MB, were they kept
    tracemalloc.start()
    try:
        poses = lifted(frames, Detector())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert poses is not None
    assert len(poses) == 400
    assert peak < 20e6


def test_progress_counts_every_frame() -> None:
    seen = list[tuple[int, int | None]]()
    list(detected_chunks(Frames(7, frame_count=9), Detector(), lambda done, total: seen.append((done, total)), Event()))
    assert seen == [(done, 9) for done in range(8)]
    seen.clear()
    keypoints = make_keypoints(np.zeros((300, 1, 17, 2), dtype=np.float32))
    list(keypoint_chunks(keypoints, lambda *now: seen.append(now), Event()))
    assert seen[0] == (0, 300)
    assert seen[-1] == (300, 300)


@given(start=st.integers(0, 8), length=st.integers(1, 9))
def test_cut_keeps_frames_at_their_times(start: int, length: int) -> None:
    keypoints = make_keypoints(np.arange(9 * 34, dtype=np.float32).reshape(9, 1, 17, 2))
    part = cut(keypoints, start / 10 - 0.05, (start + length) / 10 - 0.05, "clip.npz")
    np.testing.assert_allclose(part.frame_times, np.arange(start, min(start + length, 9)) / 10)
    np.testing.assert_array_equal(part.xy, keypoints.xy[start : start + length])


def test_cut_outside_the_clip_is_refused() -> None:
    keypoints = make_keypoints(np.zeros((9, 1, 17, 2), dtype=np.float32))
    with pytest.raises(InputError, match=r"clip\.npz.*0\.0 to 0\.8 s"):
        cut(keypoints, 5.0, None, "clip.npz")
    with pytest.raises(InputError, match="frame rate"):
        cut(make_keypoints(keypoints.xy, fps=None), 0.1, None, "clip.npz")


@pytest.mark.parametrize(("visible", "message"), [(0, "no joint is visible"), (1, "a pose needs"), (2, "a pose needs")])
def test_too_few_joints_are_refused(visible: int, message: str) -> None:
    xy = np.full((4, 1, 17, 2), np.nan, dtype=np.float32)
    xy[:, :, :visible] = 5.0
    with pytest.raises(InputError, match=message):
        open_keypoints("clip.npz", make_keypoints(xy), None, None, lambda *_: None)


def test_poses_are_not_lifted_again(tmp_path: Path) -> None:
    save(flat(make_keypoints(np.zeros((1, 1, 17, 2), dtype=np.float32))), tmp_path / "poses.npz")
    with pytest.raises(InputError, match="3D poses already"):
        load_keypoints(tmp_path / "poses.npz")


def test_the_camera_tells_the_image_size_where_the_file_does_not(tmp_path: Path) -> None:
    person = {"pose_keypoints_2d": [50.0, 60.0, 0.9] * 18}
    silent = tmp_path / "frame_0.json"
    silent.write_text(json.dumps({"people": [person]}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_keypoints(silent, Hints(camera_size=(1000, 900))).image_size == (1000, 900)
    with pytest.warns(UserWarning, match="image size"):
        load_keypoints(silent)
    told = tmp_path / "told.npz"
    save(make_keypoints(np.zeros((1, 1, 17, 2), dtype=np.float32)), told)
    assert load_keypoints(told, Hints(camera_size=(1000, 900))).image_size == (100, 100)
