"""Random numbers from one explicit generator."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Draw:
    """Draws tensors on the generator's device."""

    generator: Generator

    def uniform(self, *shape: int) -> Tensor:
        """Values in [0, 1)."""
        return torch.rand(*shape, generator=self.generator, device=self.generator.device)

    def between(self, low: float | Tensor, high: float | Tensor, count: int) -> Tensor:
        """`count` values in [low, high)."""
        return low + (high - low) * self.uniform(count)

    def normal(self, *shape: int) -> Tensor:
        """Values from N(0, 1)."""
        return torch.randn(*shape, generator=self.generator, device=self.generator.device)

    def integers(self, below: int, *shape: int) -> Tensor:
        """Whole numbers from 0 to below - 1."""
        return torch.randint(below, shape, generator=self.generator, device=self.generator.device)
