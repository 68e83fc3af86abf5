"""The 17 Human3.6M joints in the rigs of CMU's conversions, and a body's size and bones on them."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from flowlift.datasets.bvh import Motion
from flowlift.skeletons import HUMAN36M17

# Where each of the 17 joints stands in a source's hierarchy; two names: the point between them; "a -> b": the point
# as far beyond b as b is from a (a rig without a head end).
_LIMBS = ("right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle")
_ARMS = ("left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist")


def _source(legs: str, trunk: str, arms: str) -> dict[str, str]:
    hips = legs.split()
    trunk_names = ("spine", "thorax", "nose", "head")
    return {
        "hip": f"{hips[0]} {hips[3]}",
        **dict(zip(_LIMBS, hips, strict=True)),
        **dict(zip(trunk_names, trunk.split(), strict=True)),
        **dict(zip(_ARMS, arms.split(), strict=True)),
    }


SUBJECT_RIG = _source(
    "RightUpLeg RightLeg RightFoot LeftUpLeg LeftLeg LeftFoot",
    "Spine Neck1 Head Head.end",
    "LeftArm LeftForeArm LeftHand RightArm RightForeArm RightHand",
)
LOST_BONES = dict.fromkeys(("Neck", "LeftShoulder", "RightShoulder"), "Spine1")
"""The conversion of the per-subject skeletons to BVH dropped the thorax (12 cm): neck and collar bones start where it
should. In the captures' native skeletons it is as long as the bone below it, to 2 %."""

GENERIC_RIG = _source(
    "rThigh rShin rFoot lThigh lShin lFoot",
    "abdomen neck head neck->head",
    "lShldr lForeArm lHand rShldr rForeArm rHand",
)
ICLONE_RIG = _source(
    "CC_Base_R_Thigh CC_Base_R_Calf CC_Base_R_Foot CC_Base_L_Thigh CC_Base_L_Calf CC_Base_L_Foot",
    "CC_Base_Spine01 CC_Base_NeckTwist01 CC_Base_Head CC_Base_NeckTwist01->CC_Base_Head",
    "CC_Base_L_Upperarm CC_Base_L_Forearm CC_Base_L_Hand CC_Base_R_Upperarm CC_Base_R_Forearm CC_Base_R_Hand",
)


_PARENTS = [max(parent, 0) for parent in HUMAN36M17.parent_indices]
_HIPS = HUMAN36M17.indices(["left_hip", "right_hip"])


def joints_of(rig: Mapping[str, str]) -> frozenset[str]:
    """The captured joints that a rig's rules mention."""
    return frozenset(name for rule in rig.values() for name in rule.replace("->", " ").split())


def on_human36m17(motion: Motion, rig: Mapping[str, str]) -> Float[np.ndarray, "frame 17 3"]:
    """The 17 joints from a capture's own. Raises InputError when the capture lacks one."""

    def place(rule: str) -> Float[np.ndarray, "frame 3"]:
        if "->" in rule:
            before, last = rule.split("->")
            return 2 * motion.joint(last) - motion.joint(before)
        return np.mean([motion.joint(name) for name in rule.split()], axis=0)

    return np.stack([place(rig[joint]) for joint in HUMAN36M17.joints], axis=1)


def _stature_bones() -> tuple[tuple[int, int, float], ...]:
    chains = {
        1.0: ("hip", "spine", "thorax", "nose", "head"),
        0.5: ("left_hip", "left_knee", "left_ankle"),
        -0.5: ("right_hip", "right_knee", "right_ankle"),
    }
    i = HUMAN36M17.index
    return tuple((i(a), i(b), abs(w)) for w, chain in chains.items() for a, b in pairwise(chain))


BONES_OF_STATURE = _stature_bones()
"""(joint, joint, weight): ankle to knee to hip (mean of both legs), hip to spine to thorax to nose to head."""


def stature(xyz: Float[np.ndarray, "*batch 17 3"]) -> Float[np.ndarray, " *batch"]:
    """A body's size in any pose, along its bones from ankle to head, in the input's unit."""
    return np.sum(
        [w * np.linalg.norm(xyz[..., a, :] - xyz[..., b, :], axis=-1) for a, b, w in BONES_OF_STATURE], axis=0
    )


STATURE_OF_HEIGHT = 0.927
"""`stature` over a person's height: legs are 0.491 of a height in anthropometric tables, and in the 14 per-subject
captures the way from ankle to head is 1.889 legs (standard deviation 0.024)."""


def bone_lengths(xyz: Float[np.ndarray, "frame 17 3"]) -> Float[np.ndarray, " 17"]:
    """The median length of each joint's bone to its parent (0: the root's), in the input's unit."""
    return np.median(np.linalg.norm(xyz - xyz[:, _PARENTS], axis=-1), axis=0)


def with_bone_lengths(
    xyz: Float[np.ndarray, "frame 17 3"], lengths: Float[np.ndarray, " 17"]
) -> Float[np.ndarray, "frame 17 3"]:
    """The same pose, bone for bone as directed, on a body of other bone lengths; the root stays between the hips."""
    bones = xyz - xyz[:, _PARENTS]
    bones = bones * (lengths / np.maximum(np.linalg.norm(bones, axis=-1), 1e-9))[..., None]
    posed = np.zeros_like(xyz)
    for joint in HUMAN36M17.topological[1:]:
        posed[:, joint] = posed[:, HUMAN36M17.parent_indices[joint]] + bones[:, joint]
    return posed - posed[:, _HIPS].mean(axis=1, keepdims=True)
