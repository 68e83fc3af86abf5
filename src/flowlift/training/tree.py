"""A skeleton's tree as training needs it: its levels, its branches, and how far joints are apart along bones."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Int64

from flowlift.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class Tree:
    """`levels`: joints below the root, by their number of bones from it. `branch` (J,): a number for each stretch of
    bones without a fork; 0 is what begins at the root and stays in the middle of the body. `pair_of_joint` (J,) and
    `pair_of_branch` (J,): the same number for a joint, or the branch that it is in, left and right. `hops` (J, J):
    bones between two joints.
    """

    skeleton: Skeleton
    levels: tuple[tuple[int, ...], ...]
    branch: Int64[np.ndarray, " joint"]
    pair_of_joint: Int64[np.ndarray, " joint"]
    pair_of_branch: Int64[np.ndarray, " joint"]
    hops: Int64[np.ndarray, "joint joint"]

    @property
    def branches(self) -> int:
        return int(self.branch.max()) + 1

    def chain(self) -> list[int]:
        """Indices of the joints whose distances add up to the body's length."""
        return self.skeleton.indices(self.skeleton.size_chain)


@cache
def tree_of(skeleton: Skeleton) -> Tree:
    """The tree of a skeleton."""
    parents = skeleton.parent_indices
    depth = np.zeros(len(skeleton), dtype=np.int64)
    for joint in skeleton.topological[1:]:
        depth[joint] = depth[parents[joint]] + 1
    levels = tuple(tuple(np.flatnonzero(depth == level).tolist()) for level in range(1, depth.max() + 1))
    branch = _branches(skeleton)
    hops = np.array([skeleton.hops(joint) for joint in range(len(skeleton))], dtype=np.int64)
    first = np.minimum(np.arange(len(skeleton)), np.array(skeleton.mirror))
    return Tree(skeleton, levels, branch, first, np.minimum(branch, branch[list(skeleton.mirror)]), hops)


def _branches(skeleton: Skeleton) -> Int64[np.ndarray, " joint"]:
    """A child goes on with its parent's branch where it is the only one, or has the most below it of those that stand
    in the middle of the body."""
    parents, mirror = skeleton.parent_indices, skeleton.mirror
    below = np.ones(len(skeleton), dtype=np.int64)
    for joint in reversed(skeleton.topological[1:]):
        below[parents[joint]] += below[joint]
    branch = np.zeros(len(skeleton), dtype=np.int64)
    for joint in skeleton.topological[1:]:
        beside = [child for parent, child in skeleton.bones if parent == parents[joint]]
        middle = [child for child in beside if mirror[child] == child]
        goes_on = beside == [joint] or (joint in middle and joint == max(middle, key=lambda child: below[child]))
        branch[joint] = branch[parents[joint]] if goes_on else branch.max() + 1
    return branch
