"""Arms against legs: limbs whose sides a detector exchanged by themselves, told by what the model can explain.

Continuity loses track of legs that cross in the image just when their sides are exchanged. But legs whose knees bend
the other way than the arms belong to nobody, and each frame shows it.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float64

from flowlift.containers import Keypoints2D
from flowlift.lifting.explained import Doubt
from flowlift.swap_search import States
from flowlift.swaps import Mended, exchange, mend_swaps

AROUND = 1.0
"""Seconds about a change of sides in which the model is asked."""
MOST = 2.0
"""As much as one frame is believed."""

Convert = Callable[[Keypoints2D], Keypoints2D]


def untwisted(keypoints: Keypoints2D, doubt: Doubt, convert: Convert) -> Mended:
    """Keypoints with left and right as `mend_swaps` has them, which is told how well the model explains limbs exchanged
    by themselves, in all frames around the changes that it finds. `convert`: to the model's skeleton."""
    found = mend_swaps(keypoints)
    if not found.exchanged.any():
        return found
    states = States.of(keypoints.skeleton)
    worse, asked = np.zeros((*keypoints.score.shape[:2], len(states.bits))), np.zeros(keypoints.score.shape[:2], bool)
    while (new := _around_changes(found) & ~asked).any():
        worse[new] = _worse(keypoints, new, states, doubt, convert)
        asked |= new
        found = mend_swaps(keypoints, worse)
    return found


def _worse(
    keypoints: Keypoints2D, where: Bool[np.ndarray, "frame person"], states: States, doubt: Doubt, convert: Convert
) -> Float64[np.ndarray, "asked state"]:
    """How much worse each state explains somebody in some frames. Limbs that the model does not see change nothing; nor
    does exchanging all that it sees, of which a frame tells too little."""
    frames = np.flatnonzero(where.any(axis=1))
    some = keypoints.take(frames)
    some = replace(some, xy=np.where(where[frames][..., None, None], some.xy, np.nan))
    seen, given = convert(some).xy, None
    worse = np.zeros((*some.score.shape[:2], len(states.bits)))
    first = -1
    for limb, joints in enumerate(states.parts):
        other = exchange(some, np.isin(np.arange(len(some.skeleton)), joints)[None, None])
        if np.array_equal(convert(other).xy, seen, equal_nan=True):
            continue
        if first < 0:
            first = limb
            continue
        given = doubt(some) if given is None else given
        more = np.clip(np.nan_to_num(doubt(other) - given), -MOST, MOST)
        worse += more[..., None] * (states.bits[:, limb] ^ states.bits[:, first])
    return worse[where[frames]]


def _around_changes(found: Mended) -> Bool[np.ndarray, "frame person"]:
    """Frames not more than AROUND from one in which something of the same person begins or ceases to be exchanged."""
    times, changed = found.keypoints.frame_times, np.zeros(found.exchanged.shape[:2], dtype=bool)
    changed[1:] = (found.exchanged[1:] != found.exchanged[:-1]).any(axis=2)
    near = np.zeros_like(changed)
    for frame, person in np.argwhere(changed):
        near[np.searchsorted(times, times[frame] - AROUND) : np.searchsorted(times, times[frame] + AROUND), person] = (
            True
        )
    return near
