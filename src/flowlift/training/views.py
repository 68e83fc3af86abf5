"""Virtual cameras and imperfect detectors: from bodies to what the network sees and must predict."""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from flowlift.conditioning import canonicalize, encode_pose, features
from flowlift.datasets.mocap import BONES_OF_STATURE
from flowlift.skeletons import HUMAN36M17
from flowlift.training.detections import draw_confidence, draw_noise
from flowlift.training.draw import Draw
from flowlift.training.segments import about_axis, any_rotation

TILTED = 5.0

_S = HUMAN36M17
_FACELESS = _S.indices(["spine", "thorax", "nose", "head"])


@dataclass(frozen=True)
class ViewVariation:
    """How cameras and detectors vary; angles in degrees, distances in bodies, noise as a fraction of the body.

    `roll`: standard deviation; of a share of `tilted` cameras TILTED times that."""

    pitch: tuple[float, float] = (-20.0, 60.0)
    roll: float = 8.0
    tilted: float = 0.1
    any_orientation: float = 0.12
    distance: tuple[float, float] = (1.2, 8.0)
    unknown_focal: float = 0.25
    noise: float = 0.03
    noiseless: float = 0.3
    outlier: float = 0.02
    complete: float = 0.35
    detector_like: float = 0.35
    honest_confidence: float = 0.6


@dataclass(frozen=True)
class TrainingBatch:
    """What the network sees, `features` (B, inputs), and what it must predict, `target` (B, 17, 3)."""

    features: Float[Tensor, "batch inputs"]
    target: Float[Tensor, "batch 17 3"]


def stature_of(xyz: Float[Tensor, "b 17 3"]) -> Float[Tensor, " b"]:
    """As `flowlift.datasets.mocap.stature`, on tensors."""
    bones = torch.stack([(xyz[:, a] - xyz[:, b]).norm(dim=-1) * weight for a, b, weight in BONES_OF_STATURE])
    return bones.sum(dim=0)


@dataclass(frozen=True)
class Sighting:
    """Bodies as one detector saw them, and the truth behind it, in the bodies' unit and the camera frame.

    `rays` (B, 17, 2) with noise, `visible` and `confidence` (B, 17); `xyz` (B, 17, 3) relative to the root at
    `root` (B, 3); `size` (B): ankle to head along the bones.
    """

    rays: Float[Tensor, "batch 17 2"]
    visible: Float[Tensor, "batch 17"]
    confidence: Float[Tensor, "batch 17"]
    xyz: Float[Tensor, "batch 17 3"]
    root: Float[Tensor, "batch 3"]
    size: Float[Tensor, " batch"]


def sample_sightings(bodies: Float[Tensor, "b 17 3"], variation: ViewVariation, generator: Generator) -> Sighting:
    """See each body (Y up, any unit) with a camera and a detector of its own."""
    count, draw = len(bodies), Draw(generator)
    size = stature_of(bodies)
    rotation = _orientations(count, variation, draw)
    xyz = torch.einsum("bij,bkj->bki", rotation, bodies)
    low, high = (math.log(d) for d in variation.distance)
    distance = draw.between(low, high, count).exp() * size
    nearest = -xyz[..., 2].amin(dim=1)
    distance = torch.maximum(distance, nearest + 0.3 * size)
    aim = (draw.uniform(count, 2) - 0.5) * 0.6 * size[:, None]
    root = torch.cat([aim, distance[:, None]], dim=-1)
    points = xyz + root[:, None]
    rays = points[..., :2] / points[..., 2:]
    noise_sd = draw_noise(count, len(_S), variation, draw)
    error = draw.normal(count, 17, 2) * (noise_sd * (size / distance)[:, None])[..., None]
    confidence = draw_confidence(noise_sd, variation, draw)
    return Sighting(rays + error, _visibility(count, variation, draw), confidence, xyz, root, size)


def sample_views(bodies: Float[Tensor, "b 17 3"], variation: ViewVariation, generator: Generator) -> TrainingBatch:
    """What the network sees of each body, and must predict; the focal length is misjudged some of the time."""
    seen = sample_sightings(bodies, variation, generator)
    view = canonicalize(seen.rays, seen.visible, seen.confidence)
    measure = torch.einsum("bj,bj->b", view.rotation[:, 2], seen.root) * view.scale
    pose = torch.einsum("bij,bkj->bki", view.rotation, seen.xyz) / measure[:, None, None]
    target = encode_pose(pose, seen.size / measure, _S.root)
    chance, error = Draw(generator).uniform(2, len(bodies))
    misjudged = ((chance < variation.unknown_focal) * (error - 0.5) * 0.8).exp()
    return TrainingBatch(features(replace(view, scale=view.scale * misjudged)), target)


def _orientations(count: int, variation: ViewVariation, draw: Draw) -> Float[Tensor, "b 3 3"]:
    """World (Y up) to camera frame (y down, z forward): any yaw, the camera's pitch and roll; sometimes anything."""
    device = draw.generator.device
    low, high = (math.radians(a) for a in variation.pitch)
    down = torch.diag(torch.tensor([1.0, -1.0, -1.0], device=device)).expand(count, 3, 3)
    yaw = about_axis(1, draw.uniform(count) * 2 * math.pi)
    pitch = about_axis(0, draw.between(low, high, count))
    roll = draw.normal(count) * math.radians(variation.roll)
    anyhow = any_rotation(count, draw)
    chance = draw.uniform(count)
    aslant = chance < variation.any_orientation + variation.tilted
    upright = about_axis(2, torch.where(aslant, TILTED * roll, roll)) @ pitch @ down @ yaw
    pick = (chance < variation.any_orientation)[:, None, None]
    return torch.where(pick, anyhow, upright)


def _visibility(count: int, variation: ViewVariation, draw: Draw) -> Float[Tensor, "b 17"]:
    """Everything; what detectors lack (trunk and head points); some joints; or half of a body. Never under 5."""
    kind, device = draw.uniform(count, 1), draw.generator.device
    visible = torch.ones(count, 17, device=device)
    lacking = torch.ones(count, 17, device=device)
    lacking[:, _FACELESS] = (draw.uniform(count, 4) < torch.tensor([0.1, 0.5, 0.6, 0.3], device=device)).float()
    random = (draw.uniform(count, 17) > 0.3 * draw.uniform(count, 1)).float()
    limbs = [
        _S.indices(names)
        for names in (
            ["left_knee", "left_ankle", "right_knee", "right_ankle"],
            ["left_ankle", "right_ankle"],
            ["left_elbow", "left_wrist"],
            ["right_elbow", "right_wrist"],
            ["left_hip", "left_knee", "left_ankle"],
            ["hip", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"],
        )
    ]
    half = torch.ones(count, 17, device=device)
    which = (draw.uniform(count) * len(limbs)).long()
    for index, joints in enumerate(limbs):
        rows = (which == index).nonzero()[:, 0]
        half[rows[:, None], torch.tensor(joints, device=device)] = 0
    a, b = variation.complete, variation.complete + variation.detector_like
    visible = torch.where(kind < a, visible, torch.where(kind < b, lacking, random))
    partly = draw.uniform(count, 1)
    visible = torch.where((kind >= a) & (partly < 0.2), visible * half, visible)
    visible = torch.where((kind >= a) & (partly > 0.85), visible * random, visible)
    return torch.where(visible.sum(dim=1, keepdim=True) >= 5, visible, torch.ones_like(visible))
