"""What each step learns from: views, and the noises and times for them; those of several steps are made at once.

Everything follows from the seed and the step's number, so a run that was cut goes on with the same lessons.
"""

import torch
from torch import Generator, Tensor

from flowlift.training.config import TrainingConfig
from flowlift.training.sources import Batch, Source

Lesson = tuple[Batch, Tensor, Tensor]
"""Views, noise (B, draw, J, 3) and times (B, draw)."""


def seed_of(config: TrainingConfig, number: int, stream: int) -> int:
    """A seed of its own for each step and purpose: any mixing does, if neighbours do not collide."""
    return (config.run.seed * 1_000_003 + number) * 64 + stream


class Lessons:
    """The lessons of a run, the whole batch's, whichever process asks. `batch`: views of one step."""

    def __init__(self, config: TrainingConfig, source: Source, batch: int, device: torch.device) -> None:
        self._config, self._source, self._batch, self._device = config, source, batch, device
        self._together = config.run.drawn if source.views is None else 1
        self._held: tuple[int, Lesson] | None = None

    def of(self, step: int) -> Lesson:
        """Those of one step, counted from 0."""
        number, place = divmod(step, self._together)
        if self._held is None or self._held[0] != number:
            self._held = number, self._drawn(number)
        seen, noise, t = self._held[1]
        mine = slice(place * self._batch, (place + 1) * self._batch)
        known = None if seen.known is None else seen.known[mine]
        return Batch(seen.condition[mine], seen.target[mine], known), noise[mine], t[mine]

    def _drawn(self, number: int) -> Lesson:
        method, device = self._config.method, self._device
        generator = Generator(device=device).manual_seed(seed_of(self._config, number, 0))
        rows = self._rows(number)
        seen = self._source.batch(rows, generator)
        noise = torch.randn(len(rows), method.draws, *seen.target.shape[1:], generator=generator, device=device)
        t = torch.rand(len(rows), method.draws, generator=generator, device=device) ** method.time_power
        if method.at_start:
            t = t * (torch.rand(t.shape, generator=generator, device=device) >= method.at_start)
        return seen, noise, t

    def _rows(self, number: int) -> Tensor:
        """Which views are taken: each of them once an epoch, in an order of the epoch's own."""
        source, batch = self._source, self._batch
        if source.views is None:
            return torch.arange(batch * self._together, device=self._device)
        per_epoch = max(1, source.views // batch)
        epoch, place = divmod(number, per_epoch)
        order = torch.randperm(source.views, generator=Generator().manual_seed(seed_of(self._config, epoch, 7)))
        return order[place * batch : (place + 1) * batch].to(self._device)
