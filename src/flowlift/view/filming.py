"""A video that every browser plays, made from any that FFmpeg decodes: H.264, upright, of a size for a screen."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image

from flowlift.io.video import open_frames
from flowlift.io.video_writing import video_writer

_TALLEST = 720
_USUAL_RATE = 30.0


def write_film(
    source: Path,
    path: Path,
    times: Float64[np.ndarray, " frame"],
    *,
    fps: float | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> None:
    """Write the stretch of a video that was lifted; its first picture, at `times[0]` (s), becomes the time 0.

    Frames keep their distances in time; there is no sound. `fps`: of a video without times of its own. Raises
    InputError for a video that cannot be read, OutputError for one that cannot be written.
    """
    frames = open_frames(source, start=float(times[0]) or None, end=float(times[-1]) + 1e-3, fps=fps)
    with video_writer(path, fps=frames.fps or _USUAL_RATE) as writer:
        for count, frame in enumerate(frames, 1):
            writer.write(_small(frame.image), frame.time)
            if progress is not None:
                progress(count, len(times))


def _small(image: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "h w 3"]:
    height, width = image.shape[:2]
    if height <= _TALLEST:
        return image
    size = (round(width * _TALLEST / height), _TALLEST)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
