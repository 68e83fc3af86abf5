"""Which of the people in view a result keeps."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.matching import body_size
from flowlift.pick_people import pick_people


def how_many(people: int | str) -> int | None:
    """How many people to keep: "largest" is one, "all" is None. Raises InputError for anything else than a number.

    >>> how_many("all"), how_many("largest"), how_many("2"), how_many(3)
    (None, 1, 2, 3)
    """
    known = {"all": None, "largest": 1}
    if people in known:
        return known[str(people)]
    if isinstance(people, bool) or not str(people).isdecimal() or int(people) < 1:
        raise InputError(f"people must be a number from 1 on, all or largest; got {people!r}")
    return int(people)


def keep_people(parts: Sequence[Poses3D], count: int) -> list[Poses3D]:
    """The parts of a clip with the `count` people who fill it most: size in the image, summed over frames.

    They keep their order. Poses without their keypoints have no size: then it is time alone that counts.
    """
    total = np.zeros(max(part.people for part in parts))
    for part in parts:
        total[: part.people] += prominence(part)
    kept = sorted(np.argsort(-total, kind="stable")[:count].tolist())
    return [pick_people(part, kept) for part in parts]


def prominence(poses: Poses3D) -> Float64[np.ndarray, " person"]:
    """Each person's size in the image (px; 1 where it is unknown), summed over the frames with a pose."""
    posed = np.isfinite(poses.xyz).any(axis=(2, 3))
    if poses.keypoints is None:
        return posed.sum(axis=0).astype(np.float64)
    size = np.zeros(posed.shape)
    size[posed] = body_size(poses.keypoints.xy[posed])
    return size.sum(axis=0)
