"""How fast the published way is on this machine: its architecture in PyTorch, one pose after the other.

Random weights (speed does not depend on them), one hypothesis, three Euler steps. Prints poses per second.

    python benchmarks/published_loop.py
"""

import time

import torch
from torch import Tensor, nn

JOINTS, WIDTH, BLOCKS, HEADS, STEPS = 17, 512, 5, 8, 3


class Block(nn.Module):
    """Graph convolution and self-attention side by side, then a feed-forward layer; all on the residual."""

    def __init__(self) -> None:
        super().__init__()
        self.over_joints, self.over_channels, self.before_mlp = (nn.LayerNorm(n) for n in (JOINTS, WIDTH, WIDTH))
        self.spread = nn.Linear(WIDTH, 4 * WIDTH)  # a 1x1 convolution
        self.adjacency = nn.Parameter(torch.rand(4, JOINTS, JOINTS) / JOINTS)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 1024), nn.GELU(), nn.Linear(1024, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._graph(x) + self._attention(self.over_channels(x))
        return x + self.mlp(self.before_mlp(x))

    def _graph(self, x: Tensor) -> Tensor:
        spread = self.spread(self.over_joints(x.transpose(1, 2)).transpose(1, 2))
        return torch.einsum("bjkc,kji->bic", spread.view(len(x), JOINTS, 4, WIDTH), self.adjacency)

    def _attention(self, x: Tensor) -> Tensor:
        split = self.qkv(x).view(len(x), JOINTS, 3, HEADS, WIDTH // HEADS)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        return self.out(mixed.transpose(1, 2).reshape(len(x), JOINTS, WIDTH))


class Velocity(nn.Module):
    """The published network: v(2D, x_t, t)."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.randn(16))
        self.time = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32))
        self.enter = nn.Sequential(nn.Linear(2 + 3 + 32, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.leave = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, 3))

    def forward(self, seen: Tensor, x: Tensor, t: Tensor) -> Tensor:
        angle = 2 * torch.pi * t[:, None] * self.frequencies
        when = self.time(torch.cat([angle.sin(), angle.cos()], dim=-1))
        return self.leave(self.blocks(self.enter(torch.cat([seen, x, when[:, None].expand(-1, JOINTS, -1)], dim=-1))))


@torch.inference_mode()
def lift_one(network: Velocity, seen: Tensor) -> Tensor:
    x = torch.randn(1, JOINTS, 3)
    for step in range(STEPS):
        x = x + network(seen, x, torch.tensor([step / STEPS])) / STEPS
    return x


def main() -> None:
    network = Velocity().eval()
    seen = torch.randn(1, JOINTS, 2)
    for _ in range(10):
        lift_one(network, seen)
    count, start = 150, time.perf_counter()
    for _ in range(count):
        lift_one(network, seen)
    millions = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    print(f"{count / (time.perf_counter() - start):.0f} poses/s, {millions:.1f} million parameters")


if __name__ == "__main__":
    main()
