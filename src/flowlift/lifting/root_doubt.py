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
    gram = np.stack([one, zero, -a, zero, one, -b, -a, -b, a * a + b * b], axis=-1).reshape(*a.shape, 3, 3)  # A_j^T A_j
    w = np.where(weights > 0, weights, 0.0).astype(np.float64)
    x, y, z = np.moveaxis(xyz + root[:, None], -1, 0)
    missed = (x - a * z) ** 2 + (y - b * z) ** 2
    told = np.einsum("bjik,bjik->bj", gram, cov.astype(np.float64))  # the trace of A_j cov A_j^T
    middle = np.einsum("bj,bjik->bik", w * w * np.maximum(told, missed) / 2, gram)
    inverse = _inverse(a, b, w)
    return inverse @ middle @ inverse


def _inverse(
    a: Float64[np.ndarray, "row joint"], b: Float64[np.ndarray, "row joint"], w: Float64[np.ndarray, "row joint"]
) -> Float64[np.ndarray, "row 3 3"]:
    """Of N: diag(1, 1, 0) / sum w + u u^T / d, u = (a, b, 1) the mean ray, d by how much the rays differ from it. The
    second part is 0 where they do not differ: then nothing tells the depth, and there is no root."""
    total = w.sum(axis=1)
    total = np.where(total > 0, total, 1.0)
    mean_a, mean_b = ((w * ray).sum(axis=1) / total for ray in (a, b))
    apart = (w * ((a - mean_a[:, None]) ** 2 + (b - mean_b[:, None]) ** 2)).sum(axis=1)
    known = apart > 1e-12 * total
    u = np.stack([mean_a, mean_b, np.ones_like(mean_a)], axis=-1) * known[:, None]
    inverse = u[:, :, None] * u[:, None] / np.where(known, apart, 1.0)[:, None, None]
    inverse[:, [0, 1], [0, 1]] += (1 / total)[:, None]
    return inverse
