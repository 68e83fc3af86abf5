"""Motion capture folders -> a bank of distinct poses on the 17 Human3.6M joints, for training."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int64

from flowlift.datasets.bvh import Motion, read_bvh
from flowlift.errors import InputError
from flowlift.skeletons import HUMAN36M17

FPS = 30.0

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


@dataclass(frozen=True, eq=False)
class PoseClip:
    """One clip on the 17 joints: `xyz` (frame, 17, 3), Y up, root at the origin, unit: the subject's leg + trunk.

    `own_proportions`: whether the bones are as long as the captured person's; else a generic figure's.
    """

    name: str
    xyz: Float32[np.ndarray, "frame 17 3"]
    own_proportions: bool


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


def _clip(name: str, xyz: Float[np.ndarray, "frame 17 3"], *, own_proportions: bool) -> PoseClip:
    centred = xyz - xyz[:, :1]
    return PoseClip(name, (centred / np.median(stature(centred))).astype(np.float32), own_proportions)


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


def read_clips(folder: Path) -> Iterator[PoseClip]:
    """Every clip under a folder laid out as CMU's conversions are, at about 30 frames a second, Y up.

    T-poses at the start of the first conversion's files and trials that stand in two conversions are left out.
    Raises InputError when the folder holds no clip.
    """
    found = False
    subjects = folder / "cmu" / "mocap_data_utilities"
    trials = {path.stem.lstrip("0") for path in subjects.glob("*.bvh")}
    for rig, paths, stride in (
        (SUBJECT_RIG, sorted(subjects.glob("*.bvh")), 4),
        (GENERIC_RIG, sorted((folder / "cmu" / "acrnn").glob("*/*.bvh")), 2),
        (ICLONE_RIG, sorted((folder / "cmu" / "iclone").glob("*.bvh")), 2),
    ):
        for path in paths:
            if rig is ICLONE_RIG and path.stem.lstrip("0") in trials:
                continue
            found = True
            xyz = on_human36m17(read_bvh(path, stride=stride, lost=LOST_BONES), rig)
            yield _clip(f"{path.parent.name}/{path.stem}", xyz[1:], own_proportions=rig is SUBJECT_RIG)
    if not found:
        raise InputError(f"{folder}: no BVH files under cmu/mocap_data_utilities, cmu/acrnn or cmu/iclone")


def distinct(xyz: Float32[np.ndarray, "frame 17 3"], *, apart: float, block: int = 4096) -> Int64[np.ndarray, " kept"]:
    """Indices of poses that lie at least `apart` (mean joint distance, the input's unit) from every one kept before.

    Heading is ignored: poses are turned so that the hips face one way.
    """
    right, left = HUMAN36M17.index("right_hip"), HUMAN36M17.index("left_hip")
    across = xyz[:, left] - xyz[:, right]
    angle = np.arctan2(across[:, 2], across[:, 0])
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    turned = np.stack([c * xyz[..., 0] + s * xyz[..., 2], xyz[..., 1], c * xyz[..., 2] - s * xyz[..., 0]], axis=-1)
    kept = np.empty((0, *turned.shape[1:]), dtype=np.float32)
    indices: list[int] = []
    for index, pose in enumerate(turned):
        near = any(
            (np.linalg.norm(kept[i : i + block] - pose, axis=-1).mean(axis=-1) < apart).any()
            for i in range(0, len(indices), block)
        )
        if not near:
            if len(indices) == len(kept):
                kept = np.concatenate([kept, np.full((max(block, len(kept)), *pose.shape), np.inf, dtype=np.float32)])
            kept[len(indices)] = pose
            indices.append(index)
    return np.array(indices, dtype=np.int64)


HELD_OUT = ("/49_", "/12_", "/16_", "martial/10", "indian/15", "salsa/30")
"""Clips that are never trained on: three subjects, and one clip of each dance; they choose and calibrate."""


def build_bank(
    folder: Path, *, apart: float = 0.025, held_out_apart: float = 0.035
) -> dict[str, Float32[np.ndarray, "pose 17 3"]]:
    """Distinct poses of every clip under a folder: `train` and `val`. Raises InputError when there is none."""
    clips = list(read_clips(folder))
    persons = [bone_lengths(clip.xyz) for clip in clips if clip.own_proportions and not _is_held_out(clip)]
    parts: dict[str, list[Float32[np.ndarray, "frame 17 3"]]] = {"train": [], "val": []}
    for clip in clips:
        xyz = clip.xyz
        if persons and not clip.own_proportions:
            xyz = with_bone_lengths(xyz, np.mean(persons, axis=0)).astype(np.float32)
        parts["val" if _is_held_out(clip) else "train"].append(xyz)
    poses = {name: np.concatenate([np.empty((0, 17, 3), dtype=np.float32), *xyz]) for name, xyz in parts.items()}
    return {
        "train": poses["train"][distinct(poses["train"], apart=apart)],
        "val": poses["val"][distinct(poses["val"], apart=held_out_apart)],
    }


def _is_held_out(clip: PoseClip) -> bool:
    return any(name in clip.name for name in HELD_OUT)
