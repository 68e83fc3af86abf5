"""A clip's poses against the truth, frame by frame."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Shaped

from flowlift.containers import Poses3D
from flowlift.evaluation.calibration import energy_score, inside, over_hypotheses
from flowlift.evaluation.metrics import mpjpe_per_pose, n_mpjpe_per_pose, p_mpjpe_per_pose
from flowlift.evaluation.report import PerFrame
from flowlift.skeletons import HUMAN36M17


def score_joints(
    pred: Float[np.ndarray, "frame joint 3"], truth: Float[np.ndarray, "frame joint 3"]
) -> dict[str, Shaped[np.ndarray, " frame"]]:
    """Each frame's joint errors, m, of poses that are aligned at their root already."""
    return {
        "mpjpe_mm": mpjpe_per_pose(pred, truth),
        "n_mpjpe_mm": n_mpjpe_per_pose(pred, truth),
        "p_mpjpe_mm": p_mpjpe_per_pose(pred, truth),
    }


def score_poses(poses: Poses3D, truth: Float[np.ndarray, "frame 17 3"]) -> PerFrame:
    """Errors and calibration of one person's poses; truth on Human3.6M's 17 joints, m, camera frame, hip at 0.

    Where the poses keep their hypotheses: also the best of them, the energy score and the coverage.
    """
    order, hip = poses.skeleton.indices(HUMAN36M17.joints), HUMAN36M17.root
    pred = poses.xyz[:, 0, order]
    figures = score_joints(pred - pred[:, [hip]], truth)
    if poses.hypotheses is None or poses.hypotheses.shape[2] < 2:
        return figures
    moving = [i for i in range(len(order)) if i != hip]
    drawn = poses.hypotheses[:, 0][:, :, order]
    drawn = drawn - drawn[:, :, [hip]]
    covered = inside(pred[:, moving], poses.cov[:, 0, order][:, moving], truth[:, moving], level=0.9)
    return figures | score_hypotheses(drawn, truth, moving=moving) | {"coverage_90": covered.mean(axis=1)}


def score_hypotheses(
    drawn: Float[np.ndarray, "frame hypothesis joint 3"],
    truth: Float[np.ndarray, "frame joint 3"],
    *,
    moving: Sequence[int],
) -> dict[str, Shaped[np.ndarray, " frame"]]:
    """The best of two or more hypotheses, and their energy score over the joints that are not 0 by definition; m."""
    return {
        "min_mpjpe_mm": over_hypotheses(drawn, truth).minimum,
        "min_p_mpjpe_mm": over_hypotheses(drawn, truth, metric=p_mpjpe_per_pose).minimum,
        "energy_mm": energy_score(drawn, truth)[:, moving].mean(axis=1),
    }


def join_clips(clips: Sequence[PerFrame]) -> PerFrame:
    """The frames of several clips, one after the other; the figures that all of them have."""
    names = [name for name in clips[0] if all(name in clip for clip in clips)]
    return {name: np.concatenate([clip[name] for clip in clips]) for name in names}
