"""Which reading of a clip counts more: hypotheses with steady bones, and hypotheses that keep their balance.

A hypothesis starts from the same noise in every frame, so it reads a clip in one way. How steady its bones are tells
how good that way is; where the vertical is known, so does whether the body, when it stands, would fall over.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float64

from flowlift.balance import leg_length, off_balance, stands, stands_on_two
from flowlift.gaps import runs
from flowlift.lifting.steady_bones import unsteadiness
from flowlift.lifting.windows import running_mean, window_frames
from flowlift.skeleton import Skeleton

SHARPNESS = 0.7
"""By so much falls the log of a weight for each standard deviation, among the hypotheses, of what speaks against it."""
ALIKE = 1e-4
"""Hypotheses whose bones' changes, or distances from balance in legs, differ by no more than this do not differ."""
FEWEST = 10
"""Frames in a row below which no reading shows that it is wrong."""
BLOCK = 512
"""Frames whose hypotheses are held at a time."""

Draw = Callable[[slice], Float[np.ndarray, "frame hypothesis joint 3"]]
"""The hypotheses of some frames of one person: any unit."""
Drawn = Float64[np.ndarray, "frame hypothesis joint 3"]
Against = Float64[np.ndarray, "frame hypothesis"]


def better_read(
    xyz: Float64[np.ndarray, "frame joint 3"],
    times: Float64[np.ndarray, " frame"],
    draw: Draw,
    skeleton: Skeleton,
    *,
    up: Float64[np.ndarray, "3"] | None = None,
    block: int = BLOCK,
) -> Float64[np.ndarray, "frame joint 3"]:
    """One person's poses, NaN where there is none, each moved by what weights for better readings change in the mean
    of its hypotheses. `times`: seconds. `up`: the vertical, in the poses' frame. Stretches of less than FEWEST frames
    stay as they are.

    The poses themselves need not be that mean: what leads an answer otherwise (`hypotheses.CENTRE`) goes on to.
    """
    moved = xyz.copy()
    for stretch in runs(np.isfinite(xyz).all(axis=(1, 2))):
        if stretch.stop - stretch.start < FEWEST:
            continue
        window = window_frames(times[stretch])
        for first in range(stretch.start, stretch.stop, block):
            own = slice(first, min(first + block, stretch.stop))
            wide = slice(max(stretch.start, own.start - window), min(stretch.stop, own.stop + window))
            drawn = draw(wide).astype(np.float64)
            against = _apart(unsteadiness(drawn, window, skeleton))
            if up is not None and stands_on_two(skeleton):
                against = against + imbalance(drawn, xyz[wide], up, window, skeleton)
            inner = slice(own.start - wide.start, own.stop - wide.start)
            moved[own] += _change(drawn[inner], against[inner])
    return moved


def imbalance(
    drawn: Drawn,
    answer: Float64[np.ndarray, "frame joint 3"],
    up: Float64[np.ndarray, "3"],
    window: int,
    skeleton: Skeleton,
) -> Against:
    """How much further than the others each hypothesis is off balance over `window` frames, in standard deviations of
    all, times the share of frames in which the answer stands: the others say nothing."""
    standing = stands(answer, up, skeleton)[:, None]
    off = off_balance(drawn, up, skeleton) / leg_length(answer, skeleton)[:, None]
    more = (off - off.mean(axis=1, keepdims=True)) * standing
    return running_mean(standing.astype(np.float64), window) * _apart(running_mean(more, window))


def _apart(cue: Against) -> Against:
    """What speaks against each hypothesis, in standard deviations of all; nothing does where all are alike."""
    return (cue - cue.mean(axis=1, keepdims=True)) / (cue.std(axis=1, keepdims=True) + ALIKE)


def _change(drawn: Drawn, against: Against) -> Float64[np.ndarray, "frame joint 3"]:
    """The weighted mean less the plain one."""
    weights = np.exp(-SHARPNESS * against)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("fh,fhjc->fjc", weights - 1 / weights.shape[1], drawn)
