"""How virtual detectors err, and what they say of it."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from flowlift.training.draw import Draw

TELLING = 0.02
"""Of the body: the error at which an honest detector's confidence has fallen to 1/e."""


@runtime_checkable
class DetectorVariation(Protocol):
    """`noise`: largest error of a whole body's joints, as a fraction of the body; `noiseless`, `outlier`: shares of
    bodies and of joints; `honest_confidence`: share of detectors whose confidence tells of their noise."""

    @property
    def noise(self) -> float: ...
    @property
    def noiseless(self) -> float: ...
    @property
    def outlier(self) -> float: ...
    @property
    def honest_confidence(self) -> float: ...


def draw_noise(count: int, joints: int, variation: DetectorVariation, draw: Draw) -> Float[Tensor, "b joint"]:
    """Standard deviation of each joint's error, as a fraction of the body: none, some, and a few outliers."""
    sd = variation.noise * draw.uniform(count, 1) ** 2 * (draw.uniform(count, 1) > variation.noiseless)
    sd = sd * (0.5 + draw.uniform(count, joints))
    outlier = (draw.uniform(count, joints) < variation.outlier) & (draw.uniform(count, 1) < 0.5)
    return torch.where(outlier, torch.full_like(sd, 4 * variation.noise), sd)


def draw_confidence(
    noise_sd: Float[Tensor, "b joint"], variation: DetectorVariation, draw: Draw
) -> Float[Tensor, "b joint"]:
    """Confidence that tells about the noise, or says nothing: the same for all joints, often 1."""
    count, joints = noise_sd.shape
    honest = (-(noise_sd / TELLING)).exp().clamp(0.05, 1.0) * (1 - 0.2 * draw.uniform(count, joints))
    flat = torch.where(draw.uniform(count, 1) < 0.5, 1.0, 0.3 + 0.7 * draw.uniform(count, 1)).expand_as(honest)
    return torch.where(draw.uniform(count, 1) < variation.honest_confidence, honest, flat)
