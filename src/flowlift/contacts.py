"""Feet, and when they stand: slow, and near the ground where that is known."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from flowlift.containers import Poses3D
from flowlift.gaps import gaps, runs
from flowlift.skeleton import Skeleton

SLOW = 0.6
"""Metres per second: a foot that moves faster does not stand. Heels that lift and errors of the pose are slower."""
ALONG = 0.3
"""How much of the speed along the line of sight counts: one camera sees it badly."""
NEAR = 0.15
"""Metres above where feet stand, at most."""
WANDER = 0.12
"""Metres: a foot that gets further from its middle place does not stand, it slides on purpose."""
SHORTEST, _WINDOW = 0.1, 0.1
"""Seconds: a foot stands for so long at least; and over which its speed is measured."""
_BRIEF = 0.12
"""Seconds for which a foot that stands may seem to move, or be lost."""
_STEADY = 0.4
"""Seconds over which the distance from the camera is averaged: frame by frame it is much worse than the direction."""
_FEET = ("ankle", "paw", "foot", "hoof")
_LEAST_SCORE = 0.3


@dataclass(frozen=True)
class Leg:
    """A foot with the two joints above it, by index; `sole` (m): how far below the joint the ground is, when standing,
    as a share of the leg's length."""

    foot: int
    knee: int
    hip: int
    sole: float


def legs_of(skeleton: Skeleton) -> list[Leg]:
    """The legs of a skeleton: paired joints called ankle, paw, foot or hoof, with their parents. Hands are none."""
    parents = skeleton.parent_indices
    found = []
    for joint in (joint for pair in skeleton.pairs for joint in pair):
        index = skeleton.index(joint)
        knee = parents[index]
        if joint.split("_")[-1] in _FEET and knee >= 0 and parents[knee] >= 0:
            found.append(Leg(index, knee, parents[knee], 0.09 if joint.endswith("ankle") else 0.0))
    return found


def leg_length(poses: Poses3D, leg: Leg) -> float:
    """Along the bones, m: the median of all frames; NaN where there is nobody."""
    ends = ((leg.hip, leg.knee), (leg.knee, leg.foot))
    bones = [np.linalg.norm(poses.xyz[:, :, a] - poses.xyz[:, :, b], axis=-1) for a, b in ends]
    total = np.sum(bones, axis=0)
    known = np.isfinite(total)
    return float(np.median(total[known])) if known.any() else float("nan")


def seen(poses: Poses3D, joint: int) -> Bool[np.ndarray, "frame person"]:
    """Where a joint was seen in 2D, rather than inferred; everywhere where the 2D says nothing about it."""
    there = np.isfinite(poses.xyz[:, :, joint]).all(axis=-1)
    name, keypoints = poses.skeleton.joints[joint], poses.keypoints
    if keypoints is None or name not in keypoints.skeleton.joints:
        return there
    index = keypoints.skeleton.index(name)
    score = np.nan_to_num(keypoints.score[:, :, index], nan=1.0)
    return there & np.isfinite(keypoints.xy[:, :, index]).all(axis=-1) & (score >= _LEAST_SCORE)


def foot_path(
    place: Float64[np.ndarray, "frame 3"], there: Bool[np.ndarray, " frame"], times: Float64[np.ndarray, " frame"]
) -> Float64[np.ndarray, "frame 3"]:
    """Where a foot was while it was seen, or lost for a moment, as steady as its direction is; else NaN."""
    return _steadied(_seen_path(place, there, times), times)


def _seen_path(
    place: Float64[np.ndarray, "frame 3"], there: Bool[np.ndarray, " frame"], times: Float64[np.ndarray, " frame"]
) -> Float64[np.ndarray, "frame 3"]:
    """Where a joint was seen, NaN elsewhere; straight over moments in which a detector lost it."""
    path = np.where(there[:, None], place, np.nan)
    known = np.isfinite(path).all(axis=-1)
    lost = gaps(~known, times, _BRIEF) & np.isfinite(place).all(axis=-1)
    if lost.any():
        path[lost] = np.stack([np.interp(times[lost], times[known], each) for each in path[known].T], axis=-1)
    return path


def _steadied(
    foot: Float64[np.ndarray, "frame 3"], times: Float64[np.ndarray, " frame"]
) -> Float64[np.ndarray, "frame 3"]:
    """The foot in the direction in which it was seen, at its mean distance over some tenths of a second; NaN stays."""
    distance = np.linalg.norm(foot, axis=-1)
    known = np.isfinite(distance)
    total, count = (np.concatenate([[0], np.cumsum(v)]) for v in (np.where(known, distance, 0.0), known))
    first = np.searchsorted(times, times - _STEADY / 2 - 1e-9)
    last = np.searchsorted(times, times + _STEADY / 2 + 1e-9)
    mean = (total[last] - total[first]) / np.maximum(count[last] - count[first], 1)
    return foot * (mean / np.where(known, distance, 1.0))[:, None]


def standing(
    foot: Float64[np.ndarray, "frame 3"],
    times: Float64[np.ndarray, " frame"],
    *,
    height: Float64[np.ndarray, " frame"] | None = None,
) -> list[slice]:
    """The stretches of frames in which a foot stands. `foot`: m, camera frame, NaN where unknown; `height`: m above
    where it stands, where the ground is known."""
    if len(foot) < 2:
        return []
    speed = speeds(foot, times)
    still = speed < SLOW
    if height is not None:
        still &= np.abs(np.where(np.isfinite(height), height, np.inf)) < NEAR
    still |= np.isfinite(foot).all(axis=-1) & gaps(~still, times, _BRIEF)
    stands = [part for run in runs(still) for part in _steady(run, foot, speed)]
    return [stand for stand in stands if times[stand.stop - 1] - times[stand.start] >= SHORTEST]


def _steady(run: slice, foot: Float64[np.ndarray, "frame 3"], speed: Float64[np.ndarray, " frame"]) -> list[slice]:
    """The parts of a stretch in which the foot stays in one place: cut where it is fastest, as two steps may follow one
    another closely; none where it slides slowly."""
    middle = np.median(foot[run], axis=0)
    if np.linalg.norm(discounted(foot[run] - middle, foot[run]), axis=-1).max() <= WANDER:
        return [run]
    fastest = run.start + int(np.argmax(speed[run]))
    if speed[fastest] < SLOW / 2 or run.stop - run.start < 3:
        return []
    parts = (slice(run.start, fastest), slice(fastest + 1, run.stop))
    return [each for part in parts if part.stop > part.start for each in _steady(part, foot, speed)]


def discounted(
    step: Float64[np.ndarray, "frame 3"], foot: Float64[np.ndarray, "frame 3"]
) -> Float64[np.ndarray, "frame 3"]:
    """Steps of a foot in the camera frame, m, with what lies along the line of sight counted in part."""
    sight = foot / np.linalg.norm(foot, axis=-1, keepdims=True)
    return step - (1 - ALONG) * (step * sight).sum(axis=-1, keepdims=True) * sight


def speeds(foot: Float64[np.ndarray, "frame 3"], times: Float64[np.ndarray, " frame"]) -> Float64[np.ndarray, " frame"]:
    """Metres per second of a foot in the camera frame, its motion along the line of sight counted in part; infinite
    where it is unknown."""
    frames = np.arange(len(foot))
    before = np.minimum(np.searchsorted(times, times - _WINDOW / 2 - 1e-9), np.maximum(frames - 1, 0))
    after = np.maximum(np.searchsorted(times, times + _WINDOW / 2 + 1e-9) - 1, np.minimum(frames + 1, len(foot) - 1))
    step, lasting = foot[after] - foot[before], np.maximum(times[after] - times[before], 1e-6)
    speed = np.linalg.norm(discounted(step, foot), axis=-1) / lasting
    return np.where(np.isfinite(speed), speed, np.inf)
