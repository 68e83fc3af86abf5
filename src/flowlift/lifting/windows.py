"""Means over a time about each frame."""

import numpy as np
from jaxtyping import Float64

WINDOW = 1.0
"""Seconds, about each frame, over which hypotheses are compared."""


def window_frames(times: Float64[np.ndarray, " frame"]) -> int:
    """WINDOW in frames: no less than show a change, and no more than there are."""
    step = float(np.median(np.diff(times)))
    return min(max(3, int(WINDOW / step)) if step > 0 else 3, len(times))


def running_mean(values: Float64[np.ndarray, "frame *rest"], window: int) -> Float64[np.ndarray, "frame *rest"]:
    """The mean over `window` frames about each one; the first and the last frame stand for those beyond."""
    beside = [(window // 2, window - 1 - window // 2)] + [(0, 0)] * (values.ndim - 1)
    total = np.cumsum(np.pad(values, beside, mode="edge"), axis=0)
    total[window:] -= total[:-window].copy()
    return total[window - 1 :] / window
