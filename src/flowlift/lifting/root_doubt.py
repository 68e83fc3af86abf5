"""How sure the place of a root is that was solved from 2D: what moves it when joints or rays are wrong."""

import numpy as np
from jaxtyping import Float, Float64


def root_covariance(
    xyz: Float[np.ndarray, "row joint 3"],
    cov: Float[np.ndarray, "row joint 3 3"],
    root: Float[np.ndarray, "row 3"],
    rays: Float[np.ndarray, "row joint 2"],
    weights: Float[np.ndarray, "row joint"],
) -> Float64[np.ndarray, "row 3 3"]:
    """Covariance (m^2, camera frame) of the roots that `camera.solve_root` finds for poses (m) seen along rays.

    The root minimises sum_j w_j |A_j (x_j + T)|^2 with A_j = [1 0 -a_j; 0 1 -b_j], so errors of x_j move it by
    -N^-1 A_j^T A_j w_j, N = sum_j w_j A_j^T A_j (the sandwich rule). A joint's error is what its covariance says, or
    what it misses its ray by, if that is more. The person's size is not in it.
    """
    a, b = rays[..., 0].astype(np.float64), rays[..., 1].astype(np.float64)
    one, zero = np.ones_like(a), np.zeros_like(a)
    rows = np.stack([np.stack([one, zero, -a], -1), np.stack([zero, one, -b], -1)], axis=-2)
    w = np.where(weights > 0, weights, 0.0).astype(np.float64)[..., None, None]
    normal = (w * np.swapaxes(rows, -1, -2) @ rows).sum(axis=1)
    missed = rows @ (xyz + root[:, None])[..., None]
    told = rows @ cov.astype(np.float64) @ np.swapaxes(rows, -1, -2)
    spread = np.maximum(np.trace(told, axis1=-2, axis2=-1), (missed**2).sum(axis=(-2, -1)))[..., None, None] / 2
    middle = (w**2 * spread * (np.swapaxes(rows, -1, -2) @ rows)).sum(axis=1)
    inverse = np.linalg.pinv(normal, hermitian=True)
    return inverse @ middle @ inverse
