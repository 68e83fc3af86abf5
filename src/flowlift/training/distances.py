"""How far poses are from the truth, as losses: the errors of `evaluation.metrics`, with a gradient everywhere."""

import torch
from jaxtyping import Float
from torch import Tensor

from flowlift.evaluation.metrics import Similarity

Poses = Float[Tensor, "*batch joint 3"]
Weights = Float[Tensor, "*#batch joint"]


def mean_distance(pred: Poses, truth: Poses, weights: Weights | None = None) -> Float[Tensor, "*batch"]:
    """MPJPE of each pose. Its gradient is 0, not undefined, where a joint lies exactly on the truth."""
    apart = torch.linalg.vector_norm(pred - truth, dim=-1)
    if weights is None:
        return apart.mean(dim=-1)
    return (apart * weights).sum(dim=-1) / weights.sum(dim=-1).clamp(min=1e-6)


def aligned_distance(pred: Poses, truth: Poses, weights: Weights | None = None) -> Float[Tensor, "*batch"]:
    """P-MPJPE of each pose, as if the similarity stayed what it is: no gradient goes through it."""
    with torch.no_grad():
        moved = _similarity(pred, truth, torch.ones_like(truth[..., 0]) if weights is None else weights)
    return mean_distance(moved(pred), truth, weights)


_SQUARINGS = 10
"""The largest eigenvalue is found among others that are smaller by a thousandth, and a GPU is never waited for, as the
decompositions of `evaluation.metrics.procrustes` do."""


def _similarity(pred: Poses, truth: Poses, weights: Weights) -> Similarity:
    """What brings poses closest to the truth: the rotation's quaternion is the first eigenvector of a symmetric matrix
    of what they have in common (Horn 1987, "Closed-form solution of absolute orientation using unit quaternions")."""
    share = (weights / weights.sum(dim=-1, keepdim=True).clamp(min=1e-6))[..., None]
    centre, target = ((share * xyz).sum(dim=-2, keepdim=True) for xyz in (pred, truth))
    given, known = pred - centre, truth - target
    common = (share * given).mT @ known
    size, largest = (share * given.square()).sum(dim=(-2, -1)), (share * known.square()).sum(dim=(-2, -1))
    rotation = _rotation(common, (size * largest).sqrt())
    scale = (rotation * common.mT).sum(dim=(-2, -1)) / size.clamp(min=1e-12)
    shift = target[..., 0, :] - scale[..., None] * (rotation @ centre.mT)[..., 0]
    return Similarity(rotation, scale, shift)


def _rotation(common: Float[Tensor, "*batch 3 3"], bound: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch 3 3"]:
    """`common` (i, k): sum of x_i y_k over points; the rotation that brings x closest to y. `bound`: no eigenvalue is
    larger."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = (row.unbind(-1) for row in common.unbind(-2))
    rows = (
        (xx + yy + zz, yz - zy, zx - xz, xy - yx),
        (yz - zy, xx - yy - zz, xy + yx, zx + xz),
        (zx - xz, xy + yx, yy - xx - zz, yz + zy),
        (xy - yx, zx + xz, yz + zy, zz - xx - yy),
    )
    power = torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
    power = power + (bound.clamp(min=1e-12)[..., None] * torch.ones_like(power[..., 0])).diag_embed()
    for _ in range(_SQUARINGS):
        power = power / power.diagonal(dim1=-2, dim2=-1).sum(dim=-1)[..., None, None]
        power = power @ power
    most = power.diagonal(dim1=-2, dim2=-1).argmax(dim=-1)[..., None, None].expand(*power.shape[:-1], 1)
    w, x, y, z = torch.nn.functional.normalize(power.gather(-1, most)[..., 0], dim=-1).unbind(-1)
    columns = (
        (w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z),
    )
    return torch.stack([torch.stack(row, dim=-1) for row in columns], dim=-2)
