"""Frames of body segments, and the rotations that bodies are varied with."""

import torch
from jaxtyping import Float
from torch import Tensor

from flowlift.skeletons import HUMAN36M17
from flowlift.training.draw import Draw

Bones = Float[Tensor, "b 17 3"]

_S = HUMAN36M17
IN_CHEST = _S.indices(["left_elbow", "left_wrist", "right_elbow", "right_wrist", "nose", "head"])
"""Joints whose bones are told in the chest's frame; all others' are told in the pelvis'."""
_LEGS = _S.indices(["left_knee", "left_ankle", "right_knee", "right_ankle"])


def unit(v: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    return torch.nn.functional.normalize(v, dim=-1)


def frame(across: Float[Tensor, "*batch 3"], up: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Columns: left, up, forward of a body segment; maps the segment's coordinates to the world's."""
    left = unit(across)
    forward = unit(torch.cross(left, up, dim=-1))
    return torch.stack([left, torch.cross(forward, left, dim=-1), forward], dim=-1)


def segment_frames(bones: Bones) -> tuple[Float[Tensor, "b 3 3"], Float[Tensor, "b 3 3"]]:
    """Pelvis and chest frames from bone vectors that share one frame."""
    i = _S.index
    pelvis = frame(bones[:, i("left_hip")] - bones[:, i("right_hip")], bones[:, i("spine")])
    chest = frame(bones[:, i("left_shoulder")] - bones[:, i("right_shoulder")], bones[:, i("thorax")])
    return pelvis, chest


def leg_lengths(bones: Bones) -> Float[Tensor, " b"]:
    """Thigh and shank, the mean of both sides."""
    return bones[:, _LEGS].norm(dim=-1).sum(dim=1) / 2


def rotation_from_vector(v: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Rodrigues: the rotation by |v| radians about v."""
    angle = v.norm(dim=-1, keepdim=True).clamp(min=1e-8)
    x, y, z = (v / angle).unbind(-1)
    o = torch.zeros_like(x)
    k = torch.stack([o, -z, y, z, o, -x, -y, x, o], dim=-1).reshape(*v.shape[:-1], 3, 3)
    s, c = angle.sin()[..., None], angle.cos()[..., None]
    return torch.eye(3, device=v.device) + s * k + (1 - c) * (k @ k)


def about_axis(axis: int, angle: Float[Tensor, " b"]) -> Float[Tensor, "b 3 3"]:
    """Rotations by angles (rad) about one axis of a frame; of a body segment's: 0 its left, 1 its up, 2 its forward."""
    vector = torch.zeros(len(angle), 3, device=angle.device)
    vector[:, axis] = angle
    return rotation_from_vector(vector)


def any_rotation(count: int, draw: Draw) -> Float[Tensor, "count 3 3"]:
    """Rotations spread evenly: from quaternions spread so."""
    quaternion = torch.nn.functional.normalize(draw.normal(count, 4), dim=-1)
    w, v = quaternion[:, :1], quaternion[:, 1:]
    half = v.norm(dim=-1, keepdim=True).clamp(min=1e-8)
    return rotation_from_vector(v / half * 2 * torch.atan2(half, w))
