"""The optimizers of a run, and how fast they learn at each step."""

import math
from typing import Any

import torch
from torch import nn

from flowlift.errors import InputError
from flowlift.lift_network import ResidualBlock
from flowlift.training.config import OptimizerConfig


def learning_rate(config: OptimizerConfig, *, step: int, steps_per_epoch: int, steps: int) -> float:
    """The learning rate of one step (counted from 0): see `OptimizerConfig`."""
    if config.schedule == "epochs":
        done = step // steps_per_epoch
        large = done // config.period
        return config.learning_rate * config.per_epoch ** (done - large) * config.per_period**large
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    share = min(1.0, (step - config.warmup) / max(1, steps - config.warmup))
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def make_optimizers(config: OptimizerConfig, module: nn.Module) -> tuple[torch.optim.Optimizer, ...]:
    """Adam with amsgrad, as published; AdamW; or Muon (Jordan et al. 2024) for the matrices of residual blocks, its
    steps as large as AdamW's, and AdamW for everything else.

    Raises InputError where a network has no such block, or PyTorch no Muon.
    """
    if config.name == "adam":
        return (_adam(torch.optim.Adam, config, list(module.parameters()), amsgrad=True),)
    if config.name == "adamw":
        return (_adam(torch.optim.AdamW, config, list(module.parameters()), fused=True),)
    blocks = [block for block in module.modules() if isinstance(block, ResidualBlock)]
    matrices = [weight for block in blocks for weight in block.parameters() if weight.ndim == 2]
    if not matrices:
        raise InputError('optimizer.name "muon" is for networks of residual blocks: kind "two-part"')
    if not hasattr(torch.optim, "Muon"):
        raise InputError(f'optimizer.name "muon" needs PyTorch 2.9, this is {torch.__version__}; or choose "adamw"')
    chosen = {id(weight) for weight in matrices}
    others = [weight for weight in module.parameters() if id(weight) not in chosen]
    muon = torch.optim.Muon(
        matrices, lr=config.learning_rate, weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw"
    )
    return muon, _adam(torch.optim.AdamW, config, others, fused=True)


def _adam(kind: Any, config: OptimizerConfig, weights: list[nn.Parameter], **settings: bool) -> torch.optim.Optimizer:
    return kind(weights, lr=config.learning_rate, weight_decay=config.weight_decay, betas=config.betas, **settings)
