"""The main job: a source of images or keypoints in, 3D poses out; chunk by chunk, so that any length fits in memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from flowlift.camera import Camera
from flowlift.clip_camera import choose_camera
from flowlift.concatenate import concatenate_poses
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.detect import Detection, Detector, load_detector
from flowlift.errors import InputError
from flowlift.io import is_keypoint_source, load
from flowlift.io.video import FrameSource, open_frames
from flowlift.lifter import MIN_JOINTS, Lifter
from flowlift.skeleton import Skeleton

CHUNK = 256
"""Frames that are lifted together. It bounds the memory and changes no result."""

Progress = Callable[[int, int | None], None]


class LiftInterrupted(KeyboardInterrupt):
    """Ctrl-C during `lift`; `poses` holds the frames that were finished, None where there are none."""

    def __init__(self, poses: Poses3D | None) -> None:
        super().__init__()
        self.poses = poses


class Chunk(NamedTuple):
    """A stretch of a clip: the number of its first frame, and its keypoints."""

    first: int
    keypoints: Keypoints2D


class Clip(NamedTuple):
    """2D keypoints that come in chunks; `nothing` is a chunk without frames. `detector`: what made them, if we did."""

    name: str
    nothing: Keypoints2D
    chunks: Iterator[Chunk]
    detector: str | None = None

    @property
    def image_size(self) -> tuple[int, int]:
        """(width, height) px."""
        return self.nothing.image_size


def lift(
    source: str | Path | int,
    *,
    model: str | Path = "human",
    camera: Camera | str | Path | None = None,
    hypotheses: int = 20,
    steps: int | None = None,
    seed: int = 0,
    smooth: str = "auto",
    height: float | None = None,
    keep_hypotheses: bool = False,
    fov: float | None = None,
    focal: float | None = None,
    start: float | None = None,
    end: float | None = None,
    detector: str | Detector = "mediapipe",
    skeleton: str | None = None,
    fps: float | None = None,
    image_size: tuple[int, int] | None = None,
    device: str | None = None,
    progress: Progress | None = None,
    **detector_options: object,
) -> Poses3D:
    """3D poses with their uncertainty from a video, an image, a folder of images, a camera index or a keypoint file.

    `camera` (or `fov`, degrees across the longer image side; or `focal`, px) says what is known of the camera; with
    none of them a common field of view is assumed. A calibration file with several cameras is asked for the one that
    is called like the source, or name it: `FILE::NAME`. `height`: the person's, metres. `start`, `end`: seconds.
    `skeleton`, `fps`, `image_size` (width, height) describe a keypoint file that does not say. `detector_options` go
    to the detector. `progress` is called with (frames done, frames expected or None). Frames without a person are NaN.
    Raises InputError, ModelError, MissingExtraError; LiftInterrupted on Ctrl-C, with what was finished.
    """
    lifter = Lifter.load(model, device=device)
    report = progress or _ignore
    known: Camera | None = None

    def lift_chunk(keypoints: Keypoints2D) -> Poses3D:
        return lifter(
            keypoints,
            camera=known,
            hypotheses=hypotheses,
            steps=steps,
            seed=seed,
            smooth=smooth,
            height=height,
            keep_hypotheses=keep_hypotheses,
        )

    with ExitStack() as stack:
        if not isinstance(source, int) and is_keypoint_source(source):
            keypoints = load(source, skeleton=skeleton, fps=fps, image_size=image_size)
            clip = open_keypoints(source, keypoints, start, end, report)
        else:
            frames = open_frames(source, start=start, end=end)
            if isinstance(detector, str):
                detector = load_detector(detector, **detector_options)
                stack.callback(detector.close)
            clip = open_images(frames, detector, report)
        known = choose_camera(clip.image_size, clip.name, camera=camera, fov=fov, focal=focal)
        lift_chunk(clip.nothing)  # settings that cannot be are refused now, not after minutes of detection
        poses = lift_chunks(clip, lift_chunk)
    if poses is None:
        raise InputError(f"{source}: it holds no frames")
    if np.isnan(poses.xyz).all():
        raise InputError(f"{source}: nobody to lift: none of its {len(poses)} frames shows {MIN_JOINTS} joints or more")
    return poses


def lift_chunks(clip: Clip, lift_chunk: Callable[[Keypoints2D], Poses3D]) -> Poses3D | None:
    """Lift chunk after chunk; None when there is none. Raises LiftInterrupted on Ctrl-C, with all that was detected."""
    parts: dict[int, Poses3D] = {}  # by first frame: lifting a chunk again, after Ctrl-C, does no harm
    chunk = None
    try:
        for chunk in clip.chunks:
            parts[chunk.first] = lift_chunk(chunk.keypoints)
    except KeyboardInterrupt:
        if chunk is not None and chunk.first not in parts:
            parts[chunk.first] = lift_chunk(chunk.keypoints)
        raise LiftInterrupted(_join(parts, clip)) from None
    return _join(parts, clip)


def open_keypoints(
    source: str | Path, keypoints: Keypoints2D | Poses3D, start: float | None, end: float | None, report: Progress
) -> Clip:
    """Keypoints between two times (s) as a clip. Raises InputError where they cannot hold a pose."""
    if not isinstance(keypoints, Keypoints2D):
        raise InputError(f"{source}: these are 3D poses already; give the 2D keypoints to lift")
    if not len(keypoints):
        raise InputError(f"{source}: it holds no frames")
    keypoints = cut(keypoints, start, end, source)
    visible = np.isfinite(keypoints.xy[..., 0]).sum(axis=-1)
    if not visible.any():
        raise InputError(f"{source}: no joint is visible in any of its {len(keypoints)} frames")
    if visible.max() < MIN_JOINTS:
        raise InputError(f"{source}: never more than {visible.max()} joints are visible; a pose needs {MIN_JOINTS}")
    return Clip(Path(source).resolve().stem, keypoints.frames(0, 0), keypoint_chunks(keypoints, report))


def open_images(frames: FrameSource, detector: Detector, report: Progress) -> Clip:
    """What a detector will find in images, as a clip."""
    nothing = _gather([], frames, detector.skeleton)
    return Clip(frames.name, nothing, detected_chunks(frames, detector, report), detector.name)


def keypoint_chunks(keypoints: Keypoints2D, report: Progress) -> Iterator[Chunk]:
    """Cut keypoints into chunks."""
    for first in range(0, len(keypoints), CHUNK):
        report(first, len(keypoints))
        yield Chunk(first, keypoints.frames(first, first + CHUNK))
    report(len(keypoints), len(keypoints))


def detected_chunks(frames: FrameSource, detector: Detector, report: Progress) -> Iterator[Chunk]:
    """Detect keypoints frame by frame and give them in chunks; on Ctrl-C, give what was detected, then raise it."""
    first, pending = 0, list[_Seen]()
    report(0, frames.frame_count)
    try:
        for frame in frames:
            pending.append(_Seen(frame.time, detector(frame)))
            report(first + len(pending), frames.frame_count)
            if len(pending) == CHUNK:
                yield Chunk(first, _gather(pending, frames, detector.skeleton))
                pending, first = [], first + CHUNK  # in this order: Ctrl-C between the two repeats nothing
    except KeyboardInterrupt:
        if pending:
            yield Chunk(first, _gather(pending, frames, detector.skeleton))
        raise
    if pending:
        yield Chunk(first, _gather(pending, frames, detector.skeleton))


def cut(keypoints: Keypoints2D, start: float | None, end: float | None, source: str | Path) -> Keypoints2D:
    """The frames with start <= time < end, seconds, at their own times. Raises InputError where there are none."""
    if start is None and end is None:
        return keypoints
    if keypoints.fps is None and keypoints.times is None:
        raise InputError(f"{source}: start and end need the frame rate, which the file does not tell; give fps")
    times = keypoints.frame_times
    first, last = np.searchsorted(times, [-np.inf if start is None else start, np.inf if end is None else end])
    if first >= last:
        raise InputError(f"{source}: no frame lies between start and end; it runs from {times[0]} to {times[-1]} s")
    return replace(keypoints.frames(first, last), times=times[first:last])


class _Seen(NamedTuple):
    time: float
    found: Detection


def _gather(seen: Sequence[_Seen], frames: FrameSource, skeleton: Skeleton) -> Keypoints2D:
    people = max((len(each.found.xy) for each in seen), default=1) or 1  # a row of NaN where nobody was found
    xy = np.full((len(seen), people, len(skeleton), 2), np.nan, dtype=np.float32)
    score = np.full(xy.shape[:3], np.nan, dtype=np.float32)
    for row, each in enumerate(seen):
        xy[row, : len(each.found.xy)], score[row, : len(each.found.xy)] = each.found.xy, each.found.score
    return Keypoints2D(
        xy=xy,
        score=score,
        skeleton=skeleton,
        image_size=frames.image_size,
        fps=frames.fps,
        source=frames.name,
        times=np.array([each.time for each in seen], dtype=np.float64),
    )


def _join(parts: dict[int, Poses3D], clip: Clip) -> Poses3D | None:
    if not parts:
        return None
    poses = concatenate_poses(list(parts.values()))
    return replace(poses, provenance={**poses.provenance, "source": clip.name, "detector": clip.detector})


def _ignore(done: int, total: int | None) -> None:
    """The progress report of somebody who wants none."""
