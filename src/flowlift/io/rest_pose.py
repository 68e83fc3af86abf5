"""The pose that a rig rests in: people as a T facing z, animals on four legs facing z, x to their left, y up."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64

from flowlift.io.naming import plain_name
from flowlift.skeleton import Skeleton

Places = Mapping[str, tuple[float, float, float]]


def _both_sides(centre: Places, left: Places) -> Places:
    """Joints of the middle, and those of the left with their mirror images."""
    sides = {f"left_{name}": place for name, place in left.items()}
    return {**centre, **sides, **{f"right_{name}": (-x, y, z) for name, (x, y, z) in left.items()}}


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
        "eye_inner": (0.02, 1.60, 0.09),
        "eye": (0.03, 1.60, 0.09),
        "eye_outer": (0.04, 1.60, 0.08),
        "ear": (0.075, 1.58, 0.0),
        "mouth": (0.025, 1.53, 0.09),
        "shoulder": (0.18, 1.43, 0.0),
        "elbow": (0.46, 1.43, 0.0),
        "wrist": (0.71, 1.43, 0.0),
        "pinky": (0.79, 1.43, -0.03),
        "index": (0.80, 1.43, 0.02),
        "thumb": (0.75, 1.43, 0.05),
        "hip": (0.1, 0.91, 0.0),
        "knee": (0.1, 0.5, 0.0),
        "ankle": (0.1, 0.09, 0.0),
        "heel": (0.1, 0.03, -0.05),
        "big_toe": (0.08, 0.02, 0.16),
        "small_toe": (0.14, 0.02, 0.13),
        "foot_index": (0.11, 0.02, 0.15),
    },
)
_QUADRUPED = _both_sides(
    {
        "tail_base": (0.0, 0.60, -0.45),
        "tail_mid": (0.0, 0.50, -0.60),
        "tail_end": (0.0, 0.40, -0.75),
        "neck": (0.0, 0.70, 0.35),
        "nose": (0.0, 0.85, 0.75),
        "mouth_mid": (0.0, 0.80, 0.70),
    },
    {
        "eye": (0.05, 0.92, 0.62),
        "ear": (0.07, 1.00, 0.50),
        "mouth_corner": (0.04, 0.81, 0.66),
        "shoulder": (0.12, 0.58, 0.33),
        "front_thigh": (0.12, 0.42, 0.27),
        "front_knee": (0.12, 0.24, 0.31),
        "front_paw": (0.12, 0.02, 0.32),
        "back_thigh": (0.12, 0.48, -0.36),
        "back_knee": (0.12, 0.28, -0.45),
        "back_paw": (0.12, 0.02, -0.40),
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
