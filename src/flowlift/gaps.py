"""Gaps: frames in which something was not seen, between frames in which it was. Short ones can be bridged."""

import numpy as np
from jaxtyping import Bool, Float64, Int64

from flowlift.errors import InputError

LIMIT = 0.25
"""Seconds: what is missing for longer is not guessed at."""


def gaps(
    missing: Bool[np.ndarray, "frame *rest"], times: Float64[np.ndarray, " frame"], limit: float = LIMIT
) -> Bool[np.ndarray, "frame *rest"]:
    """Which missing frames lie in a gap that is short enough to bridge; each column (person, joint) by itself.

    A gap lasts from its first missing frame until something is seen again; it is bridged when that takes no longer than
    `limit`, seconds. What is missing at the beginning or at the end has nothing on its other side: never. Raises
    InputError for a limit below 0, or times that go backwards.

    >>> gaps(np.array([False, True, True, False, True]), np.arange(5) / 10, 0.2)
    array([False,  True,  True, False, False])
    """
    check_limit(limit)
    if (np.diff(times) < 0).any():
        raise InputError("gaps: the frames' times go backwards")
    if not len(missing):
        return missing.copy()
    before, after = seen_before(missing), seen_after(missing)
    inside = missing & (before >= 0) & (after < len(missing))
    first, last = np.minimum(before + 1, len(missing) - 1), np.minimum(after, len(missing) - 1)
    return inside & (times[last] - times[first] <= limit * (1 + 1e-6))


def seen_before(missing: Bool[np.ndarray, "frame *rest"]) -> Int64[np.ndarray, "frame *rest"]:
    """The last frame up to each one that is not missing; -1 where there is none."""
    return np.maximum.accumulate(np.where(missing, -1, _numbers(missing)), axis=0)


def seen_after(missing: Bool[np.ndarray, "frame *rest"]) -> Int64[np.ndarray, "frame *rest"]:
    """The first frame from each one on that is not missing; the number of frames where there is none."""
    return np.minimum.accumulate(np.where(missing, len(missing), _numbers(missing))[::-1], axis=0)[::-1]


def runs(which: Bool[np.ndarray, " frame"]) -> list[slice]:
    """The unbroken stretches of frames that are true.

    >>> runs(np.array([True, True, False, True]))
    [slice(0, 2, None), slice(3, 4, None)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], which, [False]])))
    return [slice(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]


def check_limit(limit: float) -> None:
    """Raises InputError for what cannot be a length of time."""
    if not (np.isfinite(limit) and limit >= 0):
        raise InputError(f"the longest gap to bridge must be 0 s or more, got {limit}")


def _numbers(missing: Bool[np.ndarray, "frame *rest"]) -> Int64[np.ndarray, "frame *rest"]:
    return np.arange(len(missing), dtype=np.int64).reshape(-1, *(1,) * (missing.ndim - 1)) + np.zeros_like(
        missing, dtype=np.int64
    )
