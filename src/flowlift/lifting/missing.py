"""Joints that nobody saw, for networks that must be told of every joint."""

import numpy as np
from jaxtyping import Bool, Float, Float32

from flowlift.skeleton import Skeleton


def filled(
    xy: Float32[np.ndarray, "row joint 2"], visible: Bool[np.ndarray, "row joint"], skeleton: Skeleton
) -> Float32[np.ndarray, "row joint 2"]:
    """Points with every missing joint at the mean of its neighbours on the skeleton, missing ones among them.

    So a joint between two visible ones stands half-way, and the end of a limb on the last joint that was seen. Visible
    joints stay as they are. Each row needs one visible joint.
    """
    result = np.where(visible[..., None], xy, np.float32(0))
    for pattern in np.unique(visible[~visible.all(axis=1)], axis=0):
        rows = (visible == pattern).all(axis=1)
        made = _weights(pattern, skeleton) @ result[rows][:, pattern].astype(np.float64)
        result[np.ix_(rows, ~pattern)] = made
    return result


def _weights(visible: Bool[np.ndarray, " joint"], skeleton: Skeleton) -> Float[np.ndarray, "missing seen"]:
    """Each missing joint as a mean of visible ones: the Laplacian of the bones is zero at every missing joint."""
    links = np.zeros((len(skeleton), len(skeleton)))
    for a, b in skeleton.bones:
        links[a, b] = links[b, a] = 1
    laplacian = np.diag(links.sum(axis=1)) - links
    return np.linalg.solve(laplacian[np.ix_(~visible, ~visible)], links[np.ix_(~visible, visible)])
