"""DeepLabCut's table, whichever file it comes from: columns (scorer[, individual], bodypart, coordinate)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io.extent import image_size_or_guess
from flowlift.io.hints import Hints
from flowlift.io.naming import plain_name, skeleton_of
from flowlift.io.numbering import places
from flowlift.io.positions import not_2d
from flowlift.io.room import room_for

_PLACES = "single"
"""The individual to whom DeepLabCut gives what is there once and is nobody's, such as the corners of a box."""


@dataclass(frozen=True)
class Column:
    """What one column holds."""

    individual: str
    bodypart: str
    coordinate: str


def check_columns(columns: Sequence[Column], path: Path) -> None:
    """Raises InputError for a table that tells the same thing twice."""
    twice = next((column for column, count in Counter(columns).items() if count > 1), None)
    if twice is not None:
        who = f" of {twice.individual}" if twice.individual else ""
        raise InputError(f"{path}: it has {twice.coordinate} of {twice.bodypart}{who} more than once")


def by_number(
    values: Float64[np.ndarray, "frame column"], numbers: Sequence[int], path: Path
) -> Float64[np.ndarray, "place column"]:
    """Rows at the places that their numbers say, NaN between. Raises InputError for numbers that do not rise."""
    if any(later <= before for before, later in pairwise(numbers)):
        raise InputError(f"{path}: its frame numbers do not rise")
    at = places(numbers, path) if numbers else []
    whole = np.full((at[-1] + 1 if at else 0, values.shape[1]), np.nan)
    whole[at] = values
    return whole


def keypoints_from_table(
    columns: Sequence[Column], values: Float64[np.ndarray, "frame column"], path: Path, hints: Hints
) -> Keypoints2D:
    """One person for each individual, in the table's order, or the one that `FILE::INDIVIDUAL` names; what is nobody's
    is left out.

    The skeleton is the hinted one, else a built-in one of the same joints, else one made from the body parts. Raises
    InputError for tables without frames, without x and y, or in 3D.
    """
    if not len(values):
        raise InputError(f"{path}: it holds no frames")
    coordinates = {column.coordinate for column in columns}
    if "z" in coordinates:
        raise not_2d(path, "coordinates")
    if not {"x", "y"} <= coordinates:
        raise InputError(f"{path}: expected columns x, y and likelihood for each body part")
    individuals = list(dict.fromkeys(column.individual for column in columns))
    if len(individuals) > 1:
        individuals = [name for name in individuals if name != _PLACES]
    if hints.clip is not None:
        if hints.clip not in individuals:
            there = f"there are {', '.join(individuals)}" if any(individuals) else "it holds one animal without a name"
            raise InputError(f"{path}: no individual is called {hints.clip!r}; {there}")
        individuals = [hints.clip]
    kept = [column for column in columns if column.individual in individuals]
    bodyparts = list(dict.fromkeys(column.bodypart for column in kept))
    names = [plain_name(bodypart) for bodypart in bodyparts]
    skeleton = skeleton_of(names, hints.skeleton, "deeplabcut")
    check_columns(kept, path)
    at = {(column.individual, column.bodypart, column.coordinate): index for index, column in enumerate(columns)}
    cube = room_for(len(values), len(individuals), len(skeleton), 3)
    for i, individual in enumerate(individuals):
        for j, joint in enumerate(skeleton.joints):
            for k, coordinate in enumerate(("x", "y", "likelihood")):
                column = at.get((individual, bodyparts[names.index(joint)], coordinate))
                if column is not None:
                    cube[:, i, j, k] = values[:, column]
    xy, score = cube[..., :2], cube[..., 2].clip(0, 1)
    size = image_size_or_guess(xy, hints.image_size, hints.camera_size, str(path))
    return Keypoints2D(xy, score, skeleton, size, hints.fps, path.name)
