"""A model that another one learns from: its answers to the same views and noise."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from flowlift.errors import InputError
from flowlift.models import find_model
from flowlift.models.weights import load_network
from flowlift.skeleton import Skeleton
from flowlift.training.config import MethodConfig, TrainingConfig
from flowlift.training.methods import draw_poses


@dataclass(frozen=True)
class Teacher:
    """A model's network, and how it is sampled."""

    network: nn.Module
    method: MethodConfig

    def poses(
        self, condition: Shaped[Tensor, "batch ..."], noise: Float[Tensor, "batch draw joint 3"]
    ) -> Float[Tensor, "batch draw joint 3"]:
        """What each noise becomes."""
        return draw_poses(self.network, self.method, condition, noise)


def open_teacher(config: TrainingConfig, skeleton: Skeleton, device: torch.device) -> Teacher | None:
    """The teacher of a run, None where it has none. Raises InputError where it does not fit, ModelError."""
    if not config.method.teacher:
        return None
    model = find_model(config.method.teacher)
    wanted, has = (
        (skeleton, skeleton.size_chain, config.data.conditioning, config.method.name),
        (model.skeleton, model.size or skeleton.size_chain, model.conditioning, model.method),
    )
    if has != wanted:
        raise InputError(f"method.teacher: {model.name}'s skeleton, size, conditioning or method is not this run's")
    return Teacher(load_network(model).to(device), MethodConfig(name="flow", steps=model.steps))
