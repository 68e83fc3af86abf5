"""Which side of a person is the left one, where a detector had them exchanged throughout a clip.

Knees and elbows bend one way, and faces look ahead: a body whose sides were exchanged is one that nobody has. The model
then reproduces the 2D less well and is less sure. Each frame tells little, a clip enough.
"""

import numpy as np
from jaxtyping import Bool, Int64

from flowlift.containers import Keypoints2D
from flowlift.lifting.explained import Doubt
from flowlift.swaps import exchange

MARGIN = 0.2
"""How much better (sum of the logarithms of two ratios) a clip must be explained with its sides exchanged. Of 33
held-out captures, with and without noise, none came above 0.11 by mistake."""
_LOOKED_AT = 200
"""Frames, evenly spread, that are asked."""
_FEWEST = 8
"""Frames below which nothing is decided."""


def wrong_handed(
    keypoints: Keypoints2D, doubt: Doubt, open_question: Bool[np.ndarray, " person"] | None = None
) -> Bool[np.ndarray, " person"]:
    """Who is explained better with left and right exchanged in the whole clip. `open_question`: of whom nothing is
    known before: then however little better decides."""
    everybody = np.ones(keypoints.people, dtype=bool)
    if len(keypoints) < _FEWEST:
        return ~everybody
    some = keypoints.take(spread_over(len(keypoints)))
    given, other = doubt(some), doubt(exchanged(some, everybody))
    both = np.isfinite(given) & np.isfinite(other)
    count = both.sum(axis=0)
    better = np.where(both, given - other, 0.0).sum(axis=0) / np.maximum(count, 1)
    margin = MARGIN if open_question is None else np.where(open_question, 0.0, MARGIN)
    return (count >= _FEWEST) & (better > margin)


def spread_over(frames: int) -> Int64[np.ndarray, " some"]:
    """Numbers of at most _LOOKED_AT frames, evenly spread over at least one."""
    return np.unique(np.linspace(0, frames - 1, min(frames, _LOOKED_AT)).astype(int))


def exchanged(keypoints: Keypoints2D, people: Bool[np.ndarray, " person"]) -> Keypoints2D:
    """The keypoints with left and right of some people exchanged."""
    return exchange(keypoints, people[None, :, None])
