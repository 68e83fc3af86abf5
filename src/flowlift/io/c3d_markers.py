"""The points of a C3D file as 3D positions."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Poses3D
from flowlift.damage import refused_if_damaged
from flowlift.errors import InputError
from flowlift.io.c3d_file import C3dFile, parse
from flowlift.io.hints import Hints
from flowlift.io.marker_names import joint_names
from flowlift.io.naming import joint_name, plain_name, skeleton_of
from flowlift.io.positions import TO_Y_UP, about_root
from flowlift.io.room import room_for
from flowlift.skeletons import BUILT_IN
from flowlift.units import METRES

_OWN_UNITS = ("body lengths", "model units")
_NO_PLACES = ("ANGLES", "FORCES", "MOMENTS", "POWERS", "REACTIONS", "SCALARS")
"""Parameters that list points which are none: what a model of the body computed, in degrees, newtons, ..."""


def matches(path: Path) -> bool:
    """A file whose second byte is C3D's."""
    with path.open("rb") as stream:
        return stream.read(2)[1:] == b"\x50"


class Points(NamedTuple):
    """The places that a file holds: `xyz` (frame, point, 3) in its own `unit` (None where it does not say) and axes,
    NaN where missing; `rate`: frames a second; `start`: seconds from where the capture began to the first frame;
    `screen` (3, 3): columns that point right, up and towards the viewer on the screen that the file tells of, or None.
    """

    labels: tuple[str, ...]
    xyz: Float64[np.ndarray, "frame point 3"]
    rate: float
    unit: str | None
    start: float
    screen: Float64[np.ndarray, "3 3"] | None = None


def up_of(points: Points) -> str | None:
    """The axis that points up on the screen, such as "z" or "-y"; None where the file tells of none."""
    if points.screen is None:
        return None
    axis = int(np.abs(points.screen[:, 1]).argmax())
    return "-" * bool(points.screen[axis, 1] < 0) + "xyz"[axis]


def read_points(path: Path) -> Points:
    """The points, without angles, forces and the like; one with a negative residual is missing. Raises InputError for a
    damaged file, or where nothing is left."""
    with refused_if_damaged(f"{path}: damaged C3D"):
        file = parse(path.read_bytes())
        labels = _labels(file)
        units = file.parameters.get("POINT:UNITS")
        if len(labels) != file.xyz.shape[1]:
            raise ValueError(f"{len(labels)} labels for {file.xyz.shape[1]} points in {len(file.xyz)} frames")
        unit = str(units[0]).lower() if units else None
        kept = _places(file, labels)
        labels = [labels[column] for column in kept]
        xyz = np.where(file.missing[:, kept, None], np.nan, file.xyz[:, kept])
        if np.isinf(xyz).any():
            raise ValueError("it holds infinite positions")
        start = max(0, file.first - 1) / file.rate if file.rate > 0 else 0.0
        return Points(tuple(labels), xyz, file.rate, unit, start, _screen(file))


def read(path: Path, hints: Hints) -> Poses3D:
    """Points as joints, in metres, x right, y down, z forward as its screen (X_SCREEN, Y_SCREEN) has them; in the
    file's own axes where it tells none.

    Labels such as `ANNA:LKNE` are people by what stands before the colon. No covariance is in the file: NaN. Raises
    InputError for a damaged file.
    """
    points = read_points(path)
    unit = points.unit or "mm"
    if unit not in (*METRES, *_OWN_UNITS):
        raise InputError(f"{path}: its points are in {unit!r}; expected m, cm or mm")
    xyz = points.xyz * METRES.get(unit, 1.0) @ (np.eye(3) if points.screen is None else points.screen * TO_Y_UP)
    whose = [label.rpartition(":")[0] for label in points.labels]
    named = _named(whose, [label.rpartition(":")[2] for label in points.labels], path)
    people, names = list(dict.fromkeys(whose)), list(dict.fromkeys(named))
    placed = room_for(len(xyz), len(people), len(names), 3)
    for column, (who, name) in enumerate(zip(whose, named, strict=True)):
        placed[:, people.index(who), names.index(name)] = xyz[:, column]
    skeleton = skeleton_of(names, hints.skeleton, path.stem)
    placed = placed[:, :, [names.index(joint) for joint in skeleton.joints]]
    relative, root = about_root(placed, skeleton.root)
    return Poses3D(
        xyz=relative,
        root=root,
        cov=np.full((*placed.shape, 3), np.nan),
        skeleton=skeleton,
        fps=points.rate,
        times=points.start + np.arange(len(xyz)) / points.rate if points.start else None,
        provenance={"source": path.name} | ({"unit": unit} if unit in _OWN_UNITS else {}),
    )


def _named(whose: Sequence[str], markers: Sequence[str], path: Path) -> list[str]:
    """What each point is called: its joint in a built-in skeleton where one is complete; else the marker, in the plain
    words of a built-in joint where it is called so. Raises InputError for two points of one name."""
    known = [plain_name(name) for name in joint_names(markers)]
    if not any(set(skeleton.joints) <= set(known) for skeleton in BUILT_IN.values()):
        known = [joint_name(marker) for marker in markers]  # not ours: markers that happen to be called alike
    for names in (known, list(markers)):
        twice = next((name for (_, name), count in Counter(zip(whose, names, strict=True)).items() if count > 1), None)
        if twice is None:
            return names
    raise InputError(f"{path}: two points are called {twice!r}")


def _screen(file: C3dFile) -> Float64[np.ndarray, "3 3"] | None:
    """The directions of the screen: right, up and towards the viewer."""
    told = [file.parameters.get(f"POINT:{name}") or [""] for name in ("X_SCREEN", "Y_SCREEN")]
    axes = [re.fullmatch(r"([+-]?)([XYZ])", str(each[0]).strip().upper()) for each in told]
    if None in axes or len({axis[2] for axis in axes if axis}) < 2:
        return None
    right, up = (np.eye(3)["XYZ".index(axis[2])] * (-1.0 if axis[1] == "-" else 1.0) for axis in axes if axis)
    return np.stack([right, up, np.cross(right, up)], axis=1)


def _places(file: C3dFile, labels: Sequence[str]) -> list[int]:
    """The columns of points that are places. Labels in those lists may lack the name of the person."""
    others = {str(label) for name in _NO_PLACES for label in file.parameters.get(f"POINT:{name}") or []} - {""}
    kept = [
        column for column, label in enumerate(labels) if label not in others and label.rpartition(":")[2] not in others
    ]
    if labels and not kept:
        raise ValueError("it holds angles and forces alone, and no markers")
    return kept


def _labels(file: C3dFile) -> list[str]:
    lists = ["LABELS", *(f"LABELS{part}" for part in range(2, 100))]
    return [str(label) for name in lists for label in file.parameters.get(f"POINT:{name}", [])][: file.xyz.shape[1]]
