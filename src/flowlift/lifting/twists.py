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
_TOGETHER = 256

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
        frames = np.flatnonzero(new.any(axis=1))
        for some in np.split(frames, range(_TOGETHER, len(frames), _TOGETHER)):
            them = keypoints.take(some)
            them = replace(them, xy=np.where(new[some][..., None, None], them.xy, np.nan))
            worse[some] += _worse(them, states, doubt, convert)
        asked |= new
        found = mend_swaps(keypoints, worse)
    return found


def _worse(
    seen: Keypoints2D, states: States, doubt: Doubt, convert: Convert
) -> Float64[np.ndarray, "frame person state"]:
    """How much worse each state explains everybody. Limbs that the model does not see change nothing; nor does
    exchanging all that it sees, of which a frame tells too little."""
    worse, given, first = np.zeros((*seen.score.shape[:2], len(states.bits))), None, -1
    to_model = convert(seen).xy
    for limb, joints in enumerate(states.parts):
        other = exchange(seen, np.isin(np.arange(len(seen.skeleton)), joints)[None, None])
        if np.array_equal(convert(other).xy, to_model, equal_nan=True):
            continue
        if first < 0:
            first = limb
            continue
        given = doubt(seen) if given is None else given
        more = np.clip(np.nan_to_num(doubt(other) - given), -MOST, MOST)
        worse += more[..., None] * (states.bits[:, limb] ^ states.bits[:, first])
    return worse


def _around_changes(found: Mended) -> Bool[np.ndarray, "frame person"]:
    """Frames not more than AROUND from one in which something of the same person begins or ceases to be exchanged."""
    times, changed = found.keypoints.frame_times, np.zeros(found.exchanged.shape[:2], dtype=bool)
    changed[1:] = (found.exchanged[1:] != found.exchanged[:-1]).any(axis=2)
    first = np.searchsorted(times, times - AROUND)
    last = np.searchsorted(times, times + AROUND)
    near = np.zeros_like(changed)
    for frame, person in np.argwhere(changed):
        near[first[frame] : last[frame], person] = True
    return near
