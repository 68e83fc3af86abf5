"""Other poses for captured ones: joints turned anyhow, limbs swung, tails wagged, bodies curved."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from flowlift.training.draw import Draw
from flowlift.training.figure_bank import FigureBank
from flowlift.training.figure_variation import FigureVariation
from flowlift.training.segments import rotation_from_vector

CURVED = (1.3, 0.5)
"""How far each bone of a body that curves turns at most against the one before it: to a side, and up or down."""


def turned(
    bank: FigureBank,
    bones: Float[Tensor, "b joint 3"],
    strength: Float[Tensor, "b 1"],
    variation: FigureVariation,
    draw: Draw,
) -> Float[Tensor, "b joint 3"]:
    """Bones turned at every joint; what hangs on one turns with it. `strength`: how far, of what `variation` tells."""
    tree, turns = bank.tree, _turns(bank, strength, variation, draw)
    carried = turns.clone()
    carried[:, tree.skeleton.root] = torch.eye(3, device=bones.device)
    for level in tree.levels:
        above = [tree.skeleton.parent_indices[joint] for joint in level]
        carried[:, list(level)] = carried[:, above] @ turns[:, list(level)]
    return torch.einsum("bjxy,bjy->bjx", carried, bones)


def _turns(
    bank: FigureBank, strength: Float[Tensor, "b 1"], variation: FigureVariation, draw: Draw
) -> Float[Tensor, "b joint 3 3"]:
    """How far each joint turns against the one before: anyhow, about the line across the body, and in a curve."""
    count, joints = len(strength), len(bank.tree.skeleton)
    anyhow, swings, wags = (
        2 * strength * draw.uniform(count, 1) * most for most in (variation.joint_angle, variation.swing, variation.wag)
    )
    turning = draw.normal(count, joints, 3) * anyhow[..., None]
    wagging = draw.normal(count, joints, 3) * (wags * (_in_the_middle(bank) < 0))[..., None]
    swinging = (draw.normal(count, joints) * swings)[..., None] * bank.aside
    curving = _curves(bank, draw.uniform(count) < variation.curve, draw)
    return rotation_from_vector(curving) @ rotation_from_vector(swinging) @ rotation_from_vector(turning + wagging)


def _in_the_middle(bank: FigureBank) -> Float[Tensor, " joint"]:
    """1 for joints of the trunk's middle, -1 for those of branches that leave it there, as tails do; 0 for others."""
    branch, mirror = torch.from_numpy(bank.tree.branch), torch.tensor(bank.tree.skeleton.mirror)
    way = torch.where(branch == 0, 1.0, -1.0).masked_fill(mirror != torch.arange(len(mirror)), 0.0)
    return way.to(bank.bones.device)


def _curves(bank: FigureBank, which: Bool[Tensor, " b"], draw: Draw) -> Float[Tensor, "b joint 3"]:
    """How each joint turns (rotation vectors) in bodies that curve: the same way along the body's middle, and back
    along a tail, which is followed from the other end. `which`: those that do."""
    way = sum(
        axis * most * (2 * draw.uniform(len(which), 1) - 1)
        for axis, most in zip((bank.upward, bank.aside), CURVED, strict=True)
    )
    return _in_the_middle(bank)[:, None] * (which.float()[:, None] * way)[:, None]
