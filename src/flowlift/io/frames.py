"""What a detector is given: frames, from whatever source, one at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8


@dataclass(frozen=True, eq=False)
class Frame:
    """`image` (height, width, 3): RGB, upright. `index`: 0 for the first given. `time`: seconds in the clip."""

    index: int
    time: float
    image: UInt8[np.ndarray, "height width 3"]


@runtime_checkable
class FrameSource(Protocol):
    """A clip that is read as it is iterated; it never holds more than a few frames.

    `image_size`: (width, height) px, upright. `fps`: mean frames a second, if known. `frame_count`: how many to expect.
    """

    @property
    def image_size(self) -> tuple[int, int]: ...
    @property
    def fps(self) -> float | None: ...
    @property
    def frame_count(self) -> int | None: ...
    @property
    def name(self) -> str: ...
    def __iter__(self) -> Iterator[Frame]: ...
