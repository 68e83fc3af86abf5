"""Left and right exchanged by a 2D detector for some frames: found by continuity over time, and mended.

Continuity tells when left and right change places, not which is which: as most frames of a limb have it, it stays.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from flowlift.containers import Keypoints2D
from flowlift.swap_search import States, search, stretches

LEAST_SCORE = 0.05
"""Keypoints of lower scores still count as much: detectors' scores are not calibrated."""


@dataclass(frozen=True, eq=False)
class Mended:
    """Keypoints with left and right as in most of the clip; `exchanged` (frame, person, joint): what was changed."""

    keypoints: Keypoints2D
    exchanged: Bool[np.ndarray, "frame person joint"]

    @property
    def frames(self) -> Int64[np.ndarray, " person"]:
        """In how many frames something of each person was exchanged."""
        return self.exchanged.any(axis=2).sum(axis=0)


def mend_swaps(keypoints: Keypoints2D, worse: Float64[np.ndarray, "frame person state"] | None = None) -> Mended:
    """Exchange left and right back where a detector exchanged them: of the whole body, the arms, the legs, the face.

    Each person by itself. The same keypoints come back where nothing is wrong, where the skeleton has no left and
    right, and where nothing tells the frames' times. `worse`: what else speaks against each way to exchange limbs
    (`swap_search.States`), as `swap_search.search` takes it.
    """
    exchanged = np.zeros(keypoints.score.shape, dtype=bool)
    if keypoints.skeleton.pairs and keypoints.timed:
        states, times = States.of(keypoints.skeleton), keypoints.frame_times
        if worse is None:
            worse = np.broadcast_to(0.0, (*keypoints.score.shape[:2], len(states.bits)))
        for person in range(keypoints.people):
            xy, score = keypoints.xy[:, person], keypoints.score[:, person]
            exchanged[:, person] = _find(xy, score, times, states, worse[:, person])
    if not exchanged.any():
        return Mended(keypoints, exchanged)
    return Mended(exchange(keypoints, exchanged), exchanged)


def exchange(keypoints: Keypoints2D, which: Bool[np.ndarray, "#frame #person #joint"]) -> Keypoints2D:
    """The keypoints with some joints put in the place of their twins on the other side."""
    mirror = list(keypoints.skeleton.mirror)
    xy = np.where(which[..., None], keypoints.xy[:, :, mirror], keypoints.xy)
    score = np.where(which, keypoints.score[:, :, mirror], keypoints.score)
    return replace(keypoints, xy=xy, score=score)


def _find(
    xy: Float32[np.ndarray, "frame joint 2"],
    score: Float32[np.ndarray, "frame joint"],
    times: Float64[np.ndarray, " frame"],
    states: States,
    worse: Float64[np.ndarray, "frame state"],
) -> Bool[np.ndarray, "frame joint"]:
    """Which joints of one person to exchange."""
    exchanged = np.zeros(score.shape, dtype=bool)
    there = np.isfinite(xy[..., 0])
    weight = np.where(there, np.maximum(np.nan_to_num(score, nan=1.0), LEAST_SCORE), 0.0)
    for frames in stretches(np.flatnonzero(there.any(axis=1)), times):
        here = np.nan_to_num(xy[frames]).astype(np.float64)
        found = search(here, weight[frames], times[frames], states, worse[frames])
        for limb, joints in enumerate(states.parts):
            exchanged[np.ix_(frames[found[:, limb]], joints)] = True
    return exchanged
