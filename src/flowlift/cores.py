"""Work on all cores: cut into pieces of a good size, each done by one core alone.

Nothing waits for another core between two layers of a network, and no thread spins while it waits.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from threading import local
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float32

Array = Float32[np.ndarray, "batch ..."]
Item = TypeVar("Item")

_this_thread = local()


def _begin() -> None:
    _this_thread.has_a_piece = True  # from its first to its last


def available_cores() -> int:
    """Processors that this process may use: those that it has, at most as many as OMP_NUM_THREADS says."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(there, int(told)) if told.isdecimal() and int(told) else there


def allowed_threads() -> int:
    """How many threads to compute with: a core each, or OMP_NUM_THREADS, where that is set and less."""
    told, cores = os.environ.get("OMP_NUM_THREADS", ""), available_cores()
    return max(1, min(cores, int(told))) if told.isdecimal() else cores


def cut(count: int, *, most: int, least: int, cores: int) -> list[slice]:
    """Equal pieces of `count` things: as many for each core, none of more than `most`, of fewer than `least` only where
    there are no more."""
    rounds = max(1, ceil(count / (most * cores)))
    size = max(min(least, most), ceil(count / (rounds * cores)), 1)
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


class Cores:
    """Does work piece by piece on several cores; threads are started when they are first needed.

    Work that is a piece of more itself goes on in its own thread: one core does a whole piece, all that it is made of.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = allowed_threads() if count is None else count
        self._pool: ThreadPoolExecutor | None = None

    def each(self, work: Callable[[slice], None], count: int, *, most: int, least: int = 1) -> None:
        """`work(part)` for pieces of `count` things. What `over` says of work and of Ctrl-C holds here, too."""
        parts = cut(count, most=most, least=least, cores=self.count)
        if len(parts) == 1 or self._alone:
            for part in parts:
                work(part)
        else:
            list(self._map(work, parts))

    def over(self, work: Callable[..., Any], arrays: tuple[Array, ...], *, most: int, least: int = 1) -> Array:
        """`work(*pieces)` for pieces of arrays of one length, and what comes of them joined. `work` has to let other
        threads run while it computes. On Ctrl-C pieces that were not begun are dropped."""
        pieces = [tuple(array[part] for array in arrays) for part in self._cut(len(arrays[0]), most, least)]
        if len(pieces) == 1:
            return work(*pieces[0])
        if self._alone:
            return np.concatenate([work(*piece) for piece in pieces])
        return np.concatenate(list(self._map(lambda piece: work(*piece), pieces)))

    @property
    def _alone(self) -> bool:
        return self.count == 1 or getattr(_this_thread, "has_a_piece", False)

    def _map(self, work: Callable[[Item], Any], items: Iterable[Item]) -> Iterator[Any]:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.count, "flowlift", initializer=_begin)
        return self._pool.map(work, items)

    def _cut(self, count: int, most: int, least: int) -> list[slice]:
        return cut(count, most=most, least=least, cores=self.count) or [slice(0, 0)]
