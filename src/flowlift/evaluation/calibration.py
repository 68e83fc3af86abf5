"""Does the stated uncertainty hold? Coverage of the covariances, energy score, errors over the hypotheses."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from jaxtyping import Bool, Float

from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.evaluation.metrics import mpjpe_per_pose

Array = Any  # a NumPy array or a torch tensor; shapes stand in the docstrings

_FLOOR = 1e-10
"""m^2 added to every variance, so that a joint without any stated uncertainty (0.01 mm) still has a region."""


@dataclass(frozen=True, eq=False)
class HypothesisErrors:
    """Errors (...) over the hypotheses of each pose, m. The minimum rewards spread: read it beside the coverage."""

    minimum: Array
    mean: Array
    median: Array


def over_hypotheses(
    hypotheses: Array, truth: Array, *, metric: Callable[[Array, Array], Array] = mpjpe_per_pose
) -> HypothesisErrors:
    """A metric's minimum, mean and median over hypotheses (..., hypothesis, joint, 3) of truth (..., joint, 3)."""
    xp = array_namespace(hypotheses, truth)
    errors = xp.sort(metric(hypotheses, truth[..., None, :, :]), axis=-1)
    count = errors.shape[-1]
    median = (errors[..., (count - 1) // 2] + errors[..., count // 2]) / 2
    return HypothesisErrors(errors[..., 0], xp.mean(errors, axis=-1), median)


def energy_score(hypotheses: Array, truth: Array) -> Array:
    """Energy score (..., joint), m: E|X - y| - E|X - X'| / 2, over hypotheses (..., hypothesis, joint, 3), N >= 2.

    The second mean runs over distinct pairs, which makes the score of N samples an unbiased estimate of the
    distribution's own. Lower is better; the true distribution has the lowest.
    """
    xp = array_namespace(hypotheses, truth)
    count = hypotheses.shape[-3]
    if count < 2:
        raise InputError(f"the energy score needs at least 2 hypotheses, got {count}")
    to_truth = xp.mean(_norm(xp, hypotheses - truth[..., None, :, :]), axis=-2)
    # One hypothesis against the rest at a time: N times less memory than all pairs at once.
    among = sum(xp.sum(_norm(xp, hypotheses - hypotheses[..., i : i + 1, :, :]), axis=-2) for i in range(count))
    return to_truth - among / (count * (count - 1)) / 2


def _norm(xp: Any, vectors: Array) -> Array:
    return xp.sqrt(xp.sum(vectors**2, axis=-1))


def chi_square_3(level: float) -> float:
    """The value that a chi-square variable with 3 degrees of freedom stays below with probability `level`.

    >>> round(chi_square_3(0.9), 4)
    6.2514
    """
    if not 0 < level < 1:
        raise InputError(f"a level must lie between 0 and 1, got {level}")
    low, high = 0.0, 100.0
    for _ in range(100):
        middle = (low + high) / 2
        below = math.erf(math.sqrt(middle / 2)) - math.sqrt(2 * middle / math.pi) * math.exp(-middle / 2)
        low, high = (middle, high) if below < level else (low, middle)
    return (low + high) / 2


def inside(
    xyz: Float[np.ndarray, "*batch 3"],
    cov: Float[np.ndarray, "*batch 3 3"],
    truth: Float[np.ndarray, "*batch 3"],
    *,
    level: float = 0.9,
) -> Bool[np.ndarray, " *batch"]:
    """Whether the truth lies in the Gaussian region that should hold it with probability `level`."""
    error = (truth - xyz).astype(np.float64)
    whole = cov.astype(np.float64) + _FLOOR * np.eye(3)
    distance = np.einsum("...i,...i->...", error, np.linalg.solve(whole, error[..., None])[..., 0])
    return distance <= chi_square_3(level)


def coverage(poses: Poses3D, truth: Float[np.ndarray, "frame person joint 3"], *, level: float = 0.9) -> float:
    """Share of joints whose true position (m, root-relative, camera frame) lies in the `level` region of `poses`.

    Well calibrated: equal to `level`. The root (0 by definition) and joints whose truth or pose is NaN do not count.
    Raises InputError when none is left.
    """
    joints = [i for i in range(len(poses.skeleton)) if i != poses.skeleton.root]
    xyz, cov, true = poses.xyz[:, :, joints], poses.cov[:, :, joints], truth[:, :, joints]
    counted = np.isfinite(xyz).all(axis=-1) & np.isfinite(true).all(axis=-1) & np.isfinite(cov).all(axis=(-2, -1))
    if not counted.any():
        raise InputError("coverage: no joint has a pose, a covariance and a true position")
    return float(inside(xyz[counted], cov[counted], true[counted], level=level).mean())
