"""Which of the people in view a result keeps."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64

from flowlift.concatenate import pad_people
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError
from flowlift.matching import body_size


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
    return [_select(part, kept) for part in parts]


def prominence(poses: Poses3D) -> Float64[np.ndarray, " person"]:
    """Each person's size in the image (px; 1 where it is unknown), summed over the frames with a pose."""
    posed = np.isfinite(poses.xyz).any(axis=(2, 3))
    if poses.keypoints is None:
        return posed.sum(axis=0).astype(np.float64)
    size = np.zeros(posed.shape)
    size[posed] = body_size(poses.keypoints.xy[posed])
    return size.sum(axis=0)


def _select(poses: Poses3D, people: Sequence[int]) -> Poses3D:
    """The poses of some people, by index; who is not in them yet is NaN."""

    def some(array: Float32[np.ndarray, "frame person ..."]) -> Float32[np.ndarray, "frame kept ..."]:
        return pad_people(array, max(people) + 1 if max(people) >= array.shape[1] else array.shape[1])[:, people]

    def some_if(array: Float32[np.ndarray, "frame person ..."] | None) -> Float32[np.ndarray, "frame kept ..."] | None:
        return None if array is None else some(array)

    seen, marks = poses.keypoints, poses.bridged
    return replace(
        poses,
        xyz=some(poses.xyz),
        root=some_if(poses.root),
        root_cov=some_if(poses.root_cov),
        cov=some(poses.cov),
        hypotheses=some_if(poses.hypotheses),
        keypoints=None if seen is None else _select_keypoints(seen, some(seen.xy), some(seen.score)),
        bridged=None if marks is None else some(marks.astype(np.float32)) == 1,
    )


def _select_keypoints(
    seen: Keypoints2D, xy: Float32[np.ndarray, "frame kept joint 2"], score: Float32[np.ndarray, "frame kept joint"]
) -> Keypoints2D:
    return replace(seen, xy=xy, score=score)
