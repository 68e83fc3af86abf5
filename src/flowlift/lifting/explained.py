"""How well the model explains what was seen.

Of a body with a limb's sides exchanged, which nobody has, it is less sure, and what it finds fits the image less well.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.lifter import Lifter

HYPOTHESES = 8
"""Enough to tell how unsure a model is of all joints together."""

Doubt = Callable[[Keypoints2D], Float64[np.ndarray, "frame person"]]
"""Of what was seen of everybody, frame by frame: the logarithm of how unsure the hypotheses are times how far the
pose's image is from it; NaN where there is no pose."""


def doubt_of(lifter: Lifter, camera: Camera) -> Doubt:
    """By a model, through a camera."""
    bare = lifter.unmoved

    def doubt(seen: Keypoints2D) -> Float64[np.ndarray, "frame person"]:
        poses = bare(seen, camera=camera, hypotheses=HYPOTHESES, smooth="off", keep_hypotheses=True)
        return _doubt(poses, lifter.conditioning.convert(seen))

    return doubt


def _doubt(poses: Poses3D, seen: Keypoints2D) -> Float64[np.ndarray, "frame person"]:
    if poses.hypotheses is None or poses.camera is None:
        return np.full(poses.xyz.shape[:2], np.nan)
    spread = poses.hypotheses.std(axis=2).mean(axis=(2, 3))
    there = np.isfinite(seen.xy[..., 0])
    count = np.maximum(there.sum(axis=2), 1)[..., None]
    xy = np.where(there[..., None], seen.xy, 0.0)
    centred = np.where(there[..., None], xy - (xy.sum(axis=2) / count)[:, :, None], 0.0)
    off = np.where(there[..., None], poses.camera.project(poses.absolute) - xy, 0.0)
    misfit = np.linalg.norm(off, axis=(2, 3)) / np.maximum(np.linalg.norm(centred, axis=(2, 3)), 1e-6)
    return np.log(np.maximum(spread, 1e-9)) + np.log(np.maximum(misfit, 1e-9))
