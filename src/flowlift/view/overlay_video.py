"""A result drawn onto the whole video that it was lifted from: read, drawn and written frame by frame."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.io.frames import Frame, FrameSource
from flowlift.io.video import VideoSource
from flowlift.io.video_writing import check_suffix, video_writer
from flowlift.view.overlay import draw_overlay

_SLACK = 1e-6
_SAME_SHAPE = 0.01
_DEFAULT_RATE = 30.0


def write_overlay(
    frames: FrameSource, poses: Poses3D, path: Path, *, report: Callable[[int, int | None], None] | None = None
) -> None:
    """Write the frames with their poses drawn onto them (see `draw_overlay`), at their own times, with their sound.

    Frames are matched by time; where the poses have none, by number. A frame without a pose stays as it is. `report`
    is called with (frames done, frames expected). Raises InputError for poses without 2D or camera, for a video of
    another shape than the poses' images or without a frame at any of their times; OutputError when the video cannot be
    written.
    """
    check_suffix(path)
    _check_drawable(poses)
    _check_shape(frames, poses)
    sound = Path(frames.place.location) if isinstance(frames, VideoSource) and not frames.place.live else None
    found = False
    with video_writer(path, fps=frames.fps or poses.fps or _DEFAULT_RATE, sound=sound) as writer:
        for done, (frame, index) in enumerate(matched(frames, poses), 1):
            found = found or index is not None
            image = frame.image if index is None else draw_overlay(frame.image, poses, index)
            writer.write(image, frame.time)
            if report is not None:
                report(done, frames.frame_count)
        if not found:
            times = poses.frame_times
            raise InputError(f"{frames.name}: no frame at the times of the poses ({times[0]:g} to {times[-1]:g} s)")


class Matched(NamedTuple):
    """A frame and the number of its pose, None where it has none."""

    frame: Frame
    pose: int | None


def matched(frames: FrameSource, poses: Poses3D) -> Iterator[Matched]:
    """Each frame with the pose nearest in time, if that is nearer than half the usual step between poses."""
    times = poses.frame_times
    by_number = not poses.timed
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1 / (poses.fps or frames.fps or _DEFAULT_RATE)
    for frame in frames:
        time = frame.index if by_number else frame.time
        after = int(np.searchsorted(times, time))
        near = min((i for i in (after - 1, after) if 0 <= i < len(times)), key=lambda i: abs(times[i] - time))
        yield Matched(frame, near if abs(times[near] - time) <= step / 2 + _SLACK else None)


def _check_drawable(poses: Poses3D) -> None:
    if not len(poses):
        raise InputError("these poses hold no frames to draw")
    if poses.keypoints is None and (poses.camera is None or poses.root is None):
        raise InputError(
            "these poses hold neither 2D keypoints nor where the camera was: nothing can be drawn onto a picture; "
            "give the npz or JSON that flowlift lift wrote"
        )


def _check_shape(frames: FrameSource, poses: Poses3D) -> None:
    seen = poses.keypoints.image_size if poses.keypoints is not None else poses.camera and poses.camera.image_size
    if seen and abs(np.divide(*frames.image_size) / np.divide(*seen) - 1) > _SAME_SHAPE:
        raise InputError(
            f"{frames.name}: its images are of {frames.image_size[0]} x {frames.image_size[1]} pixels, those that were "
            f"lifted of {seen[0]} x {seen[1]}: not the same pictures"
        )
