"""The velocity network as published: graph convolution and self-attention side by side, joint by joint.

Humans: 17 joints, width 512, 5 blocks, 16.05 M parameters. Animals: 26 joints, 2D and x_t encoded apart. The names of
the parameters are those of the published checkpoints, which therefore load as they are.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import dropout, scaled_dot_product_attention

from flowlift.adjacency import PARTS

FREQUENCIES, TIME_WIDTH, TIME_HIDDEN = 16, 32, 64
NORM_EPSILON = 1e-6
Features = Float[Tensor, "batch joint channel"]


@dataclass(frozen=True)
class VelocityConfig:
    """Sizes and shape of the network; the same values stand beside the weights.

    `block`: how graph convolution and attention stand to each other ("gcn" and "attention": only one of them).
    `separate_encoders`: 2D and x_t have an encoder each (the animals' network). Rates are the published ones.
    """

    joints: int = 17
    width: int = 512
    blocks: int = 5
    heads: int = 8
    hidden: int = 1024
    block: Literal["parallel", "serial", "gcn", "attention"] = "parallel"
    separate_encoders: bool = False
    mlp_dropout: float = 0.1
    attention_dropout: float = 0.2
    projection_dropout: float = 0.25
    path_dropout: float = 0.2

    def as_dict(self) -> dict[str, int | float | str | bool]:
        return asdict(self)


class TimeEmbedding(nn.Module):
    """sin and cos of 2 pi t B with fixed Gaussian frequencies B, then a small MLP."""

    B: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("B", torch.randn(FREQUENCIES))
        self.proj = nn.Sequential(
            nn.Linear(2 * FREQUENCIES, TIME_HIDDEN), nn.GELU(), nn.Linear(TIME_HIDDEN, TIME_WIDTH)
        )

    def forward(self, t: Float[Tensor, " batch"]) -> Float[Tensor, "batch 32"]:
        turns = 2 * torch.pi * t[:, None] * self.B
        return self.proj(torch.cat([turns.sin(), turns.cos()], dim=-1))


class Mlp(nn.Module):
    """W2 GELU(W1 x), with dropout after both. The name of the second layer differs in the animals' last MLP."""

    def __init__(self, inputs: int, hidden: int, outputs: int, rate: float, *, second: str = "fc2") -> None:
        super().__init__()
        self.fc1 = nn.Linear(inputs, hidden)
        self.second, self.rate = second, rate
        self.add_module(second, nn.Linear(hidden, outputs))

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        x = dropout(nn.functional.gelu(self.fc1(x)), self.rate, self.training)
        return dropout(self.get_submodule(self.second)(x), self.rate, self.training)


class GraphConvolution(nn.Module):
    """A 1x1 convolution to one feature map for each part of the adjacency, gathered over neighbours and summed."""

    adj: Tensor

    def __init__(self, width: int, adjacency: Float[Tensor, "part joint joint"]) -> None:
        super().__init__()
        self.register_buffer("adj", adjacency.clone())
        self.conv1d = nn.Conv1d(width, width * len(adjacency), 1)

    def forward(self, x: Features) -> Features:
        parts = nn.functional.linear(x, self.conv1d.weight[..., 0], self.conv1d.bias)
        # As one product: joint w gathers (neighbour v, part k), which lie in memory in that order already.
        gather = self.adj.permute(2, 1, 0).flatten(1)
        return gather @ parts.reshape(x.shape[0], -1, x.shape[2])


class Attention(nn.Module):
    """Multi-head self-attention over the joints."""

    def __init__(self, width: int, heads: int, rate: float, projection_rate: float) -> None:
        super().__init__()
        self.heads, self.rate, self.projection_rate = heads, rate, projection_rate
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Features) -> Features:
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        rate = self.rate if self.training else 0.0
        mixed = scaled_dot_product_attention(q, k, v, dropout_p=rate).transpose(1, 2).flatten(-2)
        return dropout(self.proj(mixed), self.projection_rate, self.training)


class Block(nn.Module):
    """x + GCN(norm over joints) + attention(norm over channels), then x + MLP(norm)."""

    def __init__(self, config: VelocityConfig, adjacency: Float[Tensor, "part joint joint"], drop_path: float) -> None:
        super().__init__()
        width, self.kind, self.drop_path = config.width, config.block, drop_path
        if config.block != "attention":
            self.norm1 = nn.LayerNorm(config.joints, NORM_EPSILON)
            self.gcn1 = GraphConvolution(width, adjacency)
        if config.block != "gcn":
            self.norm_att1 = nn.LayerNorm(width, NORM_EPSILON)
            self.attn = Attention(width, config.heads, config.attention_dropout, config.projection_dropout)
        self.norm_mlp = nn.LayerNorm(width, NORM_EPSILON)
        self.mlp = Mlp(width, config.hidden, width, config.mlp_dropout)

    def forward(self, x: Features) -> Features:
        local = x + self._path(self._gcn(x)) if self.kind != "attention" else x
        if self.kind == "parallel":
            x = local + self._path(self.attn(self.norm_att1(x)))
        elif self.kind == "gcn":
            x = local
        else:
            x = local + self._path(self.attn(self.norm_att1(local)))
        return x + self._path(self.mlp(self.norm_mlp(x)))

    def _gcn(self, x: Features) -> Features:
        # Contiguous: a transposed input costs the convolution's product, the largest of a block, a third more time.
        return self.gcn1(self.norm1(x.transpose(1, 2)).transpose(1, 2).contiguous())

    def _path(self, x: Features) -> Features:
        """Stochastic depth: the whole branch is left out for some of the poses while training."""
        if not self.training or self.drop_path == 0:
            return x
        keep = 1 - self.drop_path
        return x * (torch.rand(len(x), 1, 1, device=x.device) < keep) / keep


class Trunk(nn.Module):
    """The blocks and the norm after them."""

    def __init__(self, config: VelocityConfig, adjacency: Float[Tensor, "part joint joint"]) -> None:
        super().__init__()
        last = max(1, config.blocks - 1)
        self.blocks = nn.Sequential(
            *(Block(config, adjacency, config.path_dropout * i / last) for i in range(config.blocks))
        )
        self.norm_mu = nn.LayerNorm(config.width, NORM_EPSILON)

    def forward(self, x: Features) -> Features:
        return self.norm_mu(self.blocks(x))


class VelocityNetwork(nn.Module):
    """v(2D, x_t, t): `net(pose_2d (B, J, 2), x_t (B, J, 3), t (B,)) -> (B, J, 3)`. FMPose3D, section 3."""

    A: Tensor

    def __init__(self, config: VelocityConfig, adjacency: Float[Tensor, "part joint joint"] | None = None) -> None:
        """`adjacency`: the stack that `flowlift.adjacency` makes; without one, to be filled by a checkpoint."""
        super().__init__()
        self.config = config
        joints, width = config.joints, config.width
        stack = torch.zeros(PARTS, joints, joints) if adjacency is None else adjacency.to(torch.float32)
        self.register_buffer("A", stack.clone())
        self.time_embed = TimeEmbedding()
        if config.separate_encoders:
            part = width // 2 - TIME_WIDTH // 2
            self.encoder_pose_2d = Mlp(2, width // 2, part, 0.0)
            self.encoder_y_t = Mlp(3, width // 2, part, 0.0)
        else:
            self.encoder = Mlp(2 + 3 + TIME_WIDTH, width // 2, width, 0.0)
        self.FMPose3D = Trunk(config, stack)
        self.pred_mu = Mlp(width, width // 2, 3, 0.0, second="fc5" if config.separate_encoders else "fc2")

    def forward(
        self, pose_2d: Float[Tensor, "batch joint 2"], x_t: Float[Tensor, "batch joint 3"], t: Float[Tensor, " batch"]
    ) -> Float[Tensor, "batch joint 3"]:
        """Velocity of x_t at times t, given 2D joints in screen coordinates."""
        return self.pred_mu(self.features(pose_2d, x_t, t))

    def features(
        self, pose_2d: Float[Tensor, "batch joint 2"], x_t: Float[Tensor, "batch joint 3"], t: Float[Tensor, " batch"]
    ) -> Features:
        """What the last MLP reads, one vector a joint."""
        time = self.time_embed(t)[:, None].expand(-1, pose_2d.shape[1], -1)
        if self.config.separate_encoders:
            x = torch.cat([self.encoder_pose_2d(pose_2d), self.encoder_y_t(x_t), time], dim=-1)
        else:
            x = self.encoder(torch.cat([pose_2d, x_t, time], dim=-1))
        return self.FMPose3D(x)


def load_published(path: str | Path) -> VelocityNetwork:
    """The network in a published checkpoint (.pth), ready to evaluate. Raises ModelError; see `published_state`."""
    from flowlift.published import config_of, published_state

    state = published_state(Path(path))
    network = VelocityNetwork(config_of(state, Path(path)))
    network.load_state_dict(state)
    return network.eval()
