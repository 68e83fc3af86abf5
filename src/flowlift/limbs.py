"""Limbs: the chains of paired joints that a skeleton's left and right consist of."""

import numpy as np
from jaxtyping import Float64

from flowlift.skeleton import Skeleton

_MOST = 4


def limbs(skeleton: Skeleton) -> list[list[int]]:
    """Joints of both sides (left, right, left, ...) by limb, parents first; the largest limb comes first.

    A chain that forks into further chains goes on with the first of them (a shoulder with the arm, not with the hip
    that some skeletons hang on it). From the fourth limb on all are counted as one.
    """
    mirror, parents = skeleton.mirror, skeleton.parent_indices
    lefts = [skeleton.index(left) for left, _ in skeleton.pairs]
    below = {joint: [child for child in lefts if parents[child] == joint] for joint in lefts}

    def depth(joint: int) -> int:
        return 1 + max((depth(child) for child in below[joint]), default=0)

    def grow(joint: int, chain: list[int]) -> None:
        chain += [joint, mirror[joint]]
        deep = [child for child in below[joint] if depth(child) > 1]
        for child in below[joint]:
            if child in deep[1:]:
                chains.append([])
                grow(child, chains[-1])
            else:
                grow(child, chain)

    chains: list[list[int]] = []
    for joint in lefts:
        if parents[joint] not in below:
            chains.append([])
            grow(joint, chains[-1])
    chains.sort(key=len, reverse=True)
    rest = [joint for chain in chains[_MOST - 1 :] for joint in chain]
    return [*chains[: _MOST - 1], rest] if rest else chains


def freedom(skeleton: Skeleton) -> Float64[np.ndarray, " joint"]:
    """How freely joints move, as a share of what hands and feet do: hips and shoulders 1/3, knees and elbows 2/3."""
    free = np.ones(len(skeleton))
    for joints in limbs(skeleton):
        depth: dict[int, int] = {}
        for joint in joints:
            depth[joint] = 1 + depth.get(skeleton.parent_indices[joint], 0)
            free[joint] = min(1.0, depth[joint] / 3)
    return free
