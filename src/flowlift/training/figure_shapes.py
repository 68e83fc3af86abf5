"""Other bodies for captured poses: longer and shorter bones, another body's, broad and narrow ones, and joints that are
said to be elsewhere."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from flowlift.training.draw import Draw
from flowlift.training.figure_bank import FigureBank
from flowlift.training.figure_variation import FigureVariation
from flowlift.training.segments import rotation_from_vector
from flowlift.training.tree import Tree

SPECIES = (-0.3, 1.3)
"""How far a body goes towards another's shape: 1 has it, below 0 and above 1 exaggerates a difference."""
_TURNED = 1.5
"""Radians that a bone turns at most on the way to another body's."""


def shaped(
    bank: FigureBank,
    source: Int64[Tensor, "b joint"],
    strength: Float[Tensor, "b 1"],
    variation: FigureVariation,
    draw: Draw,
) -> Float[Tensor, "b joint 3"]:
    """Bones of other bodies than those that were captured. `source`: the pose that each bone is taken from; `strength`:
    how far lengths vary, of what `variation` tells."""
    bones = _towards_others(bank, source, variation, draw)
    longer = strength * _log_lengths(bank.tree, len(bones), variation, draw)
    return _widened(bones * longer.exp()[..., None], bank.tree, strength * variation.width, draw)


def joint_offsets(bank: FigureBank, count: int, draw: Draw) -> Float[Tensor, "b joint 3"]:
    """Where joints are said to be, of unit size: the mirror image right of what it is left, nothing across in the
    middle."""
    tree, device = bank.tree, bank.bones.device
    pair, mirror = (torch.tensor(which, device=device) for which in (tree.pair_of_joint, tree.skeleton.mirror))
    joints = torch.arange(len(pair), device=device)
    across = torch.where(mirror == joints, 0.0, torch.where(pair == joints, 1.0, -1.0))
    left = draw.normal(count, len(joints), 3)[:, pair]
    return left + ((left @ bank.aside) * (across - 1))[..., None] * bank.aside


def _towards_others(
    bank: FigureBank, source: Int64[Tensor, "b joint"], variation: FigureVariation, draw: Draw
) -> Float[Tensor, "b joint 3"]:
    """Bones as long as another body's, and lying as its do, part of the way, or beyond."""
    joints = torch.arange(source.shape[1], device=source.device)
    bones, own = bank.bones[source, joints], bank.shapes[bank.body[source], joints]
    other = bank.shapes[draw.integers(len(bank.shapes), len(source))]
    least, most = SPECIES
    way = least + (most - least) * draw.uniform(len(source), 1, 1)
    way = torch.where(draw.uniform(len(source), 1, 1) < variation.species, way, 0.0)
    a, b = own.norm(dim=-1, keepdim=True), other.norm(dim=-1, keepdim=True)
    way = torch.where(torch.minimum(a, b) > 1e-4, way, 0.0)
    longer = (way * (b.clamp(min=1e-4) / a.clamp(min=1e-4)).log()).clamp(-1.5, 1.5)
    across, along = torch.linalg.cross(own, other), (own * other).sum(dim=-1, keepdim=True)
    angle = torch.atan2(across.norm(dim=-1, keepdim=True), along)
    turn = (way * angle).clamp(-_TURNED, _TURNED) * torch.nn.functional.normalize(across, dim=-1)
    return torch.einsum("bjxy,bjy->bjx", rotation_from_vector(turn), bones * longer.exp())


def _log_lengths(tree: Tree, count: int, variation: FigureVariation, draw: Draw) -> Float[Tensor, "b joint"]:
    """Log of the factors of the bones' lengths: the same left and right, but for the asymmetry."""
    joints = len(tree.skeleton)
    limb = draw.normal(count, joints)[:, tree.pair_of_branch] * variation.limb_length
    bone = draw.normal(count, joints)[:, tree.pair_of_joint] * variation.bone_length
    return (limb + bone + draw.normal(count, joints) * variation.asymmetry).clamp(-1.0, 1.0)


def _widened(
    bones: Float[Tensor, "b joint 3"], tree: Tree, spread: Float[Tensor, "b 1"], draw: Draw
) -> Float[Tensor, "b joint 3"]:
    """Pairs that hang on one joint further apart, or closer together: half of it all alike, half each its own way.
    `spread`: standard deviation of the log."""
    parents = tree.skeleton.parent_indices
    pairs = [tree.skeleton.indices(pair) for pair in tree.skeleton.pairs]
    hung = [(left, right) for left, right in pairs if parents[left] == parents[right]]
    left, right = [left for left, _ in hung], [right for _, right in hung]
    common, own = draw.normal(len(bones), 1), draw.normal(len(bones), len(hung))
    factor = (spread * (common + own) / 2**0.5).clamp(-1.0, 1.0).exp()[..., None]
    moved = (factor - 1) * (bones[:, left] - bones[:, right]) / 2
    widened = bones.clone()
    widened[:, left] += moved
    widened[:, right] -= moved
    return widened
