"""A video that every browser plays, made from any that FFmpeg decodes: H.264, upright, of a size for a screen."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from flowlift.errors import OutputError
from flowlift.io.atomic import written_whole
from flowlift.io.video import open_frames

_TICK = Fraction(1, 90_000)
_TALLEST = 720
_ENCODERS = ("libx264", "libopenh264")


def write_film(
    source: Path,
    path: Path,
    times: Float64[np.ndarray, " frame"],
    *,
    progress: Callable[[int, int | None], None] | None = None,
) -> None:
    """Write the stretch of a video that was lifted; its first picture, at `times[0]` (s), becomes the time 0.

    Frames keep their distances in time. Raises InputError for a video that cannot be read, OutputError for one that
    cannot be written.
    """
    import av

    frames = open_frames(source, start=float(times[0]) or None, end=float(times[-1]) + 1e-3)
    width, height = _even(frames.image_size)
    options = {"crf": "26", "preset": "veryfast", "g": "30", "movflags": "+faststart"}
    with written_whole(path) as beside:
        try:
            with av.open(str(beside), "w", options={"movflags": "+faststart"}) as file:
                stream: Any = file.add_stream(_encoder(), options=options)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                stream.time_base = stream.codec_context.time_base = _TICK
                last = -1
                for count, frame in enumerate(frames, 1):
                    picture = av.VideoFrame.from_ndarray(frame.image, format="rgb24").reformat(width, height, "yuv420p")
                    last = max(last + 1, round((frame.time - float(times[0])) / _TICK))
                    picture.pts, picture.time_base = last, _TICK
                    file.mux(stream.encode(picture))
                    if progress is not None:
                        progress(count, len(times))
                file.mux(stream.encode())
        except av.error.FFmpegError as error:
            raise OutputError(f"{path}: the video cannot be written: {error.strerror or error}") from error


def _encoder() -> str:
    import av

    known = next((name for name in _ENCODERS if name in av.codecs_available), None)
    if known is None:
        raise OutputError("this FFmpeg cannot write H.264")
    return known


def _even(size: tuple[int, int]) -> tuple[int, int]:
    """The size at which it is shown: no taller than `_TALLEST`, and even, as the encoder wants it."""
    scale = min(1.0, _TALLEST / size[1])
    width, height = (max(2, 2 * round(side * scale / 2)) for side in size)
    return width, height
