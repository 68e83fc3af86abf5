"""Balance: where a body's weight is, and how far that lies from above its feet.

Shares of the mass and where each segment has its middle are de Leva's (1996, doi:10.1016/0021-9290(95)00178-6), women
and men together; the head is taken for a ball beyond the shoulders, hands and feet for a part of wrist and ankle.
"""

import numpy as np
from jaxtyping import Bool, Float64

from flowlift.skeleton import Skeleton

_TRUNK, _HEAD, _UPPER_ARM, _FOREARM, _THIGH, _SHANK = 0.431, 0.068, 0.026, 0.015, 0.145, 0.046
_HAND, _FOOT = 0.006, 0.013
_HEAD_BEYOND = 0.45
"""How far the head's middle lies beyond the shoulders, of the way from the hips to them."""
_OF_SIDE = (
    ("shoulder", "elbow", 0.576, _UPPER_ARM),
    ("elbow", "wrist", 0.457, _FOREARM),
    ("wrist", "wrist", 0.0, _HAND),
    ("hip", "knee", 0.385, _THIGH),
    ("knee", "ankle", 0.44, _SHANK),
    ("ankle", "ankle", 0.0, _FOOT),
    ("shoulder", "hip", 0.5, _TRUNK / 2),
    ("hip", "shoulder", 1 + _HEAD_BEYOND, _HEAD / 2),
)
"""Where a segment begins and ends, how far along its middle is, and its share of the mass."""
_SEGMENTS = [
    (f"{side}_{first}", f"{side}_{last}", along, share)
    for side in ("left", "right")
    for first, last, along, share in _OF_SIDE
]
_NEEDED = frozenset(joint for first, last, _, _ in _SEGMENTS for joint in (first, last))
_ANKLES, _HIPS = ("left_ankle", "right_ankle"), ("left_hip", "right_hip")
_LEGS = [(f"{side}_hip", f"{side}_knee", f"{side}_ankle") for side in ("left", "right")]
_SOFT, _AHEAD, _HIGH = 0.06, 0.09, 0.6
"""In legs: by how much a foot may be higher than the other and still carry 1/e of what it carries; how far the middle
of a foot lies ahead of its ankle; and how high above its feet the hips of who stands are, at least."""

Points = Float64[np.ndarray, "*batch joint 3"]
Vectors = Float64[np.ndarray, "*batch 3"]
Vertical = Float64[np.ndarray, "3"]


def stands_on_two(skeleton: Skeleton) -> bool:
    """Whether a skeleton has the limbs of a person, whose balance is known here."""
    return set(skeleton.joints) >= _NEEDED


def centre_of_mass(xyz: Points, skeleton: Skeleton) -> Vectors:
    """Of poses of a skeleton that `stands_on_two`, in their frame and unit."""
    weights = np.zeros(len(skeleton))
    for first, last, along, share in _SEGMENTS:
        weights[skeleton.index(first)] += (1 - along) * share
        weights[skeleton.index(last)] += along * share
    return np.einsum("...jc,j->...c", xyz, weights / weights.sum())


def support(xyz: Points, up: Vertical, skeleton: Skeleton) -> Vectors:
    """The middle of the foot that carries a body, the lower one along `up`, or between both."""
    leg = leg_length(xyz, skeleton)[..., None]
    ankles = xyz[..., skeleton.indices(_ANKLES), :]
    height = ankles @ up
    carried = np.exp(-(height - height.min(axis=-1, keepdims=True)) / (_SOFT * leg))
    carried /= carried.sum(axis=-1, keepdims=True)
    left, right = (xyz[..., joint, :] for joint in skeleton.indices(_HIPS))
    ahead = np.cross(left - right, up)
    ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True).clip(1e-12)
    return np.einsum("...f,...fc->...c", carried, ankles) + _AHEAD * leg * ahead


def off_balance(xyz: Points, up: Vertical, skeleton: Skeleton) -> Float64[np.ndarray, "*batch"]:
    """How far, level, the weight of bodies lies from above their feet, in the poses' unit; `up`: a unit vector."""
    off = centre_of_mass(xyz, skeleton) - support(xyz, up, skeleton)
    return np.asarray(np.linalg.norm(off - (off @ up)[..., None] * up, axis=-1))


def stands(xyz: Points, up: Vertical, skeleton: Skeleton) -> Bool[np.ndarray, "*batch"]:
    """Whether the hips are high above the feet: nobody who sits or lies is in balance on them."""
    hips = xyz[..., skeleton.indices(_HIPS), :].mean(axis=-2)
    return np.asarray((hips - support(xyz, up, skeleton)) @ up > _HIGH * leg_length(xyz, skeleton))


def leg_length(xyz: Points, skeleton: Skeleton) -> Float64[np.ndarray, "*batch"]:
    """Along the bones, the mean of both legs; above 0."""
    bones = [np.diff(xyz[..., skeleton.indices(leg), :], axis=-2) for leg in _LEGS]
    length = np.linalg.norm(bones, axis=-1).sum(axis=(0, -1)) / 2
    return np.asarray(np.maximum(length, 1e-12))
