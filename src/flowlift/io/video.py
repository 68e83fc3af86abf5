"""Video through PyAV: streamed, upright, each frame at its own time."""

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from flowlift.errors import InputError
from flowlift.io.frames import Frame, FrameSource

__all__ = ["Frame", "FrameSource", "VideoSource", "open_frames"]


def open_frames(source: str | Path | int, *, start: float | None = None, end: float | None = None) -> FrameSource:
    """Frames of a video, an image, a folder of images, or a camera by its number. `start`, `end`: seconds.

    Raises InputError for a source that is missing, or cannot be read.
    """
    if start is not None and end is not None and start >= end:
        raise InputError(f"start must come before end, got {start} and {end} s")
    if isinstance(source, int) or (str(source).isdecimal() and not Path(source).exists()):
        return _open_camera(int(str(source)))
    path = Path(source)
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    from flowlift.io.images import SUFFIXES, open_images

    if path.is_dir() or path.suffix.lower() in SUFFIXES:
        return open_images(path)
    return _open_video(path, start, end)


@dataclass(frozen=True)
class VideoSource:
    """A video file or camera; `rotation`: quarter turns to the left that set the decoded picture upright."""

    location: str
    name: str
    image_size: tuple[int, int]
    fps: float | None
    frame_count: int | None
    rotation: int
    start: float
    end: float
    format: str | None = None

    def __iter__(self) -> Iterator[Frame]:
        import av

        given = 0
        try:
            with _open(self.location, self.format) as container:
                stream = container.streams.video[0]
                stream.thread_type = "AUTO"
                zero = _first_time(stream)
                if self.start > 0:
                    container.seek(int((self.start + zero) / stream.time_base), stream=stream)
                for count, decoded in enumerate(container.decode(stream)):
                    time = decoded.time - zero if decoded.time is not None else count / (self.fps or 30.0)
                    if time >= self.end:
                        break
                    if time >= self.start - 1e-6:
                        yield Frame(given, float(time), self._upright(decoded))
                        given += 1
        except (av.error.FFmpegError, OSError) as error:
            if not given:
                raise InputError(f"{self.location}: no frame can be decoded: {_reason(error)}") from error
            warnings.warn(
                f"{self.location}: damaged after frame {given - 1}: {_reason(error)}; the rest is left out",
                UserWarning,
                stacklevel=2,
            )

    def _upright(self, decoded: Any) -> UInt8[np.ndarray, "height width 3"]:
        image = decoded.to_ndarray(format="rgb24")
        image = np.ascontiguousarray(np.rot90(image, self.rotation)) if self.rotation else image
        width, height = self.image_size
        if image.shape[:2] == (height, width):
            return image
        # Pixels that are not square, or a size that changes on the way.
        from PIL import Image

        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def _open(location: str, format: str | None = None) -> Any:
    import av

    av.logging.set_level(av.logging.PANIC)
    return av.open(location, format=format) if format else av.open(location)


def _first_time(stream: Any) -> float:
    return float(stream.start_time * stream.time_base) if stream.start_time is not None else 0.0


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error).splitlines()[0]


def _open_video(path: Path, start: float | None, end: float | None) -> VideoSource:
    import av

    try:
        with _open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path}: it holds no video")
            stream = container.streams.video[0]
            first = next(iter(container.decode(stream)), None)
            if first is None:
                raise InputError(f"{path}: it holds no frames")
            fps = float(stream.average_rate) if stream.average_rate else None
            duration = float(stream.duration * stream.time_base) if stream.duration else None
            if duration is None and container.duration:
                duration = container.duration / av.time_base
            total = stream.frames or (round(duration * fps) if duration and fps else None)
            # FFmpeg gives the angle in degrees to the left.
            turns = round((getattr(first, "rotation", 0) or 0) / 90) % 4
            size = _upright_size(first, stream, turns)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a video: {_reason(error)}") from error
    begin, stop = max(0.0, start or 0.0), float("inf") if end is None else end
    if duration is not None and begin >= duration:
        raise InputError(f"{path}: start is {begin} s, but the video ends at {duration:.2f} s")
    if total is not None and fps and (start is not None or end is not None):
        total = max(0, round((min(stop, total / fps) - begin) * fps))
    return VideoSource(str(path), path.resolve().stem, size, fps, total, turns, begin, stop)


def _upright_size(first: Any, stream: Any, turns: int) -> tuple[int, int]:
    ratio = stream.sample_aspect_ratio
    width = round(first.width * float(ratio)) if ratio and ratio > 0 else first.width
    return (first.height, width) if turns % 2 else (width, first.height)


def _open_camera(number: int) -> VideoSource:
    """A live camera, through FFmpeg's device for this system."""
    import av

    location, format = {
        "linux": (f"/dev/video{number}", "v4l2"),
        "darwin": (f"{number}:none", "avfoundation"),
        "win32": (f"video={number}", "dshow"),
    }.get(sys.platform, (f"/dev/video{number}", "v4l2"))
    try:
        with _open(location, format) as container:
            stream = container.streams.video[0]
            size = (stream.codec_context.width, stream.codec_context.height)
            fps = float(stream.average_rate) if stream.average_rate else None
    except (av.error.FFmpegError, OSError, IndexError, ValueError) as error:
        raise InputError(f"camera {number}: cannot be opened: {_reason(error)}") from error
    return VideoSource(location, f"camera{number}", size, fps, None, 0, 0.0, float("inf"), format)
