"""Video through PyAV: streamed, upright, each frame at its own time."""

import codecs
import math
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from flowlift.errors import InputError
from flowlift.io.decoding import (
    SAME,
    Place,
    Tally,
    decoded,
    goes_by_clock,
    has_times,
    in_tiles,
    opened,
    rate_of,
    reason,
    timed_pictures,
    told_rate,
    video_stream,
    video_streams,
)
from flowlift.io.fitting import fit, fits, in_the_middle
from flowlift.io.frames import Frame, FrameSource
from flowlift.io.orientation import Orientation, orientation_of
from flowlift.plain_numbers import check_rate

__all__ = ["Frame", "FrameSource", "VideoSource", "open_frames"]

_WHOLE = 0.9
"""The part of its length that a clip has to reach: a header may be off by a little."""
_USUAL_RATE = 25.0
"""Frames a second where nothing tells: FFmpeg's."""
_MOST_PIXELS = 178_956_970
"""Of a picture, as Pillow has it for images: more than any camera takes, and what memory for a few holds."""
_WIDEST_PIXEL = 8.0
"""Pixels that claim to be wider than this, or as much higher, are taken as square."""


def open_frames(
    source: str | Path | int, *, start: float | None = None, end: float | None = None, fps: float | None = None
) -> FrameSource:
    """Frames of a video, an image, a folder of images, or a camera by its number.

    `start`, `end`: seconds in the video; for a camera, `end` says how long to look. `fps`: frames a second of images
    and of videos that are but a codec's output (.h264), which have no times of their own. Frames keep their time in
    the clip. Raises InputError for a source that is missing or cannot be read, here or while it is iterated.
    """
    check_times(start, end)
    if isinstance(source, int) or (str(source).isdecimal() and not Path(source).exists()):
        from flowlift.io.capture import open_camera

        return open_camera(int(str(source)), start, end)
    path = Path(source)
    if not path.exists():
        if "://" in str(source):  # without the rest, which may hold a password
            scheme = str(source).partition("://")[0]
            raise InputError(f"{scheme}://...: the address of a stream is lifted with --live; else save it as a file")
        raise InputError(f"{path}: there is no such file or folder")
    if not path.is_file() and not path.is_dir():  # reading once is not enough, and may wait for ever
        raise InputError(f"{path}: a pipe or a device, no file; save it to a file, or give a camera by its number")
    from flowlift.io.images import STILLS, open_images

    if not path.is_dir() and path.suffix.lower() not in STILLS:
        return _open_video(path, start, end, fps)
    if fps is None and (start is not None or end is not None):
        raise InputError(f"{path}: images have no times; start and end need the frame rate, give fps")
    return open_images(path, fps=fps, start=start or 0.0, end=math.inf if end is None else end)


@dataclass(frozen=True)
class VideoSource:
    """A video file or camera. `label`: what it is called in messages. `duration`: seconds, where the file tells.
    `pixel_width`: of the pixels as they are stored, by their height. `others`: videos in the file beside this one.

    Iterating decodes it anew. What is damaged is left out, with one warning; InputError where no frame is left.
    Pictures of another size than the first become as large; those of another shape are put into its middle.
    """

    place: Place
    label: str
    name: str
    image_size: tuple[int, int]
    fps: float | None
    frame_count: int | None
    orientation: Orientation
    start: float = 0.0
    end: float = math.inf
    duration: float | None = None
    pixel_width: float = 1.0
    others: int = 0

    def __iter__(self) -> Iterator[Frame]:
        import av
        from av.video.reformatter import VideoReformatter

        tally, to_rgb, given, ended, misfit = Tally(), VideoReformatter(), 0, False, None
        try:
            for time, picture in timed_pictures(self.place, self.start, tally):
                ended = time >= self.end
                if ended:
                    break
                if time >= self.start - SAME or self.start <= 0:
                    wide = self._wide(picture)
                    if misfit is None and not fits(wide, picture.height, *self._size_as_stored):
                        misfit = (wide, int(picture.height))
                    yield Frame(given, time, self._upright(picture, wide, to_rgb))
                    given += 1
        except (av.error.FFmpegError, OSError) as error:
            tally.note(error)
        if not given:
            raise InputError(f"{self.label}: {self._nothing(tally)}")
        self._warn(tally, ended, misfit)

    @property
    def _size_as_stored(self) -> tuple[int, int]:
        """(width, height) px before it is turned upright, pixels square."""
        return self.orientation.size(*self.image_size)

    def _wide(self, picture: Any) -> int:
        """The picture's width where pixels are made square."""
        return round(picture.width * self.pixel_width)

    def _upright(self, picture: Any, wide: int, to_rgb: Any) -> UInt8[np.ndarray, "height width 3"]:
        # Scales, too, where pixels are not square or the size changes on the way.
        whole = self._size_as_stored
        width, height = fit(wide, picture.height, *whole)
        image = to_rgb.reformat(picture, width=width, height=height, format="rgb24").to_ndarray()
        return self.orientation.apply(image if (width, height) == whole else in_the_middle(image, *whole))

    def _nothing(self, tally: Tally) -> str:
        if tally.damaged:
            return f"no frame can be decoded: {tally.reason}"
        until = f"between {self.start:g} and {self.end:g} s" if self.end < math.inf else f"at {self.start:g} s or later"
        return f"no frame lies {until}"

    def _warn(self, tally: Tally, ended: bool, misfit: tuple[int, int] | None) -> None:
        notes = []
        if self.others:
            width, height = self.image_size
            notes.append(f"it holds {self.others + 1} videos, of which the one of {width} x {height} pixels is read")
        if misfit is not None:
            (width, height), (wide, high) = self.image_size, self.orientation.size(*misfit)
            notes.append(
                f"its pictures change their shape, from {width} x {height} to {wide} x {high} pixels; those of "
                f"another shape are put into the middle, and what is known of the camera does not hold for them"
            )
        if tally.damaged:
            notes.append(f"{tally.damaged} damaged pieces are left out ({tally.reason})")
        if tally.guessed:
            notes.append(f"{tally.guessed} pictures are damaged and filled by guessing, and those after them may be")
        if not ended and self.duration is not None and tally.reached < _WHOLE * self.duration:
            notes.append(f"it breaks off after {tally.reached:.1f} of {self.duration:.1f} s")
        if notes:
            warnings.warn(f"{self.label}: {'; '.join(notes)}", UserWarning, stacklevel=3)


def check_times(start: float | None, end: float | None) -> None:
    """Raises InputError for what cannot be a stretch of a clip, seconds."""
    for name, value in (("start", start), ("end", end)):
        if value is not None and not (value >= 0 and (math.isfinite(value) or name == "end")):
            raise InputError(f"{name} is a number of seconds from the beginning, not {value}")
    if end is not None and (start or 0.0) >= end:
        raise InputError(f"start must come before end, got {start or 0.0:g} and {end:g} s")


def _open_video(path: Path, start: float | None, end: float | None, given: float | None) -> VideoSource:
    import av

    # Absolute: FFmpeg would take 12:30.mp4 for an address with the protocol 12.
    place = Place(str(path.resolve()))
    try:
        if _is_text(path):
            raise InputError(f"{path}: it holds text, no video; give a video, images or keypoints")
        with opened(place) as container:
            stream = video_stream(container)
            if stream is None and in_tiles(container):
                raise InputError(f"{path}: it is a photo in tiles (HEIC), which are not read; save it as JPEG or PNG")
            if stream is None:
                raise InputError(f"{path}: it holds no video")
            if (codec := stream.codec_context) is not None:
                _check_pixels(path, codec.width, codec.height)  # before memory is taken
            tally = Tally()
            pictures = decoded(container, stream, False, tally)
            first = next(pictures, None)
            if first is None:
                why = f"frame that can be decoded: {tally.reason}" if tally.damaged else "frames"
                raise InputError(f"{path}: it holds no {why}")
            fps, others = rate_of(stream), len(video_streams(container)) - 1
            if not has_times(container):
                told = told_rate(stream) or (None if next(pictures, None) else _USUAL_RATE)  # of a still, any will do
                fps = _rate_without_times(path, given, told)
                place = replace(place, rate=fps)
            duration, joined = _duration(container, stream), goes_by_clock(container)
            total = stream.frames or (round(duration * fps) if duration and fps else None)
            orientation = orientation_of(first.picture)
            pixel_width = _pixel_width(stream)
            size = orientation.size(round(first.picture.width * pixel_width), first.picture.height)
            _check_pixels(path, *size)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a video, or is incomplete: {reason(error)}") from error
    begin, stop = start or 0.0, math.inf if end is None else end
    if duration is not None and begin >= duration and not joined:  # which may be longer than its clock tells
        raise InputError(f"{path}: start is {begin:g} s, but the video ends at {duration:.2f} s")
    if total is not None and fps and (start is not None or end is not None):
        total = max(0, round((min(stop, total / fps) - begin) * fps))
    name = path.resolve().stem
    return VideoSource(
        place, str(path), name, size, fps, total, orientation, begin, stop, duration, pixel_width, others
    )


def _check_pixels(path: Path, width: int, height: int) -> None:
    """Raises InputError for pictures that are too large: a hundred bytes can ask for gigabytes."""
    if width * height > _MOST_PIXELS:
        raise InputError(
            f"{path}: its pictures have {width} x {height} pixels; at most {_MOST_PIXELS / 1e6:.0f} million are read"
        )


def _rate_without_times(path: Path, given: float | None, told: float | None) -> float:
    """The frame rate of a video that is but a codec's output. Raises InputError for one that cannot be."""
    check_rate(given)
    if given is None and told is None:
        text = f"{path}: it tells neither times nor a frame rate; {_USUAL_RATE:g} frames/s are taken for it, give --fps"
        warnings.warn(text, UserWarning, stacklevel=4)
    return given or told or _USUAL_RATE


def _is_text(path: Path) -> bool:
    """Whether it begins with readable text. FFmpeg would draw that, or follow a playlist into the network."""
    with path.open("rb") as stream:
        head = stream.read(512)
    if not head or head.startswith(b"YUV4MPEG2"):
        return False
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)  # the last letter may be cut
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text)


def _duration(container: Any, stream: Any) -> float | None:
    """Seconds of video, None where only the length of the sound beside it is known."""
    import av

    if stream.duration:
        return stream.duration * float(stream.time_base)
    if (told := _seconds(stream.metadata.get("DURATION", ""))) is not None:  # Matroska's
        return told
    if container.duration and len(container.streams) == 1:
        return float(container.duration / av.time_base)
    return None


def _seconds(text: str) -> float | None:
    """Of HOURS:MINUTES:SECONDS; None for anything else, and for no time at all."""
    told = re.fullmatch(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d+)?)\0?", text)
    if told is None:
        return None
    return sum(float(part) * unit for part, unit in zip(told.groups(), (3600, 60, 1), strict=True)) or None


def _pixel_width(stream: Any) -> float:
    """A pixel's width by its height; 1 where what the file says cannot be."""
    ratio = float(stream.sample_aspect_ratio or 1)
    return ratio if 1 / _WIDEST_PIXEL <= ratio <= _WIDEST_PIXEL else 1.0
