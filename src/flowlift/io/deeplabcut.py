"""DeepLabCut's table, whichever file it comes from: columns (scorer[, individual], bodypart, coordinate)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io.extent import image_size_or_guess
from flowlift.io.hints import Hints
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BUILT_IN


@dataclass(frozen=True)
class Column:
    """What one column holds."""

    individual: str
    bodypart: str
    coordinate: str


def keypoints_from_table(
    columns: Sequence[Column], values: Float64[np.ndarray, "frame column"], path: Path, hints: Hints
) -> Keypoints2D:
    """One person for each individual. The skeleton is the built-in one of the same joints (or the hinted one), else one
    made from the body parts, all hanging on the first. Raises InputError where x or y are missing."""
    individuals = list(dict.fromkeys(column.individual for column in columns))
    bodyparts = list(dict.fromkeys(column.bodypart for column in columns))
    at = {(c.individual, c.bodypart, c.coordinate): index for index, c in enumerate(columns)}
    if not len(values):
        raise InputError(f"{path}: it holds no frames")
    if any(c.coordinate == "z" for c in columns):
        raise InputError(f"{path}: these are 3D coordinates (x, y, z) already; give the 2D file")
    cube = np.full((len(values), len(individuals), len(bodyparts), 3), np.nan)
    for i, individual in enumerate(individuals):
        for j, bodypart in enumerate(bodyparts):
            for k, coordinate in enumerate(("x", "y", "likelihood")):
                column = at.get((individual, bodypart, coordinate))
                if column is not None:
                    cube[:, i, j, k] = values[:, column]
    if not any(c.coordinate == "x" for c in columns) or not any(c.coordinate == "y" for c in columns):
        raise InputError(f"{path}: expected columns x, y and likelihood for each body part")
    skeleton = _skeleton([_plain(bodypart) for bodypart in bodyparts], path, hints)
    order = [[_plain(b) for b in bodyparts].index(joint) for joint in skeleton.joints]
    xy, score = cube[:, :, order, :2], cube[:, :, order, 2].clip(0, 1)
    size = image_size_or_guess(xy, hints.image_size, str(path))
    return Keypoints2D(xy, score, skeleton, size, hints.fps, path.name)


def _plain(bodypart: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", bodypart.lower()).strip("_")


def _skeleton(names: list[str], path: Path, hints: Hints) -> Skeleton:
    if len(set(names)) < len(names):
        raise InputError(f"{path}: two body parts are called {next(n for n in names if names.count(n) > 1)!r}")
    if hints.skeleton is not None:
        lacking = [joint for joint in hints.skeleton.joints if joint not in names]
        if lacking:
            raise InputError(
                f"{path}: no column for {', '.join(lacking)} of {hints.skeleton.name!r}; it has {', '.join(names)}"
            )
        return hints.skeleton
    fitting = [s for s in BUILT_IN.values() if set(s.joints) <= set(names)]
    if fitting:
        return max(fitting, key=len)
    lefts = [name for name in names if name.startswith("left_") and name.replace("left_", "right_", 1) in names]
    pairs = tuple((left, left.replace("left_", "right_", 1)) for left in lefts)
    return Skeleton(f"deeplabcut{len(names)}", tuple(names), (None, *[names[0]] * (len(names) - 1)), pairs)
