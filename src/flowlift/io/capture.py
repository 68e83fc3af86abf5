"""Cameras: through FFmpeg's devices for this system, or at an address in the network."""

import math
import re
import sys
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from flowlift.errors import InputError
from flowlift.io.decoding import Place, Tally, decoded, opened, rate_of, reason, video_stream
from flowlift.io.orientation import Orientation, orientation_of
from flowlift.io.video import VideoSource, check_times


def open_camera(number: int, start: float | None = None, end: float | None = None) -> VideoSource:
    """The camera with this number, 0 for the first; `end`: seconds to look, without end otherwise.

    Raises InputError where there is none, it is in use, or may not be used, and for a `start`.
    """
    import av

    until = _until(f"camera {number}", start, end)
    try:
        place = _place(number)
        with opened(place) as container:
            stream = video_stream(container)
            if stream is None:
                raise InputError(f"camera {number}: it gives no video")
            size = (int(stream.codec_context.width), int(stream.codec_context.height))
            fps = rate_of(stream)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(
            f"camera {number}: cannot be opened: {reason(error)}; is it plugged in, free, and allowed to be used?"
        ) from error
    total = None if end is None or fps is None else round(end * fps)
    return VideoSource(place, f"camera {number}", f"camera{number}", size, fps, total, Orientation(), end=until)


ADDRESSES = ("rtsp", "rtsps", "http", "https")
"""How the address of a stream may begin."""
_PATIENCE = 10.0
_NETWORK = {
    "protocol_whitelist": "rtsp,rtsps,rtp,srtp,udp,http,https,tcp,tls,crypto",  # a playlist leads to no file here
    "rtsp_transport": "tcp",
}


def is_stream(source: str) -> bool:
    """Whether this is the address of a stream, by its form; not whether it can be opened."""
    return "://" in source


def address_name(address: str) -> str:
    """What to call a stream: the end of its path, or its host; never its password, and nothing that leads elsewhere."""
    parts = _split(address)
    name = PurePosixPath(parts.path).stem.lstrip(".") or str(parts.hostname)
    return re.sub(r"[^\w .()+-]", "_", name)


def open_address(address: str, start: float | None = None, end: float | None = None) -> VideoSource:
    """The stream at an address; `end`: seconds to look, without end otherwise. No message holds its password.

    Raises InputError where there is none, or it takes too long to answer, and for a `start`.
    """
    import av

    parts = _split(address)
    label = f"{parts.scheme}://{_place_in_network(parts)}{parts.path}"
    until = _until(label, start, end)
    place = Place(address, options=_NETWORK, patience=_PATIENCE, endless=True)
    try:
        with opened(place) as container:
            stream = video_stream(container)
            first = None if stream is None else next(decoded(container, stream, True, Tally()), None)
            if stream is None or first is None:
                raise InputError(f"{label}: it gives no video")
            orientation = orientation_of(first.picture)
            size = orientation.size(int(first.picture.width), int(first.picture.height))
            fps = rate_of(stream)
            duration = float(container.duration / av.time_base) if container.duration else None
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(
            f"{label}: cannot be opened: {reason(error)}; is it the right address, and is it on?"
        ) from error
    place = replace(place, endless=duration is None)
    return VideoSource(place, label, address_name(address), size, fps, None, orientation, 0.0, until, duration)


def _until(label: str, start: float | None, end: float | None) -> float:
    """When to stop looking, seconds. Raises InputError for times that cannot be."""
    if start is not None:
        raise InputError(f"{label}: it begins when it is opened; start is for files")
    check_times(start, end)
    return math.inf if end is None else end


def _split(address: str) -> Any:
    try:
        parts = urlsplit(address)
        known = parts.scheme in ADDRESSES and parts.hostname and parts.port != 0
    except ValueError:  # of a port
        known = False
    if not known:
        scheme = address.partition("://")[0]
        raise InputError(
            f"{scheme}://...: an address of a stream begins with {'://, '.join(ADDRESSES)}://, and names a host, "
            f"and a port that is a number where it names one"
        )
    return parts


def _place_in_network(parts: Any) -> str:
    """Host and port of an address, without who asks."""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return host if parts.port is None else f"{host}:{parts.port}"


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
