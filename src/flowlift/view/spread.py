"""Covariances as what is drawn: their square roots, ellipses in a plane, one figure a frame."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64


@dataclass(frozen=True)
class Ellipses:
    """One-standard-deviation ellipses: `axes` (..., 2, 2) holds the half-axes as columns, the longer one last."""

    axes: Float64[np.ndarray, "*batch 2 2"]


def cholesky(cov: Float[np.ndarray, "*batch 3 3"]) -> Float64[np.ndarray, "*batch 6"]:
    """The lower factor L (l11 l21 l22 l31 l32 l33) with L Lᵀ = cov; singular matrices too; NaN stays NaN."""
    c = np.asarray(cov, dtype=np.float64)

    def over(value: Float64[np.ndarray, "*batch"], pivot: Float64[np.ndarray, "*batch"]) -> np.ndarray:
        return np.divide(value, pivot, out=np.zeros_like(value) + 0 * pivot, where=pivot > 0)

    l11 = np.sqrt(np.maximum(c[..., 0, 0], 0))
    l21, l31 = over(c[..., 1, 0], l11), over(c[..., 2, 0], l11)
    l22 = np.sqrt(np.maximum(c[..., 1, 1] - l21 * l21, 0))
    l32 = over(c[..., 2, 1] - l31 * l21, l22)
    l33 = np.sqrt(np.maximum(c[..., 2, 2] - l31 * l31 - l32 * l32, 0))
    return np.stack([l11, l21, l22, l31, l32, l33], axis=-1)


def ellipses(cov: Float[np.ndarray, "*#batch 3 3"], onto: Float[np.ndarray, "*#batch 2 3"]) -> Ellipses:
    """The ellipses of covariances seen through linear maps `onto` a plane (a rotation's rows, or a Jacobian)."""
    seen = onto @ np.asarray(cov, dtype=np.float64) @ np.swapaxes(onto, -1, -2)
    finite = np.isfinite(seen).all(axis=(-2, -1), keepdims=True)
    values, vectors = np.linalg.eigh(np.where(finite, seen, 0.0))
    axes = vectors * np.sqrt(np.maximum(values, 0))[..., None, :]
    return Ellipses(np.where(finite, axes, np.nan))


def joint_deviation(
    xyz: Float[np.ndarray, "*batch 3"], cov: Float[np.ndarray, "*batch 3 3"]
) -> Float64[np.ndarray, "*batch"]:
    """One standard deviation per joint, metres: the root mean square over the three axes; NaN where unknown."""
    variance = np.trace(cov.astype(np.float64), axis1=-2, axis2=-1) / 3
    missing = np.isnan(xyz).any(axis=-1)
    return np.where(missing, np.nan, np.sqrt(np.maximum(variance, 0)))


def mean_over(values: Float64[np.ndarray, "*batch n"]) -> Float64[np.ndarray, "*batch"]:
    """The mean of what is not NaN along the last axis, NaN where nothing is; without a warning."""
    there = ~np.isnan(values)
    count = there.sum(axis=-1)
    total = np.where(there, values, 0.0).sum(axis=-1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))
