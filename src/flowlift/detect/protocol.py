"""What every 2D detector is: called with a frame, it gives the people in it."""

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
from jaxtyping import Float32

from flowlift.io.video import Frame
from flowlift.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Detection:
    """The people in one frame; with nobody in it, arrays of zero people.

    `xy` (person, joint, 2): pixels, x right, y down, NaN where a joint is missing.
    `score` (person, joint): confidence in [0, 1], NaN where a joint is missing.
    """

    xy: Float32[np.ndarray, "person joint 2"]
    score: Float32[np.ndarray, "person joint"]

    @classmethod
    def nobody(cls, skeleton: Skeleton) -> Self:
        """The detection of zero people."""
        return cls(np.empty((0, len(skeleton), 2), np.float32), np.empty((0, len(skeleton)), np.float32))


@runtime_checkable
class Detector(Protocol):
    """Finds people's joints, frame by frame; the frames of a clip are given in order."""

    @property
    def name(self) -> str: ...
    @property
    def skeleton(self) -> Skeleton: ...

    def __call__(self, frame: Frame) -> Detection:
        """The people in a frame, on the detector's `skeleton`."""

    def close(self) -> None:
        """Free what the detector holds; it cannot be called afterwards. Closing twice does nothing."""


@runtime_checkable
class ManagedDetector(Detector, Protocol):
    """A detector for a `with` block, which closes it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
