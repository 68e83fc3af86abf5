"""The velocity network for canonical conditioning, in two parts: what was seen is encoded once, hypotheses are cheap.

`encode` turns the 2D features of a person into a context, once; the head evaluates the velocity for every hypothesis
and step from that context. The head predicts the pose x_1 and converts it to the velocity (x_1 - x_t) / (1 - t).
"""

from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

LATEST = 1 - 1e-2
"""Largest t at which the velocity is evaluated: the conversion from x_1 divides by 1 - t."""


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the network; the same values stand beside the weights."""

    joints: int = 17
    encoder_width: int = 768
    encoder_blocks: int = 2
    head_width: int = 512
    head_blocks: int = 2
    time_frequencies: int = 16
    dropout: float = 0.0

    def as_dict(self) -> dict[str, int | float]:
        return asdict(self)


class ResidualBlock(nn.Module):
    """x + W2 GELU(W1 norm(x))."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        last = nn.Linear(width, width)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.inner = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), last)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        return x + self.inner(x)


class LiftNetwork(nn.Module):
    """Velocity v(x_t, t, context) of a pose of J joints; called with a context from `encode`."""

    frequencies: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        inputs, pose = 4 * config.joints + 1, 3 * config.joints
        width, head = config.encoder_width, config.head_width
        self.encoder = nn.Sequential(
            nn.Linear(inputs, width), *(ResidualBlock(width, config.dropout) for _ in range(config.encoder_blocks))
        )
        self.context = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, head))
        self.register_buffer("frequencies", torch.randn(config.time_frequencies))
        self.time = nn.Sequential(nn.Linear(2 * config.time_frequencies, 64), nn.GELU(), nn.Linear(64, head))
        self.state = nn.Linear(pose, head)
        self.head = nn.Sequential(*(ResidualBlock(head, config.dropout) for _ in range(config.head_blocks)))
        self.out = nn.Sequential(nn.LayerNorm(head), nn.GELU(), nn.Linear(head, pose))

    def encode(self, features: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch head"]:
        """Context of one view: once per person and frame."""
        return self.context(self.encoder(features))

    def predict(
        self, context: Float[Tensor, "*#batch head"], x_t: Float[Tensor, "*#batch joint 3"], t: Float[Tensor, "*#batch"]
    ) -> Float[Tensor, "*batch joint 3"]:
        """The pose x_1 that is expected from x_t at t."""
        turns = 2 * torch.pi * t[..., None] * self.frequencies
        time = self.time(torch.cat([turns.sin(), turns.cos()], dim=-1))
        hidden = self.head(context + time + self.state(x_t.flatten(-2)))
        return self.out(hidden).unflatten(-1, x_t.shape[-2:])

    def forward(
        self, context: Float[Tensor, "*#batch head"], x_t: Float[Tensor, "*#batch joint 3"], t: Float[Tensor, "*#batch"]
    ) -> Float[Tensor, "*batch joint 3"]:
        """Velocity at x_t: (x_1 - x_t) / (1 - t)."""
        left = (1 - t.clamp(max=LATEST))[..., None, None]
        return (self.predict(context, x_t, t) - x_t) / left
