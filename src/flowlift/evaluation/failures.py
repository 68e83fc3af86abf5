"""What went wrong with a pose, told by rules: which simple change would have made it right?"""

from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Float

from flowlift.evaluation.metrics import mpjpe_per_pose, p_mpjpe_per_pose
from flowlift.skeletons import HUMAN36M17

_S = HUMAN36M17
LIMBS: Mapping[str, tuple[str, ...]] = {
    "left arm": ("left_shoulder", "left_elbow", "left_wrist"),
    "right arm": ("right_shoulder", "right_elbow", "right_wrist"),
    "left leg": ("left_hip", "left_knee", "left_ankle"),
    "right leg": ("right_hip", "right_knee", "right_ankle"),
    "upper body": (
        "hip",
        *("spine", "thorax", "nose", "head"),
        *("left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist"),
    ),
}
"""What can be bent towards the camera or away from it: the joint it turns about, and those that move."""

WORTH_TELLING = 0.1
"""m: a limb with a smaller mean error has not gone wrong."""
MUCH = 0.5
"""A change explains an error when less than this share of it is left."""


def what_went_wrong(
    pred: Float[np.ndarray, "17 3"],
    truth: Float[np.ndarray, "17 3"],
    hypotheses: Float[np.ndarray, "hypothesis 17 3"],
) -> list[str]:
    """In words, the most important first; poses in m, camera frame, hip at 0. What no rule explains is not told."""
    return [*_of_the_whole(pred, truth), *_of_limbs(pred, truth), _of_hypotheses(hypotheses, truth)]


def flipped(pose: Float[np.ndarray, "17 3"], limb: str) -> Float[np.ndarray, "17 3"]:
    """The pose with a limb's depth mirrored about the joint that it turns about: in the image it looks the same."""
    pivot, *moving = _S.indices(LIMBS[limb])
    other = pose.copy()
    other[moving, 2] = 2 * pose[pivot, 2] - pose[moving, 2]
    return other


def _of_the_whole(pred: Float[np.ndarray, "17 3"], truth: Float[np.ndarray, "17 3"]) -> Iterator[str]:
    error = _error(pred, truth)
    if _error(pred * [1, 1, -1], truth) < MUCH * error:
        yield "front and back exchanged"
    if float(p_mpjpe_per_pose(pred[list(_S.mirror)], truth)) < MUCH * float(p_mpjpe_per_pose(pred, truth)):
        yield "left and right exchanged"


def _of_limbs(pred: Float[np.ndarray, "17 3"], truth: Float[np.ndarray, "17 3"]) -> Iterator[str]:
    for limb, joints in LIMBS.items():
        moving = _S.indices(joints[1:])
        # Relative to the joint the limb turns about: an arm is not wrong for what the trunk does.
        pivot = _S.index(joints[0])
        true = truth[moving] - truth[pivot]
        error = _error(pred[moving] - pred[pivot], true)
        other = flipped(pred, limb)
        if error > WORTH_TELLING and _error(other[moving] - other[pivot], true) < MUCH * error:
            yield f"{limb}: depth the wrong way round"


def _of_hypotheses(hypotheses: Float[np.ndarray, "hypothesis 17 3"], truth: Float[np.ndarray, "17 3"]) -> str:
    errors = p_mpjpe_per_pose(hypotheses, np.broadcast_to(truth, hypotheses.shape))
    best, mean = 1000 * float(errors.min()), 1000 * float(errors.mean())
    if best < MUCH * mean:
        return f"one of {len(hypotheses)} hypotheses has it ({best:.0f} mm)"
    return f"no hypothesis has it (best of {len(hypotheses)}: {best:.0f} mm)"


def _error(pred: Float[np.ndarray, "joint 3"], truth: Float[np.ndarray, "joint 3"]) -> float:
    return float(mpjpe_per_pose(pred, truth))
