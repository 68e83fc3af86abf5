"""Which side of a person is the left one, where a detector had them exchanged throughout a clip.

Knees and elbows bend one way, and faces look ahead: a body whose sides were exchanged is one that nobody has. The model
then reproduces the 2D less well and is less sure. Each frame tells little, a clip enough.
"""

import numpy as np
from jaxtyping import Bool

from flowlift.containers import Keypoints2D
from flowlift.lifting.explained import Doubt
from flowlift.swaps import exchange

MARGIN = 0.2
"""How much better (sum of the logarithms of two ratios) a clip must be explained with its sides exchanged. Of 260
captures none came above 0.16 by mistake."""
AGAINST, FEW = 0.05, 0.1
"""As much worse is a frame explained that speaks against it, and the share of such frames that may be. A man who lies
down came above MARGIN, his frames at odds with one another."""
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
    frames = np.unique(np.linspace(0, len(keypoints) - 1, min(len(keypoints), _LOOKED_AT)).astype(int))
    some = keypoints.take(frames)
    given, other = doubt(some), doubt(exchanged(some, everybody))
    both = np.isfinite(given) & np.isfinite(other)
    count = both.sum(axis=0)
    each = np.where(both, given - other, 0.0)
    better = each.sum(axis=0) / np.maximum(count, 1)
    clear = (better > MARGIN) & ((each < -AGAINST).sum(axis=0) <= FEW * count)
    return (count >= _FEWEST) & (clear if open_question is None else np.where(open_question, better > 0, clear))


def exchanged(keypoints: Keypoints2D, people: Bool[np.ndarray, " person"]) -> Keypoints2D:
    """The keypoints with left and right of some people exchanged."""
    return exchange(keypoints, people[None, :, None])
