"""Any source as a clip: 2D keypoints that come in chunks, so that any length fits in memory."""

import mimetypes
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Float32

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.cores import allowed_threads
from flowlift.detect import Detector
from flowlift.errors import InputError
from flowlift.io import READERS, load, load_as_listed
from flowlift.io.extent import check_pixels
from flowlift.io.hints import UNSAID, Hints
from flowlift.io.video import Frame, FrameSource, VideoSource, open_frames
from flowlift.lifter import MIN_JOINTS
from flowlift.read_ahead import ReadAhead
from flowlift.skeleton import Skeleton
from flowlift.track import Sighting, Tracked, Tracker, stack, track

CHUNK = 256
"""Frames that are lifted together. It bounds the memory and changes no result."""

AHEAD = 4
"""Frames that are decoded before they are looked at: enough to even out decoder and detector, and little memory."""

_HELD_PIXELS = 1 << 28
"""In the frames that wait: fewer do where they are very large."""

Progress = Callable[[int, int | None], None]


class Chunk(NamedTuple):
    """A stretch of a clip: the number of its first frame, and its keypoints."""

    first: int
    keypoints: Keypoints2D


class Chunks(Protocol):
    """Chunks one after another, until nobody wants more."""

    def __iter__(self) -> Iterator[Chunk]: ...

    def __next__(self) -> Chunk: ...

    def close(self) -> None: ...


class Clip(NamedTuple):
    """2D keypoints that come in chunks; `nothing` is a chunk without frames. `detector`: what made them, if we did.

    `stop`: set it, and no further frame is looked at; what was detected still comes."""

    name: str
    nothing: Keypoints2D
    chunks: Chunks
    stop: Event
    detector: str | None = None

    @property
    def image_size(self) -> tuple[int, int]:
        """(width, height) px."""
        return self.nothing.image_size


def source_name(source: str | Path | int) -> str:
    """What to call a source: its file's or folder's name without the suffix, or camera0."""
    return f"camera{source}" if isinstance(source, int) else Path(source).resolve().stem


def open_source(
    source: str | Path | int, start: float | None, end: float | None, fps: float | None = None
) -> FrameSource:
    """`open_frames`; for a file that is no video nor image by its name either, the error lists what is read."""
    try:
        return open_frames(source, start=start, end=end, fps=fps)
    except InputError as error:
        kind = mimetypes.guess_type(str(source))[0] or ""
        if not Path(str(source)).is_file() or kind.startswith(("video/", "image/")):
            raise
        known = "; ".join(f"{reader.name} ({', '.join(reader.suffixes)})" for reader in READERS.values())
        raise InputError(
            f"{error}; flowlift reads videos, images, folders of images, and keypoints: {known}"
        ) from error


def load_keypoints(source: str | Path, hints: Hints = UNSAID) -> Keypoints2D:
    """2D keypoints, people as the file lists them. Raises InputError, also for 3D poses."""
    found = load_as_listed(source, hints)
    if not isinstance(found, Keypoints2D):
        raise InputError(f"{source}: these are 3D poses already; give the 2D keypoints to lift")
    return found


def load_poses(path: str | Path) -> Poses3D:
    """`load` for 3D poses. Raises InputError, also for 2D keypoints."""
    found = load(path)
    if not isinstance(found, Poses3D):
        raise InputError(f"{path}: these are 2D keypoints; 3D poses are wanted, such as flowlift lift writes")
    return found


def open_keypoints(
    source: str | Path,
    keypoints: Keypoints2D,
    start: float | None,
    end: float | None,
    report: Progress,
    *,
    ordered: bool = True,
) -> Clip:
    """Keypoints between two times (s) as a clip. Raises InputError where they cannot hold a pose.

    `ordered`: a person's index is the same in every frame; else people are followed. Where they cannot be, a warning
    says so.
    """
    if not len(keypoints):
        raise InputError(f"{source}: it holds no frames")
    keypoints = cut(keypoints, start, end, source)
    visible = np.isfinite(keypoints.xy[..., 0]).sum(axis=-1)
    if not visible.any():
        raise InputError(f"{source}: no joint is visible in any of its {len(keypoints)} frames")
    check_pixels(keypoints, source)
    if visible.max() < MIN_JOINTS:
        raise InputError(f"{source}: never more than {visible.max()} joints are visible; a pose needs {MIN_JOINTS}")
    if not ordered:
        try:
            keypoints = track(keypoints)
        except InputError as error:
            warnings.warn(f"{source}: {error}; a person is a place in the file's lists", UserWarning, stacklevel=2)
    stop = Event()
    return Clip(source_name(source), keypoints.frames(0, 0), keypoint_chunks(keypoints, report, stop), stop)


def open_images(frames: FrameSource, detector: Detector, report: Progress) -> Clip:
    """What a detector will find in images, as a clip. People are followed, except through images without a rate.

    Where there is a core for it, the next chunk is detected while one is lifted."""
    nothing, stop = _gather([], frames, detector.skeleton), Event()
    found: Chunks = detected_chunks(frames, detector, report, stop)
    if allowed_threads() > 1:
        found = ReadAhead(found, held=1)
    return Clip(frames.name, nothing, found, stop, detector.name)


class AsDetected:
    """Stands in for a `Tracker` where frames do not follow one another: a person is a place in the detector's list."""

    def push(
        self, time: float, xy: Float32[np.ndarray, "person joint 2"], score: Float32[np.ndarray, "person joint"]
    ) -> list[Tracked]:
        """The frame as it is."""
        return [Tracked(time, {place: Sighting(*each) for place, each in enumerate(zip(xy, score, strict=True))})]

    def flush(self) -> list[Tracked]:
        """Nothing waits."""
        return []


def keypoint_chunks(keypoints: Keypoints2D, report: Progress, stop: Event) -> Generator[Chunk, None, None]:
    """Cut keypoints into chunks, until `stop` is set."""
    for first in range(0, len(keypoints), CHUNK):
        if stop.is_set():
            return
        report(first, len(keypoints))
        yield Chunk(first, keypoints.frames(first, first + CHUNK))
    report(len(keypoints), len(keypoints))


def detected_chunks(
    frames: FrameSource, detector: Detector, report: Progress, stop: Event
) -> Generator[Chunk, None, None]:
    """Detect keypoints frame by frame and give them in chunks; on Ctrl-C, or when `stop` is set, give what was detected
    and raise KeyboardInterrupt."""
    follow = Tracker() if is_a_clip(frames) else AsDetected()
    rest = _Rest(0, [])
    report(0, frames.frame_count)
    try:
        with _reading(frames) as images:
            for done, frame in enumerate(images, 1):
                found = detector(frame)
                rest.frames.extend(follow.push(frame.time, found.xy, found.score))
                report(done, frames.frame_count)
                while len(rest.frames) >= CHUNK:
                    yield rest.chunk(frames, detector.skeleton)
                    rest = rest.after()
                if stop.is_set():
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        yield from _remaining(rest, follow, frames, detector.skeleton)
        raise
    yield from _remaining(rest, follow, frames, detector.skeleton)


def _reading(frames: FrameSource) -> AbstractContextManager[Iterator[Frame]]:
    """The frames, decoded while others are looked at, where there is a core for it. What a camera shows is taken as it
    comes: frames that wait for their turn would be old."""
    if allowed_threads() == 1 or (isinstance(frames, VideoSource) and frames.place.live):
        return nullcontext(iter(frames))
    width, height = frames.image_size
    return closing(ReadAhead(frames, held=max(1, min(AHEAD, _HELD_PIXELS // (width * height)))))


class _Rest(NamedTuple):
    """Frames that wait for their chunk, and the number of the first of them: one value, so that Ctrl-C finds both."""

    first: int
    frames: list[Tracked]

    def chunk(self, source: FrameSource, skeleton: Skeleton) -> Chunk:
        return Chunk(self.first, _gather(self.frames[:CHUNK], source, skeleton))

    def after(self) -> "_Rest":
        return _Rest(self.first + CHUNK, self.frames[CHUNK:])


def _remaining(rest: _Rest, follow: Tracker | AsDetected, source: FrameSource, skeleton: Skeleton) -> Iterator[Chunk]:
    rest.frames.extend(follow.flush())
    while rest.frames:
        yield rest.chunk(source, skeleton)
        rest = rest.after()


def cut(keypoints: Keypoints2D, start: float | None, end: float | None, source: str | Path) -> Keypoints2D:
    """The frames with start <= time < end, seconds, at their own times. Raises InputError where there are none."""
    if start is None and end is None:
        return keypoints
    if not keypoints.timed:
        raise InputError(f"{source}: start and end need the frame rate, which the file does not tell; give fps")
    times = keypoints.frame_times
    first, last = np.searchsorted(times, [-np.inf if start is None else start, np.inf if end is None else end])
    if first >= last:
        raise InputError(f"{source}: no frame lies between start and end; it runs from {times[0]} to {times[-1]} s")
    return replace(keypoints.frames(int(first), int(last)), times=times[first:last])


def is_a_clip(frames: FrameSource) -> bool:
    """Whether frames follow one another in time; pictures in a folder do where their rate is given."""
    from flowlift.io.images import ImageSource

    return not (isinstance(frames, ImageSource) and frames.fps is None)


def _gather(seen: list[Tracked], frames: FrameSource, skeleton: Skeleton) -> Keypoints2D:
    xy, score = stack(seen, len(skeleton))
    return Keypoints2D(
        xy=xy,
        score=score,
        skeleton=skeleton,
        image_size=frames.image_size,
        fps=frames.fps,
        source=frames.name,
        times=np.array([each.time for each in seen], dtype=np.float64) if is_a_clip(frames) else None,
    )
