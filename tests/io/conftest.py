"""Small videos, written for the tests that read them."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

TICKS = 600
"""Ticks a second: times of frames are written in these."""


def numbered(index: int, width: int, height: int) -> np.ndarray:
    """A picture in which frame `index` (modulo 36) can be read again: its digits to the base of six, as brightness on
    the left; on the right, noise that makes it hard to pack."""
    noise = np.random.default_rng(index).integers(0, 256, (height // 8, width // 8, 1), dtype=np.uint8)
    image = np.repeat(np.kron(noise, np.ones((8, 8, 1), np.uint8)), 3, axis=2)
    for digit, rows in ((index // 6 % 6, slice(None, height // 2)), (index % 6, slice(height // 2, None))):
        image[rows, : width // 2] = 20 + 40 * digit
    return image


def number_in(image: np.ndarray) -> int:
    """The index that `numbered` wrote."""
    height, width = image.shape[:2]
    left = image[:, 8 : width // 2 - 8].astype(float)
    high, low = left[8 : height // 2 - 8].mean(), left[height // 2 + 8 : -8].mean()
    return 6 * round((high - 20) / 40) + round((low - 20) / 40)


def write(
    path: Path,
    *,
    frames: int = 10,
    first: int = 0,
    times: Sequence[float] | None = None,
    picture: Callable[[int], np.ndarray] | None = None,
    size: tuple[int, int] = (96, 64),
    codec: str = "mpeg4",
    pixels: str = "yuv420p",
    pixel_width: Fraction | None = None,
    matrix: Sequence[int] | None = None,
    key_every: int = 12,
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write a video at 25 frames a second, or of frames at `times` (s), numbered from `first` on."""
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        stream.gop_size = key_every
        if times is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, TICKS)
        if pixel_width is not None:
            stream.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio = pixel_width
        if matrix is not None:
            stream.set_display_matrix(matrix)
        for index in range(frames if times is None else len(times)):
            image = numbered(first + index, *size) if picture is None else picture(index)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image))
            frame.pts = index if times is None else round(times[index] * TICKS)
            frame.time_base = Fraction(1, 25 if times is None else TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def write_video() -> Callable[..., Path]:
    """`write_video(path, frames=..., times=..., ...)`: a small video, its frames numbered."""
    return write


@pytest.fixture(scope="session")
def frame_number() -> Callable[[np.ndarray], int]:
    """The number of a frame of such a video, read from its picture."""
    return number_in
