"""What can be watched live: a camera, an address in the network, or a video that plays at its own speed."""

import time
from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from typing import NamedTuple

from flowlift.errors import InputError
from flowlift.io import is_keypoint_source
from flowlift.io.capture import is_stream, open_address
from flowlift.io.frames import Frame
from flowlift.io.video import VideoSource, open_frames

_STEP = 1 / 30  # seconds from one frame to the next, where a stream's own clock jumped


class Caught(NamedTuple):
    """A frame, and when it came in, seconds of `time.monotonic`."""

    frame: Frame
    at: float


def open_live(source: str, *, start: float | None = None, end: float | None = None) -> VideoSource:
    """A camera by its number, an address, or a video file; `start`: of a file. Raises InputError."""
    if is_stream(source):
        return open_address(source, start, end)
    opened = None if is_keypoint_source(source) else open_frames(source, start=start, end=end)
    if not isinstance(opened, VideoSource):
        raise InputError(f"{source}: --live wants a camera's number, an address (rtsp://...) or a video")
    return opened


def frames_as_they_come(source: VideoSource, stop: Event) -> Iterator[Caught]:
    """Frames until the source ends or `stop` is set; those of a file when they are due, as if it was filmed now.

    Their times never fall. Raises InputError where nothing can be read.
    """
    first, shift, last = 0.0, 0.0, float("-inf")
    for frame in source:
        now = time.monotonic()
        if last == float("-inf"):
            first = now - frame.time
        if not source.place.live and frame.time + first > now:
            stop.wait(frame.time + first - now)
        if stop.is_set():
            return
        if frame.time + shift <= last:  # a stream that begins again counts from 0 again
            shift = last + _STEP - frame.time
        last = frame.time + shift
        yield Caught(replace(frame, time=last), time.monotonic())
