"""Which frames of a capture show no pose that a person took: T-poses, stretched bones, joints that jump."""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float

from flowlift.skeletons import HUMAN36M17

T_POSE_WITHIN = 20.0
"""A T-pose: arms and legs within this of their line, degrees. In CMU's conversions its arms droop by up to 17; no frame
of a movement comes closer than 37."""
STRETCH = 0.05
"""A limb bone is broken where it is longer or shorter than in the middle of its clip by more than this share. Bones of
the trunk do change: they run between points on a bending back."""
SPEED = 10.0
"""A joint jumps where it moves faster than this, about the hip, statures a second (14 m/s). A kick reaches 7.3; the
knees of CMU's subject 05 flip at 12 to 30."""
SHORT = 0.25
"""Frames that stand between two jumps (or a clip's end) for less than this, seconds, are broken too."""

_RIGID = HUMAN36M17.indices(
    [f"{side}_{name}" for side in ("left", "right") for name in ("hip", "knee", "ankle", "elbow", "wrist")]
)
_PARENTS = list(HUMAN36M17.parent_indices)


@dataclass(frozen=True, eq=False)
class Faults:
    """What is wrong with each frame of a clip; a frame is told once, under the first that applies."""

    not_finite: Bool[np.ndarray, " frame"]
    stretched: Bool[np.ndarray, " frame"]
    t_pose: Bool[np.ndarray, " frame"]
    jump: Bool[np.ndarray, " frame"]

    @property
    def any(self) -> Bool[np.ndarray, " frame"]:
        return self.not_finite | self.stretched | self.t_pose | self.jump


FAULTS = tuple(field.name for field in fields(Faults))


def faults(xyz: Float[np.ndarray, "frame 17 3"], *, fps: float) -> Faults:
    """Faults of a clip at its native `fps`, Y up, in statures; positions are taken about the hip."""
    finite = np.isfinite(xyz).all(axis=(1, 2))
    known = np.where(finite[:, None, None], xyz, np.nan)
    stretched = finite & is_stretched(known)
    t_pose = finite & ~stretched & is_t_pose(known)
    return Faults(~finite, stretched, t_pose, finite & ~stretched & ~t_pose & is_jump(known, fps=fps))


def is_t_pose(xyz: Float[np.ndarray, "frame 17 3"]) -> Bool[np.ndarray, " frame"]:
    """Arms straight out to the sides and legs straight down (Y up), within T_POSE_WITHIN; a tilted one is not told."""
    across = _unit(_joint(xyz, "left_shoulder") - _joint(xyz, "right_shoulder"))
    down = np.array([0.0, -1.0, 0.0])
    least = np.cos(np.radians(T_POSE_WITHIN))
    found = np.ones(len(xyz), dtype=bool)
    for side, outwards in (("left", across), ("right", -across)):
        for chain, line in ((("shoulder", "elbow", "wrist"), outwards), (("hip", "knee", "ankle"), down)):
            first, middle, last = (_joint(xyz, f"{side}_{name}") for name in chain)
            for bone in (middle - first, last - middle):
                found &= (_unit(bone) * line).sum(axis=-1) > least
    return found


def is_stretched(xyz: Float[np.ndarray, "frame 17 3"]) -> Bool[np.ndarray, " frame"]:
    """A bone of a limb, or of the pelvis, is not as long as in the middle of the clip; NaN frames do not count."""
    bones = np.linalg.norm(xyz - xyz[:, _PARENTS], axis=-1)[:, _RIGID]
    known = bones[np.isfinite(bones).all(axis=-1)]
    if not len(known):
        return np.zeros(len(xyz), dtype=bool)
    middle = np.median(known, axis=0)
    return (np.abs(bones - middle) > STRETCH * middle).any(axis=-1)


def is_jump(xyz: Float[np.ndarray, "frame 17 3"], *, fps: float) -> Bool[np.ndarray, " frame"]:
    """The two frames of a jump about the hip, and what stands too short a time between two; NaN frames break a clip."""
    about = xyz - xyz[:, :1]
    step = np.linalg.norm(np.diff(about, axis=0), axis=-1).max(axis=-1, initial=0.0)
    jumps = np.flatnonzero(step * fps > SPEED)  # between frame i and the next
    broken = np.zeros(len(xyz), dtype=bool)
    broken[jumps] = broken[jumps + 1] = True
    if not len(jumps):
        return broken
    for first, last in zip([0, *(jumps + 1)], [*(jumps + 1), len(xyz)], strict=True):
        broken[first:last] |= (last - first) < SHORT * fps
    return broken


def _joint(xyz: Float[np.ndarray, "frame 17 3"], name: str) -> Float[np.ndarray, "frame 3"]:
    return xyz[:, HUMAN36M17.index(name)]


def _unit(vectors: Float[np.ndarray, "frame 3"]) -> Float[np.ndarray, "frame 3"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
