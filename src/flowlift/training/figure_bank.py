"""Captured poses of any skeleton as bone vectors, so that a branch of one fits another.

All poses of a bank are turned to stand as alike as they can, and a joint that a pose lacks is taken from the pose that
is nearest to it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from flowlift.skeleton import Skeleton
from flowlift.training.tree import Tree, tree_of

REFERENCES = 300
"""So many poses, spread over the bank, are searched for one that is near."""


@dataclass(frozen=True)
class FigureBank:
    """Poses as bone vectors: `bones` (N, J, 3) in each pose's frame, `frames` (N, 3, 3) from there to the world.

    `known` (N, J): what was captured; the rest is filled in. The second half are the first half's mirror images.
    `aside`, `upward` (3,): the body's left and its back's way up, in that frame. `body` (N,): whose pose it is;
    `shapes` (body, J, 3): the bones of each as they lie on average.
    """

    tree: Tree
    bones: Float[Tensor, "pose joint 3"]
    frames: Float[Tensor, "pose 3 3"]
    known: Bool[Tensor, "pose joint"]
    aside: Float[Tensor, "3"]
    upward: Float[Tensor, "3"]
    body: Int64[Tensor, " pose"]
    shapes: Float[Tensor, "body joint 3"]

    @classmethod
    def from_positions(
        cls, xyz: Float[Tensor, "pose joint 3"], skeleton: Skeleton, body: Int64[Tensor, " pose"] | None = None
    ) -> "FigureBank":
        """From joint positions (Y up, body lengths, NaN where unknown). `body`: whose pose each is; where it is not
        told, all are one's."""
        body = (torch.zeros(len(xyz), dtype=torch.long) if body is None else body).to(xyz.device).repeat(2)
        mirrored = xyz[:, list(skeleton.mirror)] * torch.tensor([-1.0, 1.0, 1.0], device=xyz.device)
        xyz = torch.cat([xyz, mirrored])
        known = torch.isfinite(xyz).all(dim=-1)
        frames, local = _alike(torch.where(known[..., None], xyz, torch.zeros_like(xyz)), known)
        tree = tree_of(skeleton)
        local = _filled(local, known, tree)
        bones = local - local[:, [max(parent, 0) for parent in skeleton.parent_indices]]
        bones[:, skeleton.root] = 0
        return cls(tree, bones, frames, known, *_sides(local.mean(dim=0), tree), body, _shapes(bones, body))

    def __len__(self) -> int:
        return len(self.bones)


def _shapes(bones: Float[Tensor, "pose joint 3"], body: Int64[Tensor, " pose"]) -> Float[Tensor, "body joint 3"]:
    """How each body's bones lie on average: the mean of their directions, as long as their median."""
    unit = torch.nn.functional.normalize(bones, dim=-1)
    return torch.stack(
        [
            torch.nn.functional.normalize(unit[body == one].mean(dim=0), dim=-1)
            * bones[body == one].norm(dim=-1).median(dim=0).values[:, None]
            for one in range(int(body.max()) + 1)
        ]
    )


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
