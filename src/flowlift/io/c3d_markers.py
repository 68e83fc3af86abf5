"""The points of a C3D file as 3D positions, through ezc3d."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Poses3D
from flowlift.detect.optional import import_optional
from flowlift.errors import InputError
from flowlift.io.c3d import THOUSANDTH
from flowlift.io.hints import Hints
from flowlift.io.naming import plain_name, skeleton_of

_UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}


def matches(path: Path) -> bool:
    """A file whose second byte is C3D's."""
    with path.open("rb") as stream:
        return stream.read(2)[1:] == b"\x50"


def read(path: Path, hints: Hints) -> Poses3D:
    """Points as joints, in metres, in the file's own axes; a point with a negative residual is missing.

    Labels such as `ANNA:LKNE` are people by what stands before the colon. No covariance is in the file: NaN. Raises
    InputError for a damaged file, MissingExtraError without ezc3d.
    """
    found = read_points(path)
    labels, xyz = found.labels, found.xyz * _UNITS.get(found.unit, 1e-3)
    own = None if found.unit in _UNITS else found.unit.removeprefix(THOUSANDTH)
    people = list(dict.fromkeys(label.rpartition(":")[0] for label in labels))
    names = list(dict.fromkeys(plain_name(label.rpartition(":")[2]) for label in labels))
    placed = np.full((len(xyz), len(people), len(names), 3), np.nan)
    for column, label in enumerate(labels):
        person, _, name = label.rpartition(":")
        placed[:, people.index(person), names.index(plain_name(name))] = xyz[:, column]
    skeleton = skeleton_of(names, hints.skeleton, path.stem)
    placed = placed[:, :, [names.index(joint) for joint in skeleton.joints]]
    root = placed[:, :, skeleton.root]
    return Poses3D(
        xyz=placed - root[:, :, None],
        root=root,
        cov=np.full((*placed.shape, 3), np.nan),
        skeleton=skeleton,
        fps=found.rate,
        provenance={"source": path.name} | ({"unit": own} if own else {}),
    )


@dataclass(frozen=True, eq=False)
class Points:
    """What a file holds, as it is there: positions (frame, label, 3) in its unit and axes, NaN where missing."""

    labels: tuple[str, ...]
    xyz: Float64[np.ndarray, "frame label 3"]
    unit: str
    rate: float


def read_points(path: Path) -> Points:
    """The points under their own labels. Raises InputError, MissingExtraError."""
    ezc3d = import_optional("ezc3d", "reading C3D", "c3d")
    try:
        file = ezc3d.c3d(str(path))
        point = file["parameters"]["POINT"]
        labels, unit = _labels(point), str(point.get("UNITS", {"value": ["mm"]})["value"][0]).strip().lower()
        xyz = np.asarray(file["data"]["points"], dtype=np.float64)[:3].transpose(2, 1, 0)
        missing = np.asarray(file["data"]["meta_points"]["residuals"])[0].T < 0
        rate = float(point["RATE"]["value"][0])
    except (OSError, RuntimeError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{path}: damaged C3D: {error}") from error
    if not (unit in _UNITS or unit.startswith(THOUSANDTH)) or not len(xyz) or xyz.shape[1] != len(labels):
        raise InputError(f"{path}: {len(labels)} labels for {xyz.shape[1]} points in {unit!r}; expected m, cm or mm")
    return Points(tuple(labels), np.where(missing[..., None], np.nan, xyz), unit, rate)


def _labels(point: Any) -> list[str]:
    lists = ["LABELS", *(f"LABELS{part}" for part in range(2, 100))]
    used = int(point["USED"]["value"][0])
    return [str(label).strip() for name in lists if name in point for label in point[name]["value"]][:used]
