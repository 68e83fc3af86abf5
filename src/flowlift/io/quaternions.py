"""Rotation matrices as quaternions, for formats that hold these."""

import numpy as np
from jaxtyping import Float64


def quaternions(turn: Float64[np.ndarray, "frame 3 3"]) -> Float64[np.ndarray, "frame 4"]:
    """Unit quaternions (x, y, z, w) of rotation matrices, each on the side of the one before it."""
    # The eigenvector of the greatest eigenvalue of this symmetric matrix is the quaternion, without any special case.
    m = turn.transpose(1, 2, 0)
    rows = [
        [m[0, 0] - m[1, 1] - m[2, 2], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[2, 1] - m[1, 2]],
        [m[0, 1] + m[1, 0], m[1, 1] - m[0, 0] - m[2, 2], m[1, 2] + m[2, 1], m[0, 2] - m[2, 0]],
        [m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], m[2, 2] - m[0, 0] - m[1, 1], m[1, 0] - m[0, 1]],
        [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], m[0, 0] + m[1, 1] + m[2, 2]],
    ]
    found: Float64[np.ndarray, "frame 4"] = np.linalg.eigh(np.array(rows).transpose(2, 0, 1))[1][:, :, -1]
    same_side = np.sign((found[1:] * found[:-1]).sum(axis=-1))
    signs = np.concatenate([np.where(found[:1, 3] < 0, -1.0, 1.0), np.where(same_side < 0, -1.0, 1.0)])
    return found * np.cumprod(signs)[:, None]
