"""A body's size that no pose changes: from ankle to head along its bones; and how long animals are."""

from itertools import pairwise

import numpy as np
from jaxtyping import Float

from flowlift.skeleton import Skeleton

ANIMAL_LENGTHS = (0.0005, 40.0)
"""How long (m) animals are; what lies outside was measured in another unit."""
_LEGS = (("left_hip", "left_knee", "left_ankle"), ("right_hip", "right_knee", "right_ankle"))


def stature(pose: Float[np.ndarray, "*batch row joint 3"], skeleton: Skeleton) -> Float[np.ndarray, "*batch row"]:
    """The mean leg from ankle to hip, and the root to the head, along the bones, in the pose's unit.

    Raises InputError for a skeleton without the joints of a person.
    """
    legs = [_length(pose, skeleton.indices(leg)) for leg in _LEGS]
    return sum(legs) / len(legs) + _length(pose, _trunk(skeleton))


def _trunk(skeleton: Skeleton) -> list[int]:
    """Joints from the head up to the root."""
    chain = [skeleton.index("head")]
    while chain[-1] != skeleton.root:
        chain.append(skeleton.parent_indices[chain[-1]])
    return chain


def _length(pose: Float[np.ndarray, "*batch row joint 3"], chain: list[int]) -> Float[np.ndarray, "*batch row"]:
    return np.sum([np.linalg.norm(pose[..., a, :] - pose[..., b, :], axis=-1) for a, b in pairwise(chain)], axis=0)
