"""Poses whose 2D had left and right exchanged in some frames: those frames are lifted again."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.swaps import mend_swaps

_TOGETHER = 256


def lift_mended(poses: Poses3D, lift: Callable[[Keypoints2D], Poses3D]) -> Poses3D:
    """The clip with its keypoints mended (`flowlift.swaps`): the frames that changes are lifted again, each by itself.

    `provenance` tells in how many frames something of somebody was exchanged. Without keypoints nothing changes.
    """
    if poses.keypoints is None:
        return poses
    mended = mend_swaps(poses.keypoints)
    frames = np.flatnonzero(mended.exchanged.any(axis=(1, 2)))
    xyz, cov = poses.xyz.copy(), poses.cov.copy()
    root, hypotheses = (None if each is None else each.copy() for each in (poses.root, poses.hypotheses))
    for start in range(0, len(frames), _TOGETHER):
        some = frames[start : start + _TOGETHER]
        again = lift(_take(mended.keypoints, some))
        xyz[some], cov[some] = again.xyz, again.cov
        for old, new in ((root, again.root), (hypotheses, again.hypotheses)):
            if old is not None:
                old[some] = new
    told = {**poses.provenance, "frames_mended": len(frames)}
    made = replace(poses, xyz=xyz, cov=cov, root=root, hypotheses=hypotheses)
    return replace(made, keypoints=mended.keypoints, provenance=told)


def _take(keypoints: Keypoints2D, frames: np.ndarray) -> Keypoints2D:
    return replace(
        keypoints, xy=keypoints.xy[frames], score=keypoints.score[frames], times=keypoints.frame_times[frames]
    )
