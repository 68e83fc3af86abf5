"""Hypotheses whose bones keep their lengths while the body moves count more.

One camera leaves open whether a thigh leans towards it or away. As the body moves, the wrong reading pays: its bones
have to grow and shrink to fit the image. A hypothesis starts from the same noise in every frame, so it reads a clip in
one way, and how steady its bones are tells how good that way is.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float64

from flowlift.gaps import runs
from flowlift.skeleton import Skeleton

WINDOW = 1.0
"""Seconds, about each frame, over which bones are compared with themselves."""
SOFTNESS = 2.0
"""By so many standard deviations of the hypotheses' unsteadiness a weight falls to 1/e."""
FEWEST = 10
"""Frames in a row below which no bone shows that it is unsteady."""
BLOCK = 512
"""Frames whose hypotheses are held at a time."""

Draw = Callable[[slice], Float[np.ndarray, "frame hypothesis joint 3"]]
"""The hypotheses of some frames of one person: any unit."""


def steadied(
    xyz: Float64[np.ndarray, "frame joint 3"],
    times: Float64[np.ndarray, " frame"],
    draw: Draw,
    skeleton: Skeleton,
    *,
    block: int = BLOCK,
) -> Float64[np.ndarray, "frame joint 3"]:
    """One person's poses, NaN where there is none, each moved by what weights for steady bones change in the mean of
    its hypotheses. `times`: seconds. Stretches of less than FEWEST frames stay as they are.

    The poses themselves need not be that mean: what leads an answer otherwise (`hypotheses.CENTRE`) goes on to.
    """
    xyz = xyz.copy()
    for stretch in runs(np.isfinite(xyz).all(axis=(1, 2))):
        if stretch.stop - stretch.start < FEWEST:
            continue
        window = _frames(times[stretch])
        for first in range(stretch.start, stretch.stop, block):
            own = slice(first, min(first + block, stretch.stop))
            wide = slice(max(stretch.start, own.start - window), min(stretch.stop, own.stop + window))
            drawn = draw(wide).astype(np.float64)
            unsteady = unsteadiness(drawn, window, skeleton)
            inner = slice(own.start - wide.start, own.stop - wide.start)
            xyz[own] += _change(drawn[inner], unsteady[inner])
    return xyz


def unsteadiness(
    drawn: Float64[np.ndarray, "frame hypothesis joint 3"], window: int, skeleton: Skeleton
) -> Float64[np.ndarray, "frame hypothesis"]:
    """How much the bones of each hypothesis change against one another about each frame: the root-mean-square, over
    bones, of the standard deviation of the log of their lengths over `window` frames."""
    parent, child = map(list, zip(*skeleton.bones, strict=True))
    length = np.log(np.linalg.norm(drawn[:, :, child] - drawn[:, :, parent], axis=-1).clip(1e-9))
    length -= length.mean(axis=-1, keepdims=True)  # the whole body's size may change: it is not what is asked
    variance = _running_mean(length**2, window) - _running_mean(length, window) ** 2
    return np.sqrt(variance.clip(0).mean(axis=-1))


def _change(
    drawn: Float64[np.ndarray, "frame hypothesis joint 3"], unsteady: Float64[np.ndarray, "frame hypothesis"]
) -> Float64[np.ndarray, "frame joint 3"]:
    """The weighted mean less the plain one."""
    off = unsteady - unsteady.mean(axis=1, keepdims=True)
    weights = np.exp(-off / (SOFTNESS * unsteady.std(axis=1, keepdims=True) + 1e-12))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("fh,fhjc->fjc", weights - 1 / weights.shape[1], drawn)


def _frames(times: Float64[np.ndarray, " frame"]) -> int:
    """WINDOW in frames: no less than show a change, and no more than there are."""
    step = float(np.median(np.diff(times)))
    return min(max(3, int(WINDOW / step)) if step > 0 else 3, len(times))


def _running_mean(values: Float64[np.ndarray, "frame *rest"], window: int) -> Float64[np.ndarray, "frame *rest"]:
    """The mean over `window` frames about each one; the first and the last frame stand for those beyond."""
    beside = [(window // 2, window - 1 - window // 2)] + [(0, 0)] * (values.ndim - 1)
    total = np.cumsum(np.pad(values, beside, mode="edge"), axis=0)
    total[window:] -= total[:-window].copy()
    return total[window - 1 :] / window
