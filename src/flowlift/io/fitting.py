"""Pictures of one size in a frame of another."""

import numpy as np
from jaxtyping import UInt8

_SAME_SHAPE = 0.01


def fits(width: int, height: int, frame_width: int, frame_height: int) -> bool:
    """Whether a picture has the shape of a frame, to a hundredth or a pixel; sizes in px."""
    wide, high = _largest(width, height, frame_width, frame_height)
    sides = ((frame_width, wide), (frame_height, high))
    return all(whole - side <= max(1.0, _SAME_SHAPE * whole) for whole, side in sides)


def fit(width: int, height: int, frame_width: int, frame_height: int) -> tuple[int, int]:
    """The size (width, height), px, in which a picture shows whole in a frame: the frame's where the shape is the same.

    >>> fit(320, 180, 640, 360), fit(180, 320, 320, 180)
    ((640, 360), (101, 180))
    """
    if fits(width, height, frame_width, frame_height):
        return frame_width, frame_height
    wide, high = _largest(width, height, frame_width, frame_height)
    return max(1, round(wide)), max(1, round(high))


def in_the_middle(image: UInt8[np.ndarray, "h w 3"], width: int, height: int) -> UInt8[np.ndarray, "height width 3"]:
    """The image in the middle of a black frame that is at least as large."""
    high, wide = image.shape[:2]
    left, top = (width - wide) // 2, (height - high) // 2
    frame = np.zeros((height, width, 3), np.uint8)
    frame[top : top + high, left : left + wide] = image
    return frame


def _largest(width: int, height: int, frame_width: int, frame_height: int) -> tuple[float, float]:
    scale = min(frame_width / width, frame_height / height)
    return width * scale, height * scale
