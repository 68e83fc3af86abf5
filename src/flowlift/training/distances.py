"""How far poses are from the truth, as losses: the errors of `evaluation.metrics`, with a gradient everywhere."""

import torch
from jaxtyping import Float
from torch import Tensor

from flowlift.evaluation.metrics import procrustes

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
        moved = procrustes(pred, truth, weights=weights)
    return mean_distance(moved(pred), truth, weights)
