"""Pictures out of a video file or camera, each at its own time, entered at any second; damaged pieces are left out."""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_DEFAULT, _ATTACHED_PICTURE, _DEPENDENT = 0x1, 0x400, 0x80000
"""FFmpeg's dispositions: the one to play; a cover that an audio file carries; a part of a picture or another stream."""
_TIMELESS, _DISCONTINUOUS = 0x80, 0x200
"""What FFmpeg tells of a format: it has no times; its clock may be set anew on the way."""
_BACK = 5.0
"""Seconds to enter earlier where a format's seeking came out too late."""
_SET_BACK = 1.0
"""Seconds: a time that is so much earlier than the one before is another clock's; less is disorder."""
_FASTEST = 1000
"""Frames a second; a clip that is said to have more, as many as its clock has ticks, may only have a fine clock."""
SAME = 1e-6
"""Times closer than this, in seconds, are the same."""


@dataclass(frozen=True)
class Place:
    """What FFmpeg opens. `format` and `options` are for cameras; `patience`: seconds to wait for an address to answer;
    `endless`: what it sends has no end. `live`: it has no beginning, and no way back. `rate`: frames a second, counted,
    where the format tells no times."""

    location: str
    format: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    patience: float | None = None
    endless: bool = False
    rate: float | None = None

    @property
    def live(self) -> bool:
        return self.format is not None or self.endless


class Timed(NamedTuple):
    """A decoded picture (an av.VideoFrame) and its time in the clip, seconds."""

    time: float
    picture: Any


@dataclass
class Tally:
    """Filled while decoding: packets that could not be decoded, why, and until when (s) the clip reached. `guessed`:
    pictures in which the decoder made up what was damaged."""

    damaged: int = 0
    reason: str = ""
    reached: float = 0.0
    guessed: int = 0

    def note(self, error: Exception) -> None:
        self.damaged += 1
        self.reason = self.reason or reason(error)


def opened(place: Place) -> Any:
    """The open container, to be used in a `with` block. Raises av.error.FFmpegError or OSError."""
    import av

    # Titles and tags in another encoding are no reason to refuse a video; from version 19 on they never are.
    lenient: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
    return av.open(place.location, format=place.format, options=dict(place.options), timeout=place.patience, **lenient)


def video_stream(container: Any) -> Any:
    """The stream that moves and is meant to be played, else the first that moves, None where there is none."""
    moving = video_streams(container)
    return next((stream for stream in moving if _disposition(stream) & _DEFAULT), next(iter(moving), None))


def video_streams(container: Any) -> list[Any]:
    """Every stream that moves: no covers, and nothing that is but a part of something."""
    return [stream for stream in container.streams.video if not _disposition(stream) & (_ATTACHED_PICTURE | _DEPENDENT)]


def in_tiles(container: Any) -> bool:
    """Whether it is a photo that is kept in tiles, each of which looks like a video of its own."""
    return any(_disposition(stream) & _DEPENDENT for stream in container.streams.video)


def goes_by_clock(container: Any) -> bool:
    """Whether its format has no index: it is joined end to end without being noticed, and seeking goes by the clock."""
    return bool(int(container.format.flags) & _DISCONTINUOUS)


def has_times(container: Any) -> bool:
    """Whether its format tells when a picture is. Those that are but a codec's output (.h264, .mjpeg) do not: the times
    that FFmpeg gives are made up, 25 frames a second."""
    made_up = str(container.format.name).endswith("_pipe") or int(container.format.flags) & _TIMELESS
    return not made_up


def told_rate(stream: Any) -> float | None:
    """Frames a second as the codec has it in its own headers, None where it has nothing there."""
    told = stream.codec_context.framerate and stream.guessed_rate
    return float(told) if told else None


def rate_of(stream: Any) -> float | None:
    """The stream's mean frames a second, None where it is not known. Where FFmpeg takes the clock's ticks for frames
    (DV), its guess."""
    mean, guess = stream.average_rate, stream.guessed_rate
    ticks = mean and mean > _FASTEST and stream.time_base and mean * stream.time_base == 1
    return float((guess if ticks and guess else mean or guess) or 0) or None


def _disposition(stream: Any) -> int:
    return int(getattr(stream, "disposition", 0))


def timed_pictures(place: Place, start: float, tally: Tally) -> Iterator[Timed]:
    """Pictures from the one before `start` (s) on: seeks there, and decodes from the beginning where that fails.

    Raises av.error.FFmpegError or OSError when the source cannot be opened, or breaks off for good.
    """
    seeks = start > 0 and not place.live and place.rate is None and not _set_back(place)
    for back in (0.0, _BACK, None) if seeks else (None,):
        with opened(place) as container:
            stream = video_stream(container)
            # Threads that take a frame each give it out some frames later.
            stream.thread_type = "SLICE" if place.live else "AUTO"
            if back is not None and not _seek(container, stream, max(0.0, start - back)):
                continue
            pictures = decoded(container, stream, place.live, tally, place.rate)
            first = next(pictures, None)
            if back is not None:
                if first is None or first.picture.time is None or first.time > start + SAME:
                    continue
                # Before the first picture it is the seeking that cut something in two.
                tally.damaged = tally.guessed = 0
            if first is not None:
                yield first
                yield from pictures
            return


def first_time(stream: Any) -> float:
    """The stream's own time of its beginning, seconds."""
    return stream.start_time * float(stream.time_base) if stream.start_time is not None else 0.0


def reason(error: Exception) -> str:
    """Why, in the system's words, on one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__


def _set_back(place: Place) -> bool:
    """Whether a file's clock is set back on the way, as where two were joined end to end: its seconds come twice, and
    seeking may find the wrong ones."""
    with opened(place) as container:
        if not goes_by_clock(container):
            return False
        stream, latest = video_stream(container), -math.inf
        for packet in _packets(container, stream):
            if packet.dts is not None:
                at = packet.dts * float(stream.time_base)
                if at <= latest - _SET_BACK:
                    return True
                latest = max(latest, at)
    return False


def _seek(container: Any, stream: Any, seconds: float) -> bool:
    import av

    try:
        container.seek(int((seconds + first_time(stream)) / float(stream.time_base)), stream=stream)
    except (av.error.FFmpegError, OSError):
        return False
    return True


def decoded(container: Any, stream: Any, live: bool, tally: Tally, rate: float | None = None) -> Iterator[Timed]:
    """Pictures from where the container stands, at times that rise: one of an instant that has passed is left out, and
    where the clock is set back it goes on from where it was. `rate`: they are counted, so many a second. Raises
    av.error.FFmpegError when it breaks off for good."""
    import av

    zero = None if live else first_time(stream)
    step = 1.0 / (rate or rate_of(stream) or 30.0)
    seconds, shift = -math.inf, 0.0
    for packet in _packets(container, stream):
        try:
            pictures = packet.decode()
        except av.error.FFmpegError as error:
            tally.note(error)
            continue
        if not live and packet.pts is not None:
            reached = (packet.pts + (packet.duration or 0)) * float(stream.time_base) - first_time(stream)
            tally.reached = max(tally.reached, reached)
        for picture in pictures:
            tally.guessed += bool(picture.is_corrupt)
            if zero is None:
                zero = picture.time or 0.0
            counted = rate is not None or picture.time is None
            at = max(0.0, seconds + step) if counted else float(picture.time) - zero + shift
            if seconds - _SET_BACK < at <= seconds:
                continue
            if at <= seconds:
                shift, at = shift + seconds + step - at, seconds + step
            seconds = at
            yield Timed(seconds, picture)


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    while True:
        try:
            yield from container.demux(stream)
            return
        except BlockingIOError:  # a camera that has no picture yet
            time.sleep(0.005)
