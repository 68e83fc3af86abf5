"""SimpleBaseline's residual MLP (Martinez et al., 2017) over the whole pose, with the velocity network's interface."""

from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from flowlift.network import TIME_WIDTH, TimeEmbedding


@dataclass(frozen=True)
class SimpleConfig:
    """Sizes of the residual MLP, as published: width 1024, 2 blocks, dropout 0.5."""

    joints: int = 17
    width: int = 1024
    blocks: int = 2
    dropout: float = 0.5

    def as_dict(self) -> dict[str, int | float]:
        return asdict(self)


class SimpleNetwork(nn.Module):
    """`net(pose_2d (B, J, 2), x_t (B, J, 3), t (B,)) -> (B, J, 3)`; blocks of two linear layers with batch norm."""

    def __init__(self, config: SimpleConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width

        def layer(inputs: int) -> nn.Sequential:
            return nn.Sequential(nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(config.dropout))

        self.time_embed = TimeEmbedding()
        self.first = layer(5 * config.joints + TIME_WIDTH)
        self.blocks = nn.ModuleList(nn.Sequential(layer(width), layer(width)) for _ in range(config.blocks))
        self.last = nn.Linear(width, 3 * config.joints)

    def forward(
        self, pose_2d: Float[Tensor, "batch joint 2"], x_t: Float[Tensor, "batch joint 3"], t: Float[Tensor, " batch"]
    ) -> Float[Tensor, "batch joint 3"]:
        """As the velocity network."""
        x = self.first(torch.cat([pose_2d.flatten(1), x_t.flatten(1), self.time_embed(t)], dim=-1))
        for block in self.blocks:
            x = x + block(x)
        return self.last(x).unflatten(-1, x_t.shape[1:])
