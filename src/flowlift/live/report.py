"""How a live session went: frames, and how late they were."""

from collections import deque
from dataclasses import dataclass

import numpy as np

_KEPT = 100_000  # latencies, of the last frames: about an hour


@dataclass(frozen=True)
class Report:
    """`frames` came in, `lifted` of them were lifted, `dropped` were not; `latency_ms`: of half of them and of 95 %,
    from when a frame came in until its poses were handed to the listeners; None where there were none."""

    frames: int
    lifted: int
    dropped: int
    latency_ms_p50: float | None
    latency_ms_p95: float | None

    def __str__(self) -> str:
        counts = f"{self.lifted} of {self.frames} frames lifted, {self.dropped} dropped"
        if self.latency_ms_p50 is None or self.latency_ms_p95 is None:
            return counts
        return f"{counts}; latency {self.latency_ms_p50:.0f} ms (median), {self.latency_ms_p95:.0f} ms (95 %)"


class Tally:
    """Counts frames while a session runs."""

    def __init__(self) -> None:
        self.lifted = 0
        self._latencies: deque[float] = deque(maxlen=_KEPT)

    def count(self) -> None:
        """One more frame was lifted."""
        self.lifted += 1

    def note(self, latency: float) -> None:
        """A frame's poses were handed over, `latency` seconds after it came in."""
        self._latencies.append(latency)

    def report(self, dropped: int) -> Report:
        """How it went until now."""
        half, most = np.percentile(self._latencies, [50, 95]) * 1000 if self._latencies else (None, None)
        rounded = [None if each is None else round(float(each), 1) for each in (half, most)]
        return Report(self.lifted + dropped, self.lifted, dropped, *rounded)
