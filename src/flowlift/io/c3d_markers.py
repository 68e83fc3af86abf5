"""The points of a C3D file as 3D positions, through ezc3d."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Poses3D
from flowlift.detect.optional import import_optional
from flowlift.errors import InputError
from flowlift.io.hints import Hints
from flowlift.io.marker_names import joint_names
from flowlift.io.naming import plain_name, skeleton_of
from flowlift.skeletons import BUILT_IN

_UNITS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}
_OWN_UNITS = ("body lengths", "model units")


def matches(path: Path) -> bool:
    """A file whose second byte is C3D's."""
    with path.open("rb") as stream:
        return stream.read(2)[1:] == b"\x50"


class Points(NamedTuple):
    """What a file holds: `xyz` (frame, point, 3) in its own `unit` (None where it does not say) and axes, NaN where
    missing; `rate`: frames a second."""

    labels: tuple[str, ...]
    xyz: Float64[np.ndarray, "frame point 3"]
    rate: float
    unit: str | None


def read_points(path: Path, *, extra: str = "c3d") -> Points:
    """The points; one with a negative residual is missing. Raises InputError for a damaged file, MissingExtraError
    without ezc3d, which comes with `extra`."""
    ezc3d = import_optional("ezc3d", "reading C3D", extra)
    try:
        file = ezc3d.c3d(str(path))
        point = file["parameters"]["POINT"]
        xyz = np.asarray(file["data"]["points"], dtype=np.float64)[:3].transpose(2, 1, 0)
        missing = np.asarray(file["data"]["meta_points"]["residuals"])[0].T < 0
        labels, rate = _labels(point)[: xyz.shape[1]], float(point["RATE"]["value"][0])
        units = point["UNITS"]["value"] if "UNITS" in point else []
    except (OSError, RuntimeError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{path}: damaged C3D: {error}") from error
    if not xyz.size or len(labels) != xyz.shape[1]:
        raise InputError(f"{path}: damaged C3D: {len(labels)} labels for {xyz.shape[1]} points in {len(xyz)} frames")
    unit = str(units[0]).strip().lower() if units else None
    return Points(tuple(labels), np.where(missing[..., None], np.nan, xyz), rate, unit)


def read(path: Path, hints: Hints) -> Poses3D:
    """Points as joints, in metres, in the file's own axes.

    Labels such as `ANNA:LKNE` are people by what stands before the colon. No covariance is in the file: NaN. Raises
    InputError for a damaged file, MissingExtraError without ezc3d.
    """
    points = read_points(path)
    unit = points.unit or "mm"
    if unit not in (*_UNITS, *_OWN_UNITS):
        raise InputError(f"{path}: its points are in {unit!r}; expected m, cm or mm")
    xyz = points.xyz * _UNITS.get(unit, 1.0)
    people = list(dict.fromkeys(label.rpartition(":")[0] for label in points.labels))
    markers = [label.rpartition(":")[2] for label in points.labels]
    called = joint_names(markers)
    if not any(set(skeleton.joints) <= set(called) for skeleton in BUILT_IN.values()):
        called = tuple(markers)  # not ours: markers that happen to be called alike
    named = [plain_name(name) for name in called]
    names = list(dict.fromkeys(named))
    placed = np.full((len(xyz), len(people), len(names), 3), np.nan)
    for column, (label, name) in enumerate(zip(points.labels, named, strict=True)):
        placed[:, people.index(label.rpartition(":")[0]), names.index(name)] = xyz[:, column]
    skeleton = skeleton_of(names, hints.skeleton, path.stem)
    placed = placed[:, :, [names.index(joint) for joint in skeleton.joints]]
    root = placed[:, :, skeleton.root]
    return Poses3D(
        xyz=placed - root[:, :, None],
        root=root,
        cov=np.full((*placed.shape, 3), np.nan),
        skeleton=skeleton,
        fps=points.rate,
        provenance={"source": path.name} | ({"unit": unit} if unit in _OWN_UNITS else {}),
    )


def _labels(point: Any) -> list[str]:
    lists = ["LABELS", *(f"LABELS{part}" for part in range(2, 100))]
    used = int(point["USED"]["value"][0])
    return [str(label).strip() for name in lists if name in point for label in point[name]["value"]][:used]
