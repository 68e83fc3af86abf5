"""The image size of keypoints whose file does not tell it."""

import warnings

import numpy as np
from jaxtyping import Float

from flowlift.errors import InputError


def image_size_or_guess(
    xy: Float[np.ndarray, "*batch 2"], given: tuple[int, int] | None, source: str
) -> tuple[int, int]:
    """The given size, else the smallest common image (width, height) that holds all points, with a warning.

    The principal point and the assumed focal length follow from it, so the true size is worth giving.
    Raises InputError when no point is visible and no size given.
    """
    if given is not None:
        return given
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
