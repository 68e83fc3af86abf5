"""Videos written frame by frame, each at its own time, with the sound of the video that they were made from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from flowlift.errors import OutputError
from flowlift.io.atomic import written_whole
from flowlift.io.decoding import reason
from flowlift.io.sound import Sound, sound_of

SUFFIXES = (".mp4", ".mov", ".mkv")
_TICKS = 90_000
"""A second, in the unit of the frames' times."""
_ENCODERS = ("libx264", "libopenh264", "mpeg4")
"""H.264 where this build of FFmpeg has it."""
_BT709 = 1  # the colours of high definition, in FFmpeg's numbering


@contextmanager
def video_writer(path: Path, *, fps: float, sound: Path | None = None) -> Iterator["VideoWriter"]:
    """A video file that appears whole when the block ends, or not at all. `fps`: the usual frames a second.

    `sound`: a video file whose sound comes along, from the time of the first frame on. Raises OutputError for a suffix
    other than .mp4, .mov, .mkv, or when it cannot be written.
    """
    import av

    check_suffix(path)
    with written_whole(path) as beside:
        try:
            with av.open(str(beside), "w") as container:
                writer = VideoWriter(container, fps, sound)
                try:
                    yield writer
                    writer.finish()
                finally:
                    writer.release()
        except av.error.FFmpegError as error:
            raise OutputError(f"{path}: cannot be written: {reason(error)}") from error


def check_suffix(path: Path) -> None:
    """Raises OutputError for the name of a file that is no video which is written here."""
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path}: a video is written to a name that ends in {', '.join(SUFFIXES)}")


class VideoWriter:
    """Takes RGB frames in the order of their times; made by `video_writer`."""

    def __init__(self, container: Any, fps: float, sound: Path | None) -> None:
        self._container, self._fps, self._sound_file = container, fps, sound
        self._opened: _Streams | None = None
        self._last = -1  # ticks

    def write(self, image: UInt8[np.ndarray, "height width 3"], time: float) -> None:
        """A frame at `time`, seconds in the original; the first one begins the new video. Odd sides lose a pixel."""
        import av

        height, width = (side // 2 * 2 for side in image.shape[:2])
        streams = self._opened = self._opened or self._begin(width, height, time)
        ticks = max(round((time - streams.start) * _TICKS), self._last + 1)
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709")
        picture.pts, picture.time_base, self._last = ticks, Fraction(1, _TICKS), ticks
        self._container.mux(streams.video.encode(picture))
        self._hear(streams, ticks / _TICKS)

    def finish(self) -> None:
        """What the encoder still holds, and the sound of the last frame."""
        if self._opened is not None:
            self._container.mux(self._opened.video.encode(None))
            self._hear(self._opened, self._last / _TICKS + 1 / self._fps)

    def release(self) -> None:
        """Close what was read from."""
        if self._opened is not None and self._opened.sound is not None:
            self._opened.sound.close()

    def _begin(self, width: int, height: int, start: float) -> "_Streams":
        name = next(name for name in _ENCODERS if _can_encode(name))
        video = self._container.add_stream(name, rate=Fraction(self._fps).limit_denominator(1001))
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        context = video.codec_context
        context.time_base = video.time_base = Fraction(1, _TICKS)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        if name == "libx264":
            context.options = {"crf": "20", "preset": "veryfast"}
        else:
            context.bit_rate = round(0.15 * width * height * self._fps)
        return _Streams(video, start, sound_of(self._sound_file, self._container, start) if self._sound_file else None)

    def _hear(self, streams: "_Streams", time: float) -> None:
        if streams.sound is not None:
            for packet in streams.sound.until(time):
                self._container.mux(packet)


@dataclass(frozen=True)
class _Streams:
    """The new video's streams; `start`: where in the original it begins, s."""

    video: Any
    start: float
    sound: Sound | None


def _can_encode(name: str) -> bool:
    import av

    try:
        return av.codec.Codec(name, "w").type == "video"
    except ValueError:
        return False
