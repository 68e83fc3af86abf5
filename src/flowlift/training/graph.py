"""What a step computes, recorded once on a GPU and played back: its loss and gradients without starting each operation
anew, which takes a fast GPU longer than the operations themselves."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from flowlift.training.config import TrainingConfig
from flowlift.training.lessons import Lesson

Loss = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor | None, Tensor], Tensor]
"""What an `Objective` is called with, and gives."""


class _Recorded(nn.Module):
    """An objective whose arguments are all tensors, in the run's precision."""

    def __init__(self, objective: nn.Module, *, half: bool) -> None:
        super().__init__()
        self.objective, self.in_half = objective, half

    def forward(
        self, condition: Tensor, target: Tensor, noise: Tensor, t: Tensor, truth: Tensor, *known: Tensor
    ) -> Tensor:
        # A cache would keep weights as they were when this was recorded.
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=self.in_half, cache_enabled=False):
            return self.objective(condition, target, noise, t, known[0] if known else None, truth)


def recorded(objective: nn.Module, example: Lesson, config: TrainingConfig) -> Loss:
    """The objective, to be called as before, with batches as large as the example's."""
    seen, noise, t = example
    draws = 1 if not config.method.teacher else noise.shape[1]
    target = seen.target[:, None].expand(-1, draws, -1, -1).contiguous()
    known = () if seen.known is None else (seen.known,)
    module = _Recorded(objective, half=config.run.precision == "bf16-mixed")
    arguments = tuple(part.clone() for part in (seen.condition, target, noise, t, seen.target, *known))
    # Recording runs it several times: what batch norms keep of that is put back, a run that goes on is the same run.
    kept = {name: value.clone() for name, value in objective.named_buffers()}
    play: Any = torch.cuda.make_graphed_callables(module, arguments)
    objective.load_state_dict(kept, strict=False)

    def loss(
        condition: Tensor, target: Tensor, noise: Tensor, t: Tensor, known: Tensor | None, truth: Tensor
    ) -> Tensor:
        return play(condition, target, noise, t, truth, *(() if known is None else (known,)))

    return loss
