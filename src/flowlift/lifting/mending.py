"""Poses whose 2D had left and right exchanged in some frames: those frames are lifted again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D, Provenance
from flowlift.lifter import Lifter
from flowlift.lifting.explained import doubt_of
from flowlift.lifting.handedness import exchanged, wrong_handed
from flowlift.lifting.twists import untwisted
from flowlift.swaps import Mended, mend_swaps

THROUGHOUT = 0.9
"""Share of a person's frames."""
_TOGETHER = 256


def mended_sides(keypoints: Keypoints2D, lifter: Lifter, camera: Camera) -> Mended:
    """Keypoints with left and right where they belong: exchanged back where they change places over time
    (`flowlift.swaps`) and, of people, where that explains limbs (`twists`) or the whole clip (`handedness`) better."""
    if lifter.model.stature is None or not keypoints.skeleton.pairs:
        return mend_swaps(keypoints)
    doubt = doubt_of(lifter, camera)
    found = untwisted(keypoints, doubt, lifter.conditioning.convert)
    paired = np.array([joint != twin for joint, twin in enumerate(keypoints.skeleton.mirror)])
    wrong = wrong_handed(found.keypoints, doubt, _at_odds(found.exchanged[..., paired], keypoints))
    if not wrong.any():
        return found
    changed = found.exchanged ^ (wrong[:, None] & paired)
    return Mended(exchanged(found.keypoints, wrong), changed)


def _at_odds(exchanged: Bool[np.ndarray, "frame person paired"], keypoints: Keypoints2D) -> Bool[np.ndarray, " person"]:
    """Whose limbs were seen with sides at odds nearly all the time: which of them were right is not known."""
    seen = np.isfinite(keypoints.xy[..., 0]).any(axis=2)
    at_odds = seen & exchanged.any(axis=2) & ~exchanged.all(axis=2)
    return at_odds.sum(axis=0) > THROUGHOUT * seen.sum(axis=0)


def lift_mended(poses: Poses3D, lift: Callable[[Keypoints2D], Poses3D], lifter: Lifter) -> Poses3D:
    """The clip with its keypoints mended (`mended_sides`): the frames that changes are lifted again, each by itself.

    `provenance` tells in how many frames something of somebody was exchanged. Without keypoints nothing changes.
    """
    if poses.keypoints is None or poses.camera is None:
        return poses
    mended = mended_sides(poses.keypoints, lifter, poses.camera)
    frames = np.flatnonzero(mended.exchanged.any(axis=(1, 2)))
    provenance: Provenance = {**poses.provenance, "frames_mended": len(frames)}
    if not len(frames):
        return replace(poses, provenance=provenance)
    made = {"xyz": poses.xyz, "cov": poses.cov}
    there = {"root": poses.root, "root_cov": poses.root_cov, "hypotheses": poses.hypotheses}
    arrays = {name: each.copy() for name, each in (made | there).items() if each is not None}
    for start in range(0, len(frames), _TOGETHER):
        some = frames[start : start + _TOGETHER]
        again = lift(mended.keypoints.take(some))
        for name, array in arrays.items():
            array[some] = getattr(again, name)
    for array in arrays.values():
        array.setflags(write=False)
    told: Any = arrays
    return replace(poses, keypoints=mended.keypoints, provenance=provenance, **told)
