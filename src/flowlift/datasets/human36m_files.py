"""Human3.6M's two npz files, take by take: positions of the capture, and keypoints of four cameras."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from flowlift.datasets.checked import member, numbers, sequence, table
from flowlift.datasets.human36m_cameras import CAMERAS
from flowlift.datasets.human36m_takes import Take, take_of
from flowlift.errors import InputError
from flowlift.io.packed_object import read_object
from flowlift.skeletons import HUMAN36M17

POSES_FILE = "data_3d_h36m.npz"

_JOINTS = 32
_STATIC = {4, 5, 9, 10, 11, 16, 20, 21, 22, 23, 24, 28, 29, 30, 31}
_KEPT = [joint for joint in range(_JOINTS) if joint not in _STATIC]  # they come in HUMAN36M17's order
_CORRUPT = ("S11", "Directions")  # its video is damaged; every protocol leaves it out


@dataclass(frozen=True, eq=False)
class Packed:
    """What a file holds of one take; `name` as it names it, such as S9/Photo 1."""

    path: Path
    name: str
    value: Any

    @property
    def where(self) -> str:
        """For errors: the file and the take."""
        return f"{self.path}: {self.name}"

    def world(self) -> Float64[np.ndarray, "frame 17 3"]:
        """Positions of the 17 joints, metres, the capture's frame. Raises InputError for anything else."""
        return numbers(self.value, ("frame", _JOINTS, 3), self.where)[:, _KEPT]

    def seen_by(self, camera: int) -> Float64[np.ndarray, "frame 17 2"]:
        """Keypoints from a camera by its index, px, NaN where missing. Raises InputError for anything else."""
        views = sequence(self.value, len(CAMERAS), f"{self.where}: cameras")
        where = f"{self.where}: camera {CAMERAS[camera]}"
        return numbers(views[camera], ("frame", len(HUMAN36M17), 2), where, missing=True)


@dataclass(frozen=True, eq=False)
class PackedSubjects:
    """A file's table of subjects."""

    path: Path
    subjects: Mapping[Any, Any]

    def takes(self, subject: str) -> dict[Take, Packed]:
        """A subject's takes in order, without S11's corrupt one.

        Raises InputError where the subject is missing, an action is unknown, or two names mean the same take.
        """
        where = f"{self.path}: {subject}"
        found: dict[Take, Packed] = {}
        for action, value in table(member(self.subjects, subject, str(self.path)), where).items():
            if (subject, action) == _CORRUPT:
                continue
            try:
                take = take_of(str(action))
            except InputError as error:
                raise InputError(f"{where}: {error}") from error
            if take in found:
                raise InputError(f"{self.path}: {found[take].name} and {subject}/{action} are the same take")
            found[take] = Packed(self.path, f"{subject}/{action}", value)
        if not found:
            raise InputError(f"{where}: it has no takes")
        return {take: found[take] for take in sorted(found)}


def read_poses(folder: Path) -> PackedSubjects:
    """The capture's file. Raises InputError where it is missing or damaged."""
    path = folder / POSES_FILE
    return PackedSubjects(path, table(read_object(path, "positions_3d"), f"{path}: positions_3d"))


def read_keypoints(folder: Path, ending: str) -> PackedSubjects:
    """The file of keypoints. Raises InputError where it is missing, damaged, or of other joints."""
    path = folder / f"data_2d_h36m_{ending}.npz"
    _check_joints(table(read_object(path, "metadata", {}), f"{path}: metadata"), path)
    return PackedSubjects(path, table(read_object(path, "positions_2d"), f"{path}: positions_2d"))


def _check_joints(metadata: Mapping[Any, Any], path: Path) -> None:
    """Refuse keypoints in COCO's order, which have 17 joints too; the file's symmetric pairs tell them apart."""
    if "keypoints_symmetry" not in metadata:
        return
    where = f"{path}: metadata: keypoints_symmetry"
    given = [numbers(side, ("joint",), where) for side in sequence(metadata["keypoints_symmetry"], 2, where)]
    sides = [HUMAN36M17.indices(side) for side in zip(*HUMAN36M17.pairs, strict=True)]
    if sorted(side.tolist() for side in given) != sorted(sides):
        raise InputError(f"{where}: the keypoints are not Human3.6M's 17 joints, but in some other order")
