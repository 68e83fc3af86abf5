"""Varied bodies from captured poses: limbs mixed between poses, joints turned, folded, proportions changed.

Made in batches on the training device. Poses are bone vectors in the frames of the pelvis and the chest, so that a
limb can be taken from another pose and still hang right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from flowlift.skeletons import HUMAN36M17
from flowlift.training.draw import Draw
from flowlift.training.postures import in_postures
from flowlift.training.segments import IN_CHEST, Bones, about_axis, rotation_from_vector, segment_frames

USUAL = 0.35
"""How far most bodies' proportions vary, of how far unusual ones' do: by 4 to 7 %, as those of adults."""

_S = HUMAN36M17
_PARENT = _S.parent_indices
_LEG = {side: _S.indices([f"{side}_hip", f"{side}_knee", f"{side}_ankle"]) for side in ("left", "right")}
_ARM = {side: _S.indices([f"{side}_elbow", f"{side}_wrist"]) for side in ("left", "right")}
_TRUNK = _S.indices(["spine", "thorax", "left_shoulder", "right_shoulder"])
_HEAD = _S.indices(["nose", "head"])
_PARTS = (_LEG["left"], _LEG["right"], _TRUNK, _ARM["left"], _ARM["right"], _HEAD)


@dataclass(frozen=True)
class BodyVariation:
    """How far bodies are varied; lengths as standard deviations of the log, angles in radians.

    `unusual`: how often proportions and joints' definitions vary as widely as told; else by USUAL of that. `posture`:
    share of bodies that are put into a posture near the ground (`training.postures`).
    """

    mix_halves: float = 0.2
    mix_all: float = 0.3
    joint_angle: float = 0.2
    fold: float = 0.25
    any_direction_arm: float = 0.1
    overall_length: float = 0.12
    bone_length: float = 0.1
    asymmetry: float = 0.02
    definition_offset: float = 0.02
    face_nose: float = 0.4
    posture: float = 0.2
    unusual: float = 0.25


@dataclass(frozen=True)
class PoseBank:
    """Distinct poses as bone vectors: `bones` (N, 17, 3) in segment frames, `pelvis` (N, 3, 3) segment to world."""

    bones: Float[Tensor, "pose 17 3"]
    pelvis: Float[Tensor, "pose 3 3"]

    @classmethod
    def from_positions(cls, xyz: Float[Tensor, "pose 17 3"]) -> "PoseBank":
        """From joint positions (Y up); every pose also enters mirrored."""
        mirrored = xyz[:, list(_S.mirror)] * torch.tensor([-1.0, 1.0, 1.0], device=xyz.device)
        xyz = torch.cat([xyz, mirrored])
        bones = torch.zeros_like(xyz)
        for child, parent in enumerate(_PARENT):
            if parent >= 0:
                bones[:, child] = xyz[:, child] - xyz[:, parent]
        pelvis, chest = segment_frames(bones)
        local = torch.einsum("nji,nkj->nki", pelvis, bones)
        local[:, IN_CHEST] = torch.einsum("nji,nkj->nki", chest, bones[:, IN_CHEST])
        return cls(local, pelvis)

    def __len__(self) -> int:
        return len(self.bones)


def sample_bodies(
    bank: PoseBank, count: int, variation: BodyVariation, generator: Generator
) -> Float[Tensor, "count 17 3"]:
    """Varied bodies (count, 17, 3): Y up, the bank's unit, root at the origin."""
    draw = Draw(generator)
    source = _mix(draw.integers(len(bank), count, len(_PARTS)), draw.uniform(count), variation)
    bones = torch.zeros(count, 17, 3, device=bank.bones.device)
    for part, joints in enumerate(_PARTS):
        bones[:, joints] = bank.bones[source[:, part]][:, joints]
    bones = _turn(bones, variation, draw)
    bones = _fold(bones, variation, draw)
    bones = _proportion(bones, variation, draw)
    tilt = rotation_from_vector(draw.normal(count, 3) * 0.15 * draw.uniform(count, 1))
    pelvis = tilt @ bank.pelvis[source[:, 0]]
    put = (draw.uniform(count) < variation.posture).nonzero()[:, 0]
    bones[put], pelvis[put] = in_postures(bones[put], draw)
    return _assemble(bones, pelvis)


def _mix(source: Int[Tensor, "b part"], chance: Float[Tensor, " b"], variation: BodyVariation) -> Int[Tensor, "b part"]:
    """Which pose each part comes from: mostly one; sometimes two (legs, the rest); sometimes each its own."""
    whole = source[:, :1].expand(-1, source.shape[1])
    halves = torch.cat([source[:, :1].expand(-1, 2), source[:, 2:3].expand(-1, source.shape[1] - 2)], dim=1)
    choice = chance[:, None]
    mixed = torch.where(choice < variation.mix_all, source, whole)
    return torch.where(choice > 1 - variation.mix_halves, halves, mixed)


def _turn(bones: Bones, variation: BodyVariation, draw: Draw) -> Bones:
    """Turn every joint by a random angle; what hangs on it turns with it."""
    count = len(bones)
    strength = variation.joint_angle * 2 * draw.uniform(count, 1, 1)
    turns = rotation_from_vector(draw.normal(count, 17, 3) * strength)
    for chain in (_LEG["left"], _LEG["right"], _ARM["left"], _ARM["right"], _HEAD):
        carried = None
        for joint in chain:
            if joint in (_LEG["left"][0], _LEG["right"][0]):
                continue  # the hips' own place in the pelvis is a proportion, not a joint angle
            carried = turns[:, joint] if carried is None else carried @ turns[:, joint]
            bones = _turned(bones, carried, [joint])
    trunk = rotation_from_vector(draw.normal(count, 3) * strength[:, 0])
    return _turned(bones, trunk, _TRUNK[1:])


def _fold(bones: Bones, variation: BodyVariation, draw: Draw) -> Bones:
    """Bend hips, knees and trunk further than they were captured (sitting, squatting); send arms anywhere."""
    count = len(bones)
    folded = (draw.uniform(count) < variation.fold).float()
    both = (draw.uniform(count) < 0.6).float()
    hip_both, knee_both = draw.uniform(count), draw.uniform(count)
    for side in ("left", "right"):
        hip = both * hip_both + (1 - both) * draw.uniform(count)
        knee = both * knee_both + (1 - both) * draw.uniform(count)
        flex = -folded * (hip * 2.1 - 0.2)
        bend = flex + folded * knee * 2.2
        for joint, angle in zip(_LEG[side][1:], (flex, bend), strict=True):
            bones = _turned(bones, about_axis(0, angle), [joint])
    lean = (draw.uniform(count) < variation.fold).float() * (draw.uniform(count) * 1.5 - 0.5)
    bones = _turned(bones, about_axis(0, lean), _TRUNK[1:])
    for side in ("left", "right"):
        anywhere = (draw.uniform(count, 1) < variation.any_direction_arm).float()
        turn = rotation_from_vector((draw.uniform(count, 3) * 2 - 1) * 2.5 * anywhere)
        bones = _turned(bones, turn, _ARM[side])
    return bones


def _turned(bones: Bones, turn: Float[Tensor, "b 3 3"], joints: Sequence[int]) -> Bones:
    """The same bones, some of them turned as their body says."""
    bones = bones.clone()
    bones[:, joints] = bones[:, joints] @ turn.mT
    return bones


def _proportion(bones: Bones, variation: BodyVariation, draw: Draw) -> Bones:
    """Change bone lengths, each pair's own way, and shift joints' definitions (hips, shoulders, neck, face)."""
    count, device = len(bones), bones.device
    i = _S.index
    groups = (
        ("left_hip", "right_hip"),
        ("left_knee", "right_knee"),
        ("left_ankle", "right_ankle"),
        ("left_shoulder", "right_shoulder"),
        ("left_elbow", "right_elbow"),
        ("left_wrist", "right_wrist"),
        ("spine",),
        ("thorax",),
        ("nose",),
        ("head",),
    )
    strength = torch.where(draw.uniform(count) < variation.unusual, 1.0, USUAL)
    legs, trunk, arms = (draw.normal(count) * strength * variation.overall_length for _ in range(3))
    shared = {"k": legs, "a": legs, "e": arms, "w": arms}
    log_length = torch.zeros(count, 17, device=device)
    for group in groups:
        kind = group[0].removeprefix("left_")[0]
        wide = 1.6 if group[0] in ("spine", "thorax", "nose", "head") or "hip" in group[0] else 1.0
        wide = 1.8 if "shoulder" in group[0] else wide
        common = draw.normal(count) * strength * variation.bone_length * wide
        limb = shared[kind] if kind in shared and len(group) == 2 else trunk
        for name in group:
            log_length[:, i(name)] = limb + common + draw.normal(count) * variation.asymmetry
    bones = bones * log_length.clamp(-0.7, 0.7).exp()[..., None]
    return bones + _definition_offsets(strength, variation, draw)


def _definition_offsets(strength: Float[Tensor, " b"], variation: BodyVariation, draw: Draw) -> Bones:
    """Where a joint is said to be differs between captures and detectors; symmetric for a pair. In bone vectors."""
    i, device, count = _S.index, draw.generator.device, len(strength)
    offset = torch.zeros(count, 17, 3, device=device)
    sd = variation.definition_offset * strength[:, None]
    for child, below in (("hip", "knee"), ("shoulder", "elbow")):
        shift = draw.normal(count, 3) * sd
        for side, sign in (("left", 1.0), ("right", -1.0)):
            moved = shift * torch.tensor([sign, 1.0, 1.0], device=device)
            offset[:, i(f"{side}_{child}")] += moved
            offset[:, i(f"{side}_{below}")] -= moved
    for joint, above in (("spine", "thorax"), ("thorax", "nose")):
        shift = draw.normal(count, 3) * sd * torch.tensor([0.2, 1.0, 1.0], device=device)
        offset[:, i(joint)] += shift
        offset[:, i(above)] -= shift
    # A detector's nose is the face's: forward of the skull's base, turned with the head, which may look aside.
    is_face = (draw.uniform(count) < variation.face_nose).float()
    look = draw.normal(count) * 0.5
    reach = is_face * (0.05 + 0.05 * draw.uniform(count))
    face = torch.stack([reach * look.sin(), is_face * (0.03 * draw.uniform(count) - 0.01), reach * look.cos()], dim=-1)
    offset[:, i("nose")] += face
    offset[:, i("head")] -= face
    offset[:, i("head")] += draw.normal(count, 3) * sd
    return offset


def _assemble(bones: Float[Tensor, "b 17 3"], pelvis: Float[Tensor, "b 3 3"]) -> Float[Tensor, "b 17 3"]:
    """Joint positions from bone vectors in segment frames."""
    _, chest = segment_frames(bones)
    bones = bones.clone()
    bones[:, IN_CHEST] = torch.einsum("nij,nkj->nki", chest, bones[:, IN_CHEST])
    bones = torch.einsum("nij,nkj->nki", pelvis, bones)
    xyz = torch.zeros_like(bones)
    for joint in _S.topological[1:]:
        xyz[:, joint] = xyz[:, _PARENT[joint]] + bones[:, joint]
    # Mixed left and right hips need not straddle the root any more: put it between them again.
    middle = (xyz[:, _S.index("left_hip")] + xyz[:, _S.index("right_hip")]) / 2
    xyz[:, _S.root] = middle
    return xyz - middle[:, None]
