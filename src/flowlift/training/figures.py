"""Varied bodies of any skeleton from captured poses: branches mixed between poses, joints turned, shapes changed.

Made in batches on the training device.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Generator, Tensor

from flowlift.training.bodies import USUAL
from flowlift.training.draw import Draw
from flowlift.training.figure_bank import FigureBank
from flowlift.training.figure_shapes import joint_offsets, shaped
from flowlift.training.figure_turns import turned
from flowlift.training.figure_variation import FigureVariation
from flowlift.training.segments import rotation_from_vector
from flowlift.training.tree import Tree


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
    strength = torch.where(draw.uniform(count, 1) < variation.unusual, 1.0, USUAL)
    captured, bones = bank.bones[source, joints], shaped(bank, source, strength, variation, draw)
    size = chain_length(assemble(bones, tree), tree) / chain_length(assemble(captured, tree), tree).clamp(min=1e-6)
    moved = assemble(turned(bank, bones, strength, variation, draw), tree)
    moved = moved + strength[..., None] * variation.joint_offset * joint_offsets(bank, count, draw)
    moved = moved - moved[:, tree.skeleton.root, None]
    tilt = rotation_from_vector(draw.normal(count, 3) * variation.tilt)
    return Figures(
        torch.einsum("bij,bkj->bki", tilt @ bank.frames[pose], moved), size, bank.known[source, joints], pose
    )


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
