"""Many hypotheses to one answer: mean, reprojection-weighted mean (RPEA), and the posterior's mean and covariance."""

from typing import Any

from array_api_compat import array_namespace

from flowlift.camera import solve_root
from flowlift.errors import InputError

Array = Any  # a NumPy array or a torch tensor; shapes stand in the docstrings


def reprojection_errors(hypotheses: Array, rays: Array, weights: Array) -> Array:
    """Distances (B, H, J) on the plane z = 1 between hypotheses (B, H, J, 3) and rays (B, J, 2).

    Each hypothesis stands at the root position that fits it best (`solve_root`, `weights` (B, J), 0 = missing): no
    ground truth enters. Missing joints have error 0.
    """
    xp = array_namespace(hypotheses, rays, weights)
    w, seen = weights[:, None, :], rays[:, None, :, :]
    root = solve_root(hypotheses, seen, w)
    points = hypotheses + root[..., None, :]
    depth = xp.clip(points[..., 2:], 1e-6, None)
    error = xp.linalg.vector_norm(points[..., :2] / depth - seen, axis=-1)
    return xp.where(w > 0, error, xp.zeros_like(error))


def rpea_weights(errors: Array, *, keep: int, temperature: float) -> Array:
    """Weights (B, H, ...) over hypotheses: the `keep` smallest errors (B, H, ...), softened, sum to 1 over H.

    exp(-min(e, 20 T) / T) for temperature T, as published; other hypotheses weigh nothing. Raises InputError.
    """
    if temperature <= 0 or keep < 1:
        raise InputError(f"RPEA needs a positive temperature and keep >= 1, got {temperature} and {keep}")
    xp = array_namespace(errors)
    keep = min(keep, errors.shape[1])
    rank = xp.argsort(xp.argsort(errors, axis=1, stable=True), axis=1, stable=True)
    # The common factor exp(min e / T) cancels; taking it out keeps small temperatures from underflowing.
    clipped = xp.clip(errors, None, 20 * temperature)
    least = xp.min(clipped, axis=1, keepdims=True)
    weights = xp.exp((least - clipped) / temperature)
    weights = xp.where(rank < keep, weights, xp.zeros_like(weights))
    return weights / xp.sum(weights, axis=1, keepdims=True)


def weighted_mean(hypotheses: Array, weights: Array) -> Array:
    """Mean (B, J, 3) of hypotheses (B, H, J, 3) by weights (B, H) or, joint by joint, (B, H, J); they sum to 1."""
    weights = weights if weights.ndim == 3 else weights[..., None]
    xp = array_namespace(hypotheses, weights)
    return xp.sum(hypotheses * weights[..., None], axis=1)


def rpea(hypotheses: Array, errors: Array, *, keep: int, temperature: float, per_joint: bool) -> Array:
    """Reprojection-weighted aggregation of hypotheses (B, H, J, 3) with errors (B, H, J) -> (B, J, 3).

    `per_joint`: each joint chooses for itself (as published); else a pose is chosen as a whole, by its mean error.
    FMPose3D, "Reprojection-based Posterior Expectation Aggregation".
    """
    xp = array_namespace(hypotheses, errors)
    judged = errors if per_joint else xp.mean(errors, axis=2)
    return weighted_mean(hypotheses, rpea_weights(judged, keep=keep, temperature=temperature))


def covariance(hypotheses: Array, centre: Array, *, prior: Array, prior_weight: float) -> Array:
    """Covariance (B, J, 3, 3) of hypotheses (B, H, J, 3) about `centre` (B, J, 3), shrunk towards a prior.

    `prior` (B, J): variance along each axis that is expected of a joint whatever the hypotheses say; it counts as
    `prior_weight` further hypotheses, so one hypothesis alone still has an uncertainty.
    """
    xp = array_namespace(hypotheses, centre, prior)
    count = hypotheses.shape[1]
    off = hypotheses - centre[:, None]
    spread = xp.sum(off[..., :, None] * off[..., None, :], axis=1)
    eye = xp.eye(3, dtype=prior.dtype)
    known = prior[..., None, None] * eye * prior_weight
    return (spread + known) / (count + prior_weight)
