"""How a decoded picture has to be turned: phones record as the sensor lies and note what is up in a matrix."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import UInt8


@dataclass(frozen=True)
class Orientation:
    """What sets a picture upright: exchange rows and columns first, then mirror left-right, then top-bottom."""

    swap: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    def size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) after turning; also the way back."""
        return (height, width) if self.swap else (width, height)

    def apply(self, image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The picture upright, contiguous in memory."""
        turned = image.swapaxes(0, 1) if self.swap else image
        turned = turned[:, ::-1] if self.mirror_x else turned
        turned = turned[::-1] if self.mirror_y else turned
        return np.ascontiguousarray(turned)


def orientation_of(picture: Any) -> Orientation:
    """The orientation that FFmpeg hands on with a decoded picture (an av.VideoFrame), in quarter turns.

    Read from the matrix, not from PyAV's angle: that one knows no mirroring, and older releases do not have it.
    """
    data = picture.side_data.get("DISPLAYMATRIX")
    if data is None:
        return Orientation()
    # x' = a x + c y and y' = b x + d y, both x to the right and y down, rows of three: a b _, c d _, _ _ _.
    (a, b, _), (c, d, _), _ = np.frombuffer(bytes(data), dtype=np.int32).astype(np.int64).reshape(3, 3)
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(mirror_x=bool(a < 0), mirror_y=bool(d < 0))
    return Orientation(swap=True, mirror_x=bool(c < 0), mirror_y=bool(b < 0))
