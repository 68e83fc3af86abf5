"""The points of a C3D file as 3D positions, through ezc3d."""

from pathlib import Path
from typing import Any

import numpy as np

from flowlift.containers import Poses3D
from flowlift.detect.optional import import_optional
from flowlift.errors import InputError
from flowlift.io.hints import Hints
from flowlift.io.marker_names import joint_names
from flowlift.io.naming import plain_name, skeleton_of
from flowlift.skeletons import BUILT_IN

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
    if unit not in _UNITS or not len(xyz) or xyz.shape[1] != len(labels):
        raise InputError(f"{path}: {len(labels)} labels for {xyz.shape[1]} points in {unit!r}; expected m, cm or mm")
    xyz = np.where(missing[..., None], np.nan, xyz * _UNITS[unit])
    people = list(dict.fromkeys(label.rpartition(":")[0] for label in labels))
    called = joint_names([label.rpartition(":")[2] for label in labels])
    if not any(set(skeleton.joints) <= set(called) for skeleton in BUILT_IN.values()):
        called = tuple(label.rpartition(":")[2] for label in labels)  # not ours: markers that happen to be called alike
    of = {label: plain_name(name) for label, name in zip(labels, called, strict=True)}
    names = list(dict.fromkeys(of.values()))
    placed = np.full((len(xyz), len(people), len(names), 3), np.nan)
    for column, label in enumerate(labels):
        placed[:, people.index(label.rpartition(":")[0]), names.index(of[label])] = xyz[:, column]
    skeleton = skeleton_of(names, hints.skeleton, path.stem)
    placed = placed[:, :, [names.index(joint) for joint in skeleton.joints]]
    root = placed[:, :, skeleton.root]
    return Poses3D(
        xyz=placed - root[:, :, None],
        root=root,
        cov=np.full((*placed.shape, 3), np.nan),
        skeleton=skeleton,
        fps=rate,
        provenance={"source": path.name},
    )


def _labels(point: Any) -> list[str]:
    lists = ["LABELS", *(f"LABELS{part}" for part in range(2, 100))]
    used = int(point["USED"]["value"][0])
    return [str(label).strip() for name in lists if name in point for label in point[name]["value"]][:used]
