"""The pose that a rig rests in: people as a T facing z, animals on four legs facing z, x to their left, y up."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64

from flowlift.io.naming import plain_name
from flowlift.skeleton import Skeleton

Places = Mapping[str, tuple[float, float, float]]


def _both_sides(centre: Places, left: Places) -> Places:
    """Joints of the middle, and those of the left with their mirror images."""
    return {**centre, **left, **{name.replace("left", "right"): (-x, y, z) for name, (x, y, z) in left.items()}}


# Metres, of an adult and of a large dog; only the directions from joint to joint are used.
_PERSON = _both_sides(
    {
        "hip": (0.0, 0.93, 0.0),
        "spine": (0.0, 1.17, 0.0),
        "thorax": (0.0, 1.44, 0.0),
        "neck": (0.0, 1.46, 0.0),
        "nose": (0.0, 1.57, 0.11),
        "head": (0.0, 1.68, 0.05),
        "head_top": (0.0, 1.74, 0.03),
    },
    {
        "left_eye_inner": (0.02, 1.60, 0.09),
        "left_eye": (0.03, 1.60, 0.09),
        "left_eye_outer": (0.04, 1.60, 0.08),
        "left_ear": (0.075, 1.58, 0.0),
        "left_mouth": (0.025, 1.53, 0.09),
        "left_shoulder": (0.18, 1.43, 0.0),
        "left_elbow": (0.46, 1.43, 0.0),
        "left_wrist": (0.71, 1.43, 0.0),
        "left_pinky": (0.79, 1.43, -0.03),
        "left_index": (0.80, 1.43, 0.02),
        "left_thumb": (0.75, 1.43, 0.05),
        "left_hip": (0.1, 0.91, 0.0),
        "left_knee": (0.1, 0.5, 0.0),
        "left_ankle": (0.1, 0.09, 0.0),
        "left_heel": (0.1, 0.03, -0.05),
        "left_big_toe": (0.08, 0.02, 0.16),
        "left_small_toe": (0.14, 0.02, 0.13),
        "left_foot_index": (0.11, 0.02, 0.15),
    },
)
_QUADRUPED = _both_sides(
    {
        "tail_base": (0.0, 0.60, -0.45),
        "root_of_tail": (0.0, 0.60, -0.45),
        "tail_mid": (0.0, 0.50, -0.60),
        "tail_end": (0.0, 0.40, -0.75),
        "back_end": (0.0, 0.66, -0.38),
        "back_middle": (0.0, 0.68, -0.05),
        "back_base": (0.0, 0.70, 0.28),
        "withers": (0.0, 0.72, 0.26),
        "belly_bottom": (0.0, 0.40, -0.05),
        "neck": (0.0, 0.70, 0.35),
        "neck_base": (0.0, 0.72, 0.36),
        "neck_end": (0.0, 0.88, 0.55),
        "throat": (0.0, 0.72, 0.55),
        "throat_base": (0.0, 0.58, 0.40),
        "throat_end": (0.0, 0.74, 0.58),
        "nose": (0.0, 0.85, 0.75),
        "mouth_mid": (0.0, 0.80, 0.70),
        "upper_jaw": (0.0, 0.82, 0.74),
        "lower_jaw": (0.0, 0.77, 0.70),
    },
    {
        "left_eye": (0.05, 0.92, 0.62),
        "left_ear": (0.07, 1.00, 0.50),
        "left_ear_base": (0.06, 0.97, 0.53),
        "left_earbase": (0.06, 0.97, 0.53),
        "left_earend": (0.08, 1.06, 0.47),
        "left_antler_base": (0.04, 1.02, 0.54),
        "left_antler_end": (0.10, 1.25, 0.45),
        "left_mouth_corner": (0.04, 0.81, 0.66),
        "mouth_end_left": (0.04, 0.80, 0.64),
        "body_middle_left": (0.14, 0.55, -0.05),
        "left_shoulder": (0.12, 0.58, 0.33),
        "left_elbow": (0.12, 0.42, 0.27),
        "left_front_elbow": (0.12, 0.42, 0.27),
        "left_front_thigh": (0.12, 0.42, 0.27),
        "front_left_thai": (0.12, 0.42, 0.27),
        "left_front_knee": (0.12, 0.24, 0.31),
        "front_left_knee": (0.12, 0.24, 0.31),
        "left_front_paw": (0.12, 0.02, 0.32),
        "front_left_paw": (0.12, 0.02, 0.32),
        "left_hip": (0.09, 0.60, -0.38),
        "left_knee": (0.12, 0.46, -0.32),
        "left_back_elbow": (0.12, 0.48, -0.36),
        "left_back_thigh": (0.12, 0.48, -0.36),
        "back_left_thai": (0.12, 0.48, -0.36),
        "left_back_knee": (0.12, 0.28, -0.45),
        "back_left_knee": (0.12, 0.28, -0.45),
        "left_back_paw": (0.12, 0.02, -0.40),
        "back_left_paw": (0.12, 0.02, -0.40),
    },
)


def rest_offsets(skeleton: Skeleton, place: Float64[np.ndarray, "frame joint 3"]) -> Float64[np.ndarray, "joint 3"]:
    """Each joint's offset from its parent at rest, 0 for the root: along the reference figure that has all the joints
    (else as in the first frame), as long as the bone's median over the clip. `place`: y up, nothing missing."""
    names = [plain_name(joint) for joint in skeleton.joints]
    known = next((figure for figure in (_PERSON, _QUADRUPED) if all(name in figure for name in names)), None)
    figure = place[0] if known is None else np.array([known[name] for name in names])
    offsets = np.zeros((len(skeleton), 3))
    for parent, child in skeleton.bones:
        along = figure[child] - figure[parent]
        length = np.median(np.linalg.norm(place[:, child] - place[:, parent], axis=-1))
        offsets[child] = along * (length / max(np.linalg.norm(along), 1e-9))
    return offsets
