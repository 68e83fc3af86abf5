"""What every data set gives: clips of one person or animal seen by one camera, with the true poses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Shaped

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class LabelledClip:
    """2D keypoints of one person or animal, and the truth behind them.

    `xyz` (frame, joint, 3): true pose on the keypoints' skeleton, camera frame, root at 0, in the data set's unit; NaN
    where unknown. `root` (frame, 3): where the root truly is, camera frame, or None. `camera`: its true intrinsics, or
    None where the data set has none. `valid` (frame): what the protocol evaluates. `labels`: subject, action, sequence,
    species, camera, ... by name; protocols group by them. Raises InputError for shapes that do not fit together.
    """

    name: str
    labels: Mapping[str, str]
    keypoints: Keypoints2D
    xyz: Shaped[np.ndarray, "..."]
    root: Shaped[np.ndarray, "..."] | None
    camera: Camera | None
    valid: Shaped[np.ndarray, "..."]

    def __post_init__(self) -> None:
        frames, people, joints = self.keypoints.score.shape
        expected = {"xyz": (frames, joints, 3), "valid": (frames,)}
        if self.root is not None:
            expected["root"] = (frames, 3)
        if people != 1:
            raise InputError(f"{self.name}: a labelled clip holds one person, got {people}")
        for field, shape in expected.items():
            if getattr(self, field).shape != shape:
                raise InputError(f"{self.name}: {field} must have shape {shape}, got {getattr(self, field).shape}")

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton of keypoints and truth."""
        return self.keypoints.skeleton


@runtime_checkable
class DataSet(Protocol):
    """A labelled data set on disk. Reads clip by clip; nothing is read before it is asked for."""

    @property
    def name(self) -> str:
        """As results name it, with what makes its numbers comparable: "MPI-INF-3DHP (universal annotation)"."""

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton of keypoints and truth."""

    @property
    def keypoints(self) -> str:
        """What the 2D is, in words: "CPN", "exact projection", ..."""

    @property
    def unit(self) -> str:
        """Of lengths: "m", or "model units" where the true size is unknown."""

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""

    def clips(self, split: str) -> Iterator[LabelledClip]:
        """The clips of one split, in a fixed order. Raises InputError for an unknown split or a damaged file."""
