"""The image size of keypoints whose file does not tell it."""

import warnings
from pathlib import Path

import numpy as np
from jaxtyping import Float

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError


def image_size_or_guess(
    xy: Float[np.ndarray, "*batch 2"], given: tuple[int, int] | None, camera: tuple[int, int] | None, source: str
) -> tuple[int, int]:
    """The given size, else their camera's, else the smallest common image (width, height) that holds all points, with
    a warning.

    The principal point and the assumed focal length follow from it, so the true size is worth giving.
    Raises InputError when no point is visible and no size given.
    """
    if known := given or camera:
        return known
    if not np.isfinite(xy).any():
        raise InputError(f"{source}: no joint is visible in any frame")
    right, bottom = np.nanmax(xy.reshape(-1, 2), axis=0)
    common = ((640, 480), (1280, 720), (1920, 1080), (2704, 1520), (3840, 2160), (7680, 4320))
    sizes = sorted({*common, *((h, w) for w, h in common)}, key=lambda size: size[0] * size[1])
    upright = bottom > right
    fitting = (s for s in sizes if s[0] > right and s[1] > bottom and (s[1] > s[0]) == upright)
    size = next(fitting, (int(right) + 1, int(bottom) + 1))
    warnings.warn(
        f"{source}: the file does not tell the image size; {size[0]} x {size[1]} is assumed, give --image-size",
        UserWarning,
        stacklevel=2,
    )
    return size


_FRACTIONS = 2.0
"""Pixels: who is seen no further from the corner, in an image of many more, is told in fractions of its size."""
_OUTSIDE, _BESIDE = 0.01, 0.02
"""Of the joints that a detector is sure of so many may lie further outside the image than this share of its size."""


def check_pixels(keypoints: Keypoints2D, source: str | Path) -> None:
    """Raises InputError for keypoints that are no pixels; warns where they are not of an image of that size."""
    xy, size = keypoints.xy, np.array(keypoints.image_size)
    sure = np.isfinite(xy[..., 0]) & ~(keypoints.score < 0.5)
    if not sure.any():
        return
    if np.abs(xy[sure]).max() <= _FRACTIONS and size.min() > 10 * _FRACTIONS:
        raise InputError(
            f"{source}: every joint lies within {_FRACTIONS:g} pixels of the image's corner; these look like fractions "
            "of its size: multiply them by its width and height"
        )
    outside = ((xy[sure] < -_BESIDE * size) | (xy[sure] > (1 + _BESIDE) * size)).any(axis=-1).mean()
    if outside > _OUTSIDE:
        warnings.warn(
            f"{source}: {100 * outside:.0f} % of its joints lie outside an image of {size[0]} x {size[1]} pixels; give "
            "the size of the images that they were found in, --image-size",
            UserWarning,
            stacklevel=3,
        )
