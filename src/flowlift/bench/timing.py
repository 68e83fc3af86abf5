"""How fast something goes over a clip: enough frames for a steady figure, and the best of a few runs."""

import time
from collections.abc import Callable

RUNS = 3


def frames_per_second(work: Callable[[int], object], *, most: int, seconds: float, least: int = 4) -> tuple[int, float]:
    """How many frames were taken, and the best speed of `work(frames)` over a few runs that last `seconds` together.

    `most`: frames at hand. The number of frames grows from `least` until a run lasts its part of the seconds, or takes
    them all.
    """
    count, part = min(least, most), seconds / RUNS
    work(count)  # the first call allocates
    while (took := _timed(work, count)) < part / 2 and count < most:
        count = min(most, max(2 * count, int(count * part / max(took, 1e-6))))
    best = min(took, *(_timed(work, count) for _ in range(RUNS - 1)))
    return count, count / best


def _timed(work: Callable[[int], object], count: int) -> float:
    start = time.perf_counter()
    work(count)
    return time.perf_counter() - start
