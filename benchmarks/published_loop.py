"""The published way to sample, straightforwardly in PyTorch: a frame at a time, in both of its forms.

Its network as its parameters say (a 1x1 convolution, an einsum over the parts of the graph, attention side by side),
random weights (speed does not depend on them), Euler steps; torch takes all cores. `one_by_one` evaluates a frame's
hypotheses one after another, `together` as one batch. Prints hypotheses per second.

    python benchmarks/published_loop.py [--device cuda] [--seconds 5]
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

JOINTS, WIDTH, BLOCKS, HEADS = 17, 512, 5, 8


class Block(nn.Module):
    """Graph convolution and self-attention side by side, then a feed-forward layer; all on the residual."""

    def __init__(self) -> None:
        super().__init__()
        self.over_joints, self.over_channels, self.before_mlp = (nn.LayerNorm(n) for n in (JOINTS, WIDTH, WIDTH))
        self.spread = nn.Conv1d(WIDTH, 4 * WIDTH, 1)
        self.adjacency = nn.Parameter(torch.rand(4, JOINTS, JOINTS) / JOINTS)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 1024), nn.GELU(), nn.Linear(1024, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._graph(x) + self._attention(self.over_channels(x))
        return x + self.mlp(self.before_mlp(x))

    def _graph(self, x: Tensor) -> Tensor:
        spread = self.spread(self.over_joints(x.transpose(1, 2))).view(len(x), 4, WIDTH, JOINTS)
        return torch.einsum("bkcv,kvw->bcw", spread, self.adjacency).transpose(1, 2)

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
        self.enter = nn.Sequential(nn.Linear(2 + 3 + 32, 256), nn.GELU(), nn.Linear(256, WIDTH))
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.leave = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 256), nn.GELU(), nn.Linear(256, 3))

    def forward(self, seen: Tensor, x: Tensor, t: Tensor) -> Tensor:
        angle = 2 * torch.pi * t[:, None] * self.frequencies
        when = self.time(torch.cat([angle.sin(), angle.cos()], dim=-1))
        return self.leave(self.blocks(self.enter(torch.cat([seen, x, when[:, None].expand(-1, JOINTS, -1)], dim=-1))))


def follow(network: Velocity, seen: Tensor, steps: int) -> Tensor:
    """Euler's steps from noise to poses (batch, joint, 3), each evaluated with its 2D (batch, joint, 2)."""
    x = torch.randn(len(seen), JOINTS, 3, device=seen.device)
    for step in range(steps):
        x = x + network(seen, x, torch.full((len(seen),), step / steps, device=seen.device)) / steps
    return x


def one_by_one(network: Velocity, seen: Tensor, hypotheses: int, steps: int) -> Tensor:
    """A frame's hypotheses (hypothesis, joint, 3) from its 2D (joint, 2), one after another."""
    return torch.cat([follow(network, seen[None], steps) for _ in range(hypotheses)])


def together(network: Velocity, seen: Tensor, hypotheses: int, steps: int) -> Tensor:
    """The same in one batch."""
    return follow(network, seen.expand(hypotheses, -1, -1), steps)


FORMS = {"one by one": one_by_one, "in one batch": together}


@torch.inference_mode()
def hypotheses_per_second(
    form: Callable[[Velocity, Tensor, int, int], Tensor],
    *,
    hypotheses: int,
    steps: int,
    seconds: float,
    device: str = "cpu",
) -> float:
    """Frame after frame for some seconds; a frame's poses are waited for before the next."""
    network = Velocity().eval().to(device)
    frames = torch.randn(64, JOINTS, 2, device=device)
    for _ in range(2):
        form(network, frames[0], hypotheses, steps).cpu()
    done, start = 0, time.perf_counter()
    while time.perf_counter() < start + seconds:
        form(network, frames[done % len(frames)], hypotheses, steps).cpu()
        done += 1
    return done * hypotheses / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each form and number of hypotheses")
    options = parser.parse_args()
    for name, form in FORMS.items():
        for hypotheses in (1, 40):
            speed = hypotheses_per_second(
                form, hypotheses=hypotheses, steps=3, seconds=options.seconds, device=options.device
            )
            print(f"{name}, {hypotheses} of a frame, 3 steps: {speed:.0f} hypotheses/s")


if __name__ == "__main__":
    main()
