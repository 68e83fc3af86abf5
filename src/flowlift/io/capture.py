"""Cameras, through FFmpeg's devices for this system."""

import math
import sys
from typing import Any

from flowlift.errors import InputError
from flowlift.io.decoding import Place, opened, reason, video_stream
from flowlift.io.orientation import Orientation
from flowlift.io.video import VideoSource


def open_camera(number: int, end: float | None = None) -> VideoSource:
    """The camera with this number, 0 for the first; `end`: seconds to look, without end otherwise.

    Raises InputError where there is none, it is in use, or may not be used.
    """
    import av

    try:
        place = _place(number)
        with opened(place) as container:
            stream = video_stream(container)
            if stream is None:
                raise InputError(f"camera {number}: it gives no video")
            size = (int(stream.codec_context.width), int(stream.codec_context.height))
            fps = float(stream.average_rate or stream.guessed_rate or 0) or None
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(
            f"camera {number}: cannot be opened: {reason(error)}; is it plugged in, free, and allowed to be used?"
        ) from error
    until = math.inf if end is None else end
    total = None if end is None or fps is None else round(end * fps)
    return VideoSource(place, f"camera {number}", f"camera{number}", size, fps, total, Orientation(), end=until)


def _place(number: int) -> Place:
    if sys.platform == "darwin":
        # FFmpeg's own default, 29.97 frames a second, is one that the built-in cameras refuse.
        return Place(f"{number}:none", "avfoundation", {"framerate": "30"})
    if sys.platform == "win32":
        return Place(f"video={_directshow_name(number)}", "dshow")
    return Place(f"/dev/video{number}", "v4l2")


def _directshow_name(number: int) -> Any:
    """Windows calls cameras by name: the name of this one."""
    from av import device

    cameras = [info for info in device.enumerate_input_devices("dshow") if "video" in info.media_types]
    if number >= len(cameras):
        known = ", ".join(f"{i} ({info.description})" for i, info in enumerate(cameras))
        raise InputError(f"camera {number}: there is no such camera; there is {known or 'none'}")
    return cameras[number].name
