"""What a 2D detector is: a frame in, the people on it out."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from flowlift.io.frames import Frame
from flowlift.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Detection:
    """The people on one frame: `xy` (person, joint, 2) px, NaN where missing; `score` (person, joint) in [0, 1]."""

    xy: Float32[np.ndarray, "person joint 2"]
    score: Float32[np.ndarray, "person joint"]


@runtime_checkable
class Detector(Protocol):
    """Finds people on frames, which come in the order of time. `name`: what to call it in a result."""

    @property
    def name(self) -> str: ...
    @property
    def skeleton(self) -> Skeleton: ...
    def __call__(self, frame: Frame) -> Detection: ...
    def close(self) -> None: ...
