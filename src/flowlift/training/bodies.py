"""Varied bodies from captured poses: limbs mixed between poses, joints turned, folded, proportions changed.

Made in batches on the training device. Poses are bone vectors in the frames of the pelvis and the chest, so that a
limb can be taken from another pose and still hang right.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

from flowlift.skeletons import HUMAN36M17
from flowlift.training.draw import Draw
from flowlift.training.postures import in_postures
from flowlift.training.segments import IN_CHEST, Bones, about_axis, leg_lengths, rotation_from_vector, segment_frames

USUAL = 0.35
"""How far most bodies' proportions vary, of how far unusual ones' do: by 4 to 7 %, as those of adults."""

ELSEWHERE = 0.7
"""How far definitions of anatomical bodies' joints vary, at least, of how far unusual ones do: hips of detectors and of
captures lie 3 to 5 cm apart (Needham et al. 2021, doi:10.1038/s41598-021-00212-x)."""

_S = HUMAN36M17
_PARENT = _S.parent_indices
_LEG = {side: _S.indices([f"{side}_hip", f"{side}_knee", f"{side}_ankle"]) for side in ("left", "right")}
_ARM = {side: _S.indices([f"{side}_elbow", f"{side}_wrist"]) for side in ("left", "right")}
_TRUNK = _S.indices(["spine", "thorax", "left_shoulder", "right_shoulder"])
_HEAD = _S.indices(["nose", "head"])
_PARTS = (_LEG["left"], _LEG["right"], _TRUNK, _ARM["left"], _ARM["right"], _HEAD)
_ANATOMY = {"hip": (0.09, 0.155), "elbow": (0.29, 0.38), "wrist": (0.26, 0.33)}
"""How long bones are whose ends lie where joints turn, in legs, from the narrowest to the widest of what anthropometry
(Drillis and Contini, doi:10.1080/00140136608964389: arm 0.186 and 0.146 of the height, leg 0.491) and the skeletons of
body models and data sets say. A bone is named by its end; the hip's goes from the root."""
_THIGH = (0.46, 0.52)
"""How much of a leg is its thigh, likewise."""
_LOWER = (0.05, 0.13)
"""How far the thorax of who has it between the shoulders, as Human3.6M does (0.55 legs above the hip), lies below a
capture's lower neck (0.66), in legs."""


@dataclass(frozen=True)
class BodyVariation:
    """How far bodies are varied; lengths as standard deviations of the log, angles in radians.

    `unusual`: how often proportions and joints' definitions vary as widely as told; else by USUAL of that. `posture`:
    share of bodies that are put into a posture near the ground (`training.postures`). `anatomical`: share of bodies
    whose wrists, elbows, knees and hips are where limbs turn, and whose joints' definitions vary by ELSEWHERE or more;
    half of them have the thorax between the shoulders.
    A capture's need not be there: Acclaim skeletons have a joint for the forearm's twist, two thirds of the way to the
    wrist, which is commonly read as the wrist.
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
    anatomical: float = 0.0


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
    anatomical = draw.uniform(count) < variation.anatomical
    bones = _anatomical(bones, anatomical, draw)
    bones = _proportion(bones, anatomical, variation, draw)
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


def _anatomical(bones: Bones, chosen: Bool[Tensor, " b"], draw: Draw) -> Bones:
    """Give some bodies the proportions of joints that lie where limbs turn; both sides the same."""
    count = len(bones)
    legs = leg_lengths(bones)
    thigh = draw.between(*_THIGH, count)
    length = {"knee": thigh, "ankle": 1 - thigh} | {name: draw.between(*of, count) for name, of in _ANATOMY.items()}
    bones = bones.clone()
    for name, in_legs in length.items():
        pair = _S.indices([f"left_{name}", f"right_{name}"])
        wanted = torch.nn.functional.normalize(bones[:, pair], dim=-1) * (in_legs * legs)[:, None, None]
        bones[:, pair] = torch.where(chosen[:, None, None], wanted, bones[:, pair])
    lower = draw.between(*_LOWER, count) * legs * (chosen & (draw.uniform(count) < 0.5))
    return _lower_thorax(bones, lower, draw.uniform(count))


def _lower_thorax(bones: Bones, lower: Float[Tensor, " b"], stays: Float[Tensor, " b"]) -> Bones:
    """The thorax by so much nearer to the spine, shoulders where they were; of the way down the head `stays` behind."""
    thorax, nose = _S.indices(["thorax", "nose"])
    down = -torch.nn.functional.normalize(bones[:, thorax], dim=-1) * lower[:, None]
    chest = segment_frames(bones)[1]
    bones = bones.clone()
    bones[:, thorax] += down
    bones[:, _S.indices(["left_shoulder", "right_shoulder"])] -= down[:, None]
    bones[:, nose] -= torch.einsum("bij,bi->bj", chest, down) * stays[:, None]
    return bones


def _proportion(bones: Bones, anatomical: Bool[Tensor, " b"], variation: BodyVariation, draw: Draw) -> Bones:
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
    return bones + _definition_offsets(
        torch.where(anatomical, strength.clamp(min=ELSEWHERE), strength), variation, draw
    )


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
