"""Joint errors: MPJPE, N-MPJPE, P-MPJPE, PCK, AUC. Metres in, metres out; NumPy arrays and torch tensors alike.

Every function takes poses `pred` and `truth` (..., joint, 3) and optional `weights` (..., joint) >= 0, which broadcast.
A joint counts where its weight is above 0 and the truth is not NaN. A prediction that is NaN where the truth is known
makes its pose NaN: what is not predicted is never left out in silence.
"""

from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

from flowlift.errors import InputError

Array = Any  # a NumPy array or a torch tensor; shapes stand in the docstrings


@dataclass(frozen=True)
class Similarity:
    """x -> scale * rotation @ x + shift: `rotation` (..., 3, 3) proper, `scale` (...), `shift` (..., 3)."""

    rotation: Array
    scale: Array
    shift: Array

    def __call__(self, xyz: Array) -> Array:
        """Points (..., joint, 3), moved."""
        xp = array_namespace(xyz, self.rotation)
        turned = xp.matmul(xyz, xp.matrix_transpose(self.rotation))
        return self.scale[..., None, None] * turned + self.shift[..., None, :]


def mpjpe_per_pose(pred: Array, truth: Array, *, weights: Array | None = None) -> Array:
    """Mean distance between joints (...), m. Both poses must stand in one frame, relative to the same root."""
    counted = _weights(pred, truth, weights)
    return _mean_distance(pred, truth, counted)


def n_mpjpe_per_pose(pred: Array, truth: Array, *, weights: Array | None = None) -> Array:
    """MPJPE (...) after the one scale per pose that fits best (least squares about the origin), m."""
    xp = array_namespace(pred, truth)
    counted = _weights(pred, truth, weights)
    given, known = _where_counted(pred, counted), _where_counted(truth, counted)
    power = xp.sum(counted[..., None] * given**2, axis=(-2, -1))
    scale = xp.sum(counted[..., None] * given * known, axis=(-2, -1)) / _or_one(power)
    return _mean_distance(scale[..., None, None] * pred, truth, counted)


def p_mpjpe_per_pose(pred: Array, truth: Array, *, weights: Array | None = None) -> Array:
    """MPJPE (...) after the best rotation, scale and shift per pose (never a reflection), m."""
    counted = _weights(pred, truth, weights)
    return _mean_distance(procrustes(pred, truth, weights=weights)(pred), truth, counted)


def mpjpe(pred: Array, truth: Array, *, weights: Array | None = None) -> Array:
    """Mean of `mpjpe_per_pose` over poses, m."""
    return _mean(mpjpe_per_pose(pred, truth, weights=weights))


def n_mpjpe(pred: Array, truth: Array, *, weights: Array | None = None) -> Array:
    """Mean of `n_mpjpe_per_pose` over poses, m."""
    return _mean(n_mpjpe_per_pose(pred, truth, weights=weights))


def p_mpjpe(pred: Array, truth: Array, *, weights: Array | None = None) -> Array:
    """Mean of `p_mpjpe_per_pose` over poses, m."""
    return _mean(p_mpjpe_per_pose(pred, truth, weights=weights))


def procrustes(pred: Array, truth: Array, *, weights: Array | None = None) -> Similarity:
    """The similarity that brings `pred` closest to `truth` (weighted least squares), per pose.

    Collinear or coinciding joints leave the rotation open: any best one is returned. A NaN in a counted prediction
    gives NaN throughout that pose.
    """
    xp = array_namespace(pred, truth)
    w = _weights(pred, truth, weights)[..., None]
    given, known = _where_counted(pred, w[..., 0]), _where_counted(truth, w[..., 0])
    total = xp.sum(w, axis=-2, keepdims=True)
    centre, target = (
        xp.sum(w * given, axis=-2, keepdims=True) / total,
        xp.sum(w * known, axis=-2, keepdims=True) / total,
    )
    a, b = given - centre, known - target
    cross = xp.matmul(xp.matrix_transpose(w * b), a)
    broken = xp.isnan(xp.sum(cross, axis=(-2, -1)))
    u, s, vh = xp.linalg.svd(xp.where(broken[..., None, None], xp.zeros_like(cross), cross), full_matrices=False)
    one = xp.ones_like(s[..., 0])
    signs = xp.stack([one, one, xp.where(xp.linalg.det(xp.matmul(u, vh)) < 0, -one, one)], axis=-1)
    rotation = xp.matmul(u * signs[..., None, :], vh)
    power = xp.sum(w * a**2, axis=(-2, -1))
    scale = xp.sum(s * signs, axis=-1) / _or_one(power)
    scale = xp.where(broken, xp.full_like(scale, float("nan")), scale)
    shift = target[..., 0, :] - scale[..., None] * xp.matmul(rotation, xp.matrix_transpose(centre))[..., 0]
    return Similarity(rotation, scale, shift)


def pck(pred: Array, truth: Array, *, threshold: float = 0.15, weights: Array | None = None) -> Array:
    """Share of joints (...) closer than `threshold` m to the truth."""
    xp = array_namespace(pred, truth)
    counted = _weights(pred, truth, weights)
    distance = _distances(pred, truth, counted)
    near = xp.where(distance < threshold, xp.ones_like(distance), xp.zeros_like(distance))
    near = xp.where(xp.isnan(distance), distance, near)
    return xp.sum(counted * near, axis=-1) / xp.sum(counted, axis=-1)


def auc(pred: Array, truth: Array, *, limit: float = 0.15, count: int = 31, weights: Array | None = None) -> Array:
    """Mean PCK (...) over `count` thresholds from 0 to `limit` m (MPI-INF-3DHP: 31 from 0 to 150 mm)."""
    if count < 2:
        raise InputError(f"AUC needs at least 2 thresholds, got {count}")
    thresholds = [limit * i / (count - 1) for i in range(count)]
    return sum(pck(pred, truth, threshold=threshold, weights=weights) for threshold in thresholds) / count


def _or_one(divisor: Array) -> Array:
    """A pose shrunk to one point has no scale: whatever is divided by it is 0 as well."""
    xp = array_namespace(divisor)
    return xp.where(divisor == 0, xp.ones_like(divisor), divisor)


def _weights(pred: Array, truth: Array, weights: Array | None) -> Array:
    """Weights (..., joint), 0 where the truth is unknown."""
    if pred.shape[-1] != 3 or truth.shape[-1] != 3 or pred.shape[-2] != truth.shape[-2]:
        raise InputError(
            f"poses must have shape (..., joint, 3) with equal joints, got {tuple(pred.shape)} and {tuple(truth.shape)}"
        )
    xp = array_namespace(pred, truth)
    given = xp.ones_like(truth[..., 0]) if weights is None else weights * xp.ones_like(truth[..., 0])
    return xp.where(xp.any(xp.isnan(truth), axis=-1), xp.zeros_like(given), given)


def _where_counted(xyz: Array, counted: Array) -> Array:
    xp = array_namespace(xyz, counted)
    return xp.where(counted[..., None] > 0, xyz, xp.zeros_like(xyz))


def _distances(pred: Array, truth: Array, counted: Array) -> Array:
    xp = array_namespace(pred, truth)
    apart = pred - truth
    distance = xp.sqrt(xp.sum(apart**2, axis=-1))
    return xp.where(counted > 0, distance, xp.zeros_like(distance))


def _mean_distance(pred: Array, truth: Array, counted: Array) -> Array:
    xp = array_namespace(pred, truth)
    return xp.sum(counted * _distances(pred, truth, counted), axis=-1) / xp.sum(counted, axis=-1)


def _mean(per_pose: Array) -> Array:
    return array_namespace(per_pose).mean(per_pose)
