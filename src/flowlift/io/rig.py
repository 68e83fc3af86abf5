"""Joint positions as the motion of a rig, as BVH and glTF hold it: a rest pose, and each joint's turn and shift.

The rule: a joint turns, relative to its parent, so that the directions to its children are as near as can be to where
they are, and no further. With one child that is the shortest swing from the rest pose, without any twist about the
bone; with several it is the best fit of all their directions. What a turn cannot bring about, above all bones that are
longer in one frame than in another, the shift does: positions are exact.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from flowlift.containers import Poses3D
from flowlift.io.positions import seconds, y_up
from flowlift.io.rest_pose import rest_offsets
from flowlift.skeleton import Skeleton

_STAY = 1e-6
"""How much a turn of nothing counts beside a bone's direction: what the directions leave open, such as twist, is 0."""


@dataclass(frozen=True, eq=False)
class Rig:
    """One person's motion.

    `rest` (joint, 3): offset from the parent at rest, m, y up; 0 for the root. `turn` (frame, joint, 3, 3): rotation of
    the joint relative to its parent (of the root: to the world). `shift` (frame, joint, 3): the joint's position in its
    parent's turned frame, m (of the root: its place).
    """

    skeleton: Skeleton
    rest: Float64[np.ndarray, "joint 3"]
    turn: Float64[np.ndarray, "frame joint 3 3"]
    shift: Float64[np.ndarray, "frame joint 3"]


def rigs(poses: Poses3D) -> dict[int, Rig]:
    """A rig for each person who is in some frame, by number. Positions as `y_up` has them; what is missing moves
    straight from where it was last to where it is next, and stays before the first and after the last."""
    place, times = y_up(poses), seconds(poses)
    seen = np.isfinite(place).all(axis=-1)
    return {
        person: rig_of(poses.skeleton, _filled(place[:, person], seen[:, person], times, poses.skeleton))
        for person in range(poses.people)
        if seen[:, person].any()
    }


def rig_of(skeleton: Skeleton, place: Float64[np.ndarray, "frame joint 3"]) -> Rig:
    """The rig that goes through these positions (m, y up, nothing missing)."""
    rest = rest_offsets(skeleton, place)
    frames, joints, _ = place.shape
    whole = np.empty((frames, joints, 3, 3))  # relative to the world
    turn, shift = np.empty_like(whole), np.empty_like(place)
    for joint in skeleton.topological:
        parent = skeleton.parent_indices[joint]
        above = np.broadcast_to(np.eye(3), (frames, 3, 3)) if parent < 0 else whole[:, parent]
        origin = place[:, parent] if parent >= 0 else np.zeros((frames, 3))
        shift[:, joint] = _into(above, place[:, joint] - origin)
        fit = np.broadcast_to(_STAY * np.eye(3), (frames, 3, 3)).copy()
        for child in (child for above_it, child in skeleton.bones if above_it == joint):
            fit += _unit(_into(above, place[:, child] - place[:, joint]))[:, :, None] * _unit(rest[child])
        turn[:, joint] = _nearest_rotation(fit)
        whole[:, joint] = above @ turn[:, joint]
    return Rig(skeleton, rest, turn, shift)


def _filled(
    place: Float64[np.ndarray, "frame joint 3"],
    seen: Bool[np.ndarray, "frame joint"],
    times: Float64[np.ndarray, " frame"],
    skeleton: Skeleton,
) -> Float64[np.ndarray, "frame joint 3"]:
    """Nothing missing: straight over gaps in time; a joint that is never seen is where its parent is."""
    filled = place.copy()
    for joint in skeleton.topological:
        at = seen[:, joint]
        if at.any():
            for axis in range(3):
                filled[:, joint, axis] = np.interp(times, times[at], place[at, joint, axis])
        elif joint != skeleton.root:
            filled[:, joint] = filled[:, skeleton.parent_indices[joint]]
        else:
            others = seen.any(axis=0)
            middle = _filled(place[:, others], seen[:, others], times, _loose(int(others.sum())))
            filled[:, joint] = middle.mean(axis=1)
    return filled


def _loose(joints: int) -> Skeleton:
    """Joints without a body: all on the first."""
    return Skeleton("loose", tuple(map(str, range(joints))), (None, *["0"] * (joints - 1)))


def _into(
    turned: Float64[np.ndarray, "frame 3 3"], vector: Float64[np.ndarray, "frame 3"]
) -> Float64[np.ndarray, "frame 3"]:
    """Vectors of the world in turned frames."""
    return np.einsum("fji,fj->fi", turned, vector)


def _unit(vector: Float64[np.ndarray, "*batch 3"]) -> Float64[np.ndarray, "*batch 3"]:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-9)


def _nearest_rotation(matrix: Float64[np.ndarray, "frame 3 3"]) -> Float64[np.ndarray, "frame 3 3"]:
    left, _, right = np.linalg.svd(matrix)
    left[..., 2] *= np.sign(np.linalg.det(left @ right))[..., None]
    return left @ right
