"""Varied bodies of any skeleton from captured poses: branches mixed between poses, joints turned, proportions changed.

Made in batches on the training device. All poses of a bank are turned to stand as alike as they can, so that a branch
of one fits another, and a joint that a pose lacks can be taken from the pose that is nearest to it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Generator, Tensor

from flowlift.skeleton import Skeleton
from flowlift.training.bodies import USUAL
from flowlift.training.draw import Draw
from flowlift.training.segments import rotation_from_vector
from flowlift.training.tree import Tree, tree_of

REFERENCES = 300
"""So many poses, spread over the bank, are searched for one that is near."""
CURVED = (1.3, 0.5)
"""How far each bone of a body that curves turns at most against the one before it: to a side, and up or down."""

SPECIES = (-0.3, 1.3)
"""How far a body goes towards another's proportions: 1 has its, below 0 and above 1 exaggerates a difference."""


@dataclass(frozen=True)
class FigureVariation:
    """How far bodies are varied; lengths as standard deviations of the log, angles in radians.

    `mix`: share of bodies that take some branches (limbs, head, tail) from another pose. `joint_angle`: of every joint,
    with what hangs on it; drawn anew for each body between 0 and twice that. `limb_length`: of all bones of a branch
    together, left and right alike; `bone_length`: of each; `asymmetry`: of left against right. `joint_offset`: where a
    joint is said to be, in body lengths. `tilt`: of the whole body. `unusual`: share of bodies whose lengths, angles
    and offsets vary as widely as told; of the others by USUAL of that. `curve`: share of bodies that curve from nose
    to tail as those do that turn, curl up or rear: as far as CURVED says, every bone in the body's middle as the next.
    `species`: share of bodies whose bones are as long as another's of the bank, or SPECIES of the way there. `swing`:
    angle of every joint about the line across the body, as legs swing and necks nod; drawn as `joint_angle` is.
    """

    mix: float = 0.3
    joint_angle: float = 0.1
    limb_length: float = 0.05
    bone_length: float = 0.05
    asymmetry: float = 0.01
    joint_offset: float = 0.005
    tilt: float = 0.1
    unusual: float = 1.0
    curve: float = 0.0
    species: float = 0.0
    swing: float = 0.0


AS_CAPTURED = FigureVariation(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class FigureBank:
    """Poses as bone vectors: `bones` (N, J, 3) in each pose's frame, `frames` (N, 3, 3) from there to the world.

    `known` (N, J): what was captured; the rest is filled in. The second half are the first half's mirror images.
    `aside`, `upward` (3,): the body's left and its back's way up, in that frame.
    """

    tree: Tree
    bones: Float[Tensor, "pose joint 3"]
    frames: Float[Tensor, "pose 3 3"]
    known: Bool[Tensor, "pose joint"]
    aside: Float[Tensor, "3"]
    upward: Float[Tensor, "3"]

    @classmethod
    def from_positions(cls, xyz: Float[Tensor, "pose joint 3"], skeleton: Skeleton) -> "FigureBank":
        """From joint positions (Y up, body lengths, NaN where unknown)."""
        mirrored = xyz[:, list(skeleton.mirror)] * torch.tensor([-1.0, 1.0, 1.0], device=xyz.device)
        xyz = torch.cat([xyz, mirrored])
        known = torch.isfinite(xyz).all(dim=-1)
        frames, local = _alike(torch.where(known[..., None], xyz, torch.zeros_like(xyz)), known)
        tree = tree_of(skeleton)
        local = _filled(local, known, tree)
        bones = local - local[:, [max(parent, 0) for parent in skeleton.parent_indices]]
        bones[:, skeleton.root] = 0
        return cls(tree, bones, frames, known, *_sides(local.mean(dim=0), tree))

    def __len__(self) -> int:
        return len(self.bones)


@dataclass(frozen=True)
class Figures:
    """Bodies `xyz` (B, J, 3): Y up, root at the origin, in the body lengths of the captured body. `size` (B): their own
    body lengths in that unit. `known` (B, J); `pose` (B): which of the bank each was made of."""

    xyz: Float[Tensor, "figure joint 3"]
    size: Float[Tensor, " figure"]
    known: Bool[Tensor, "figure joint"]
    pose: Int64[Tensor, " figure"]


def sample_figures(bank: FigureBank, count: int, variation: FigureVariation, generator: Generator) -> Figures:
    """Varied bodies of random poses."""
    draw = Draw(generator)
    return figures_of(bank, draw.integers(len(bank), count), variation, generator)


def figures_of(
    bank: FigureBank, pose: Int64[Tensor, " figure"], variation: FigureVariation, generator: Generator
) -> Figures:
    """Varied bodies of the poses that are named."""
    draw, tree, count = Draw(generator), bank.tree, len(pose)
    joints = torch.arange(len(tree.skeleton), device=pose.device)
    source = _mixed(bank, pose, variation, draw)[:, torch.from_numpy(tree.branch).to(pose.device)]
    bones, known = bank.bones[source, joints], bank.known[source, joints]
    strength = torch.where(draw.uniform(count, 1) < variation.unusual, 1.0, USUAL)
    factors = strength * _lengths(tree, count, variation, draw) + _towards_others(bank, bones, variation, draw)
    longer = bones * factors.exp()[..., None]
    size = chain_length(assemble(longer, tree), tree) / chain_length(assemble(bones, tree), tree).clamp(min=1e-6)
    moved = assemble(_turned(longer, tree, _turns(bank, strength, variation, draw)), tree)
    moved = moved + draw.normal(count, len(joints), 3) * strength[..., None] * variation.joint_offset
    moved = moved - moved[:, tree.skeleton.root, None]
    tilt = rotation_from_vector(draw.normal(count, 3) * variation.tilt)
    return Figures(torch.einsum("bij,bkj->bki", tilt @ bank.frames[pose], moved), size, known, pose)


def assemble(bones: Float[Tensor, "b joint 3"], tree: Tree) -> Float[Tensor, "b joint 3"]:
    """Joint positions from bone vectors, the root at the origin."""
    xyz = torch.zeros_like(bones)
    for level in tree.levels:
        above = [tree.skeleton.parent_indices[joint] for joint in level]
        xyz[:, list(level)] = xyz[:, above] + bones[:, list(level)]
    return xyz


def chain_length(xyz: Float[Tensor, "b joint 3"], tree: Tree) -> Float[Tensor, " b"]:
    """The body's length: `Skeleton.size_chain`."""
    chain = xyz[:, tree.chain()]
    return (chain[:, 1:] - chain[:, :-1]).norm(dim=-1).sum(dim=-1)


def _mixed(
    bank: FigureBank, pose: Int64[Tensor, " b"], variation: FigureVariation, draw: Draw
) -> Int64[Tensor, "b branch"]:
    """Which pose each branch comes from: mostly the same; else half of the branches from one other pose each."""
    count, branches = len(pose), bank.tree.branches
    other = draw.integers(len(bank), count, branches)
    taken = (draw.uniform(count, 1) < variation.mix) & (draw.uniform(count, branches) < 0.5)
    taken[:, bank.tree.branch[bank.tree.skeleton.root]] = False
    return torch.where(taken, other, pose[:, None])


def _lengths(tree: Tree, count: int, variation: FigureVariation, draw: Draw) -> Float[Tensor, "b joint"]:
    """Log of the factors of the bones' lengths: the same left and right, but for the asymmetry."""
    joints = len(tree.skeleton)
    limb = draw.normal(count, joints)[:, tree.pair_of_branch] * variation.limb_length
    bone = draw.normal(count, joints)[:, tree.pair_of_joint] * variation.bone_length
    return (limb + bone + draw.normal(count, joints) * variation.asymmetry).clamp(-1.0, 1.0)


def _towards_others(
    bank: FigureBank, bones: Float[Tensor, "b joint 3"], variation: FigureVariation, draw: Draw
) -> Float[Tensor, "b joint"]:
    """Log of the factors that take bones to the lengths of another body's, part of the way, or beyond."""
    count, (least, most) = len(bones), SPECIES
    other, own = bank.bones[draw.integers(len(bank), count)].norm(dim=-1), bones.norm(dim=-1)
    way = least + (most - least) * draw.uniform(count, 1)
    way = torch.where(draw.uniform(count, 1) < variation.species, way, 0.0)
    ratio = (other.clamp(min=1e-4) / own.clamp(min=1e-4)).log()
    return (way * torch.where(torch.minimum(own, other) > 1e-4, ratio, 0.0)).clamp(-1.5, 1.5)


def _turns(
    bank: FigureBank, strength: Float[Tensor, "b 1"], variation: FigureVariation, draw: Draw
) -> Float[Tensor, "b joint 3 3"]:
    """How far each joint turns against the one before: anyhow, about the line across the body, and in a curve."""
    count, joints = len(strength), len(bank.tree.skeleton)
    anyhow = 2 * strength * draw.uniform(count, 1) * variation.joint_angle
    turned = draw.normal(count, joints, 3) * anyhow[..., None]
    swings = 2 * strength * draw.uniform(count, 1) * variation.swing
    swung = (draw.normal(count, joints) * swings)[..., None] * bank.aside
    curved = _curved(bank, draw.uniform(count) < variation.curve, draw)
    return rotation_from_vector(curved) @ rotation_from_vector(swung) @ rotation_from_vector(turned)


def _curved(bank: FigureBank, which: Bool[Tensor, " b"], draw: Draw) -> Float[Tensor, "b joint 3"]:
    """How each joint turns (rotation vectors) in bodies that curve: the same way along the body's middle, and back
    along a tail, which is followed from the other end. `which`: those that do."""
    skeleton, branch = bank.tree.skeleton, torch.from_numpy(bank.tree.branch)
    middle = torch.arange(len(skeleton)) == torch.tensor(skeleton.mirror)
    sign = torch.where(middle, torch.where(branch == 0, 1.0, -1.0), 0.0).to(which.device)
    way = sum(
        axis * most * (2 * draw.uniform(len(which), 1) - 1)
        for axis, most in zip((bank.upward, bank.aside), CURVED, strict=True)
    )
    return sign[:, None] * (which.float()[:, None] * way)[:, None]


def _turned(
    bones: Float[Tensor, "b joint 3"], tree: Tree, turns: Float[Tensor, "b joint 3 3"]
) -> Float[Tensor, "b joint 3"]:
    """Bones turned at every joint; what hangs on one turns with it."""
    carried = turns.clone()
    carried[:, tree.skeleton.root] = torch.eye(3, device=bones.device)
    for level in tree.levels:
        above = [tree.skeleton.parent_indices[joint] for joint in level]
        carried[:, list(level)] = carried[:, above] @ turns[:, list(level)]
    return torch.einsum("bjxy,bjy->bjx", carried, bones)


def _alike(
    xyz: Float[Tensor, "pose joint 3"], known: Bool[Tensor, "pose joint"]
) -> tuple[Float[Tensor, "pose 3 3"], Float[Tensor, "pose joint 3"]]:
    """Rotations from a common frame to each pose's, and the poses in that frame, about the centre of what is known."""
    weight = known.to(xyz.dtype)[..., None]
    centred = (xyz - (xyz * weight).sum(dim=1, keepdim=True) / weight.sum(dim=1, keepdim=True).clamp(min=1)) * weight
    mean, local = centred[int(known.sum(dim=1).argmax())], centred
    frames = torch.eye(3, device=xyz.device).expand(len(xyz), 3, 3)
    for _ in range(3):
        u, _, vh = torch.linalg.svd(torch.einsum("nji,jk->nik", centred, mean))
        signs = torch.ones(len(xyz), 3, device=xyz.device)
        signs[:, 2] = torch.linalg.det(u @ vh).sign()
        frames = (u * signs[:, None]) @ vh
        local = torch.einsum("nij,nki->nkj", frames, centred)
        mean = local.sum(dim=0) / weight.sum(dim=0).clamp(min=1)
    return frames, local


def _sides(mean: Float[Tensor, "joint 3"], tree: Tree) -> tuple[Float[Tensor, "3"], Float[Tensor, "3"]]:
    """A body's left and its way up: left is across the line from its chain's end to its start, on the side of the left
    joints; where no joint has a side, any way across will do."""
    skeleton, chain = tree.skeleton, tree.chain()
    along = torch.nn.functional.normalize(mean[chain[0]] - mean[chain[-1]], dim=0)
    left = 1e-4 * torch.eye(3, device=mean.device)[along.abs().argmin()]
    for pair in skeleton.pairs:
        one, other = skeleton.indices(pair)
        left = left + mean[one] - mean[other]
    left = torch.nn.functional.normalize(left - (left @ along) * along, dim=0)
    return left, torch.linalg.cross(along, left)


def _filled(
    local: Float[Tensor, "pose joint 3"], known: Bool[Tensor, "pose joint"], tree: Tree
) -> Float[Tensor, "pose joint 3"]:
    """Every unknown joint as in the nearest pose that knows it, hung on the nearest joint that is known."""
    lacking = (~known).any(dim=1).nonzero()[:, 0]
    spread = torch.linspace(0, len(local) - 1, min(REFERENCES, len(local)), device=local.device).round().long()
    hops = torch.from_numpy(tree.hops).to(local.device)
    filled = local.clone()
    for rows in torch.split(lacking, 512):
        both = known[rows, None] & known[spread]
        apart = (local[rows, None] - local[spread]).norm(dim=-1) * both
        apart = torch.where(both.any(dim=-1), apart.sum(dim=-1) / both.sum(dim=-1).clamp(min=1), torch.inf)
        for joint in range(local.shape[1]):
            these = (~known[rows, joint]).nonzero()[:, 0]
            if not len(these):
                continue
            near = hops[joint].expand(len(these), -1).masked_fill(~known[rows[these]], len(hops) + 1).argmin(dim=1)
            usable = known[spread, joint] & known[spread][:, near].T
            best = spread[apart[these].masked_fill(~usable, torch.inf).argmin(dim=1)]
            step = local[best, joint] - local[best, near]
            filled[rows[these], joint] = local[rows[these], near] + torch.where(known[best, joint, None], step, 0.0)
    return filled
