"""Bodies of any skeleton as cameras and detectors see them: virtual cameras all round, and a session's real ones."""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Generator, Tensor

from flowlift.conditioning import canonicalize, encode_pose, features
from flowlift.training.detections import draw_confidence, draw_noise
from flowlift.training.draw import Draw
from flowlift.training.figures import Figures
from flowlift.training.segments import about_axis, any_rotation
from flowlift.training.tree import Tree

NEAREST = 0.3
"""No joint comes nearer to a virtual camera than so many body lengths."""


@dataclass(frozen=True)
class FigureViewVariation:
    """How cameras and detectors vary; angles in degrees, distances in body lengths, noise as a fraction of the body.

    `pitch`: of virtual cameras, 90 looks straight down; spread evenly over the sphere. `any_orientation`: share of
    views from anywhere with any side up; all, where a bank does not know which way is up. `real`: share of views
    through a session's own cameras, where it has some. `unknown_focal`: share of views whose focal length is misjudged.
    `noise`: largest error of a whole body's joints; `noiseless`, `outlier`: shares of bodies and joints. `complete`:
    share of bodies with every joint; `lacking`: largest share of random joints that others lack; `limb`: share of those
    that lack a whole branch. `honest_confidence`: share of detectors whose confidence tells of their noise.
    """

    pitch: tuple[float, float] = (-20.0, 90.0)
    roll: float = 8.0
    any_orientation: float = 0.1
    distance: tuple[float, float] = (2.0, 12.0)
    real: float = 0.5
    unknown_focal: float = 0.25
    noise: float = 0.03
    noiseless: float = 0.3
    outlier: float = 0.01
    complete: float = 0.4
    lacking: float = 0.5
    limb: float = 0.3
    honest_confidence: float = 0.6


@dataclass(frozen=True)
class RealCameras:
    """A bank's sessions' own cameras: `rotation` (S, C, 3, 3), `translation` (S, C, 3), world to camera; `session` (N)
    of each pose, and where its root was, `place` (N, 3). In the session's body lengths; NaN where there is none."""

    rotation: Float[Tensor, "session camera 3 3"]
    translation: Float[Tensor, "session camera 3"]
    session: Int64[Tensor, " pose"]
    place: Float[Tensor, "pose 3"]


@dataclass(frozen=True)
class FigureSighting:
    """Bodies as one detector saw them, and the truth behind it, in the camera frame.

    `rays` (B, J, 2) with noise, `visible` and `confidence` (B, J); `xyz` (B, J, 3) relative to the root at `root`
    (B, 3), and the body's length `size` (B), in one unit; `known` (B, J): where `xyz` is the truth.
    """

    rays: Float[Tensor, "figure joint 2"]
    visible: Float[Tensor, "figure joint"]
    confidence: Float[Tensor, "figure joint"]
    xyz: Float[Tensor, "figure joint 3"]
    root: Float[Tensor, "figure 3"]
    size: Float[Tensor, " figure"]
    known: Bool[Tensor, "figure joint"]


def see_figures(
    figures: Figures, tree: Tree, variation: FigureViewVariation, generator: Generator, *, real: RealCameras | None
) -> FigureSighting:
    """See each body with a camera and a detector of its own."""
    draw, count = Draw(generator), len(figures.size)
    rotation, root = _virtual(figures, variation, draw)
    if real is not None:
        own = _own_cameras(figures, real, draw)
        chosen = own.usable & (draw.uniform(count) < variation.real)
        rotation = torch.where(chosen[:, None, None], own.rotation, rotation)
        root = torch.where(chosen[:, None], own.root, root)
    xyz = torch.einsum("bij,bkj->bki", rotation, figures.xyz)
    points = xyz + root[:, None]
    rays = points[..., :2] / points[..., 2:]
    noise_sd = draw_noise(count, len(tree.skeleton), variation, draw)
    error = draw.normal(*rays.shape) * (noise_sd * (figures.size / root[:, 2])[:, None])[..., None]
    visible = _visibility(figures.known, tree, variation, draw)
    confidence = draw_confidence(noise_sd, variation, draw)
    return FigureSighting(rays + error, visible, confidence, xyz, root, figures.size, figures.known)


@dataclass(frozen=True)
class FigureViews:
    """What the network sees, `features` (B, inputs), and must predict, `target` (B, J, 3), where `known` (B, J)."""

    features: Float[Tensor, "figure inputs"]
    target: Float[Tensor, "figure joint 3"]
    known: Bool[Tensor, "figure joint"]


def view_figures(
    figures: Figures, tree: Tree, variation: FigureViewVariation, generator: Generator, *, real: RealCameras | None
) -> FigureViews:
    """What the network sees of each body, and must predict; the focal length is misjudged some of the time."""
    seen = see_figures(figures, tree, variation, generator, real=real)
    view = canonicalize(seen.rays, seen.visible, seen.confidence)
    measure = torch.einsum("bj,bj->b", view.rotation[:, 2], seen.root) * view.scale
    pose = torch.einsum("bij,bkj->bki", view.rotation, seen.xyz) / measure[:, None, None]
    target = encode_pose(pose, seen.size / measure, tree.skeleton.root)
    chance, error = Draw(generator).uniform(2, len(seen.size))
    misjudged = ((chance < variation.unknown_focal) * (error - 0.5) * 0.8).exp()
    known = seen.known.clone()
    known[:, tree.skeleton.root] = True  # its row holds the size
    return FigureViews(features(replace(view, scale=view.scale * misjudged)), target, known)


def _virtual(figures: Figures, variation: FigureViewVariation, draw: Draw) -> tuple[Tensor, Tensor]:
    """Rotations (B, 3, 3) to cameras all round, and where the roots are (B, 3) in their frames."""
    count, size = len(figures.size), figures.size
    rotation = _orientations(count, variation, draw)
    xyz = torch.einsum("bij,bkj->bki", rotation, figures.xyz)
    low, high = (math.log(d) for d in variation.distance)
    distance = draw.between(low, high, count).exp() * size
    distance = torch.maximum(distance, -xyz[..., 2].amin(dim=1) + NEAREST * size)
    aim = (draw.uniform(count, 2) - 0.5) * 0.6 * size[:, None]
    return rotation, torch.cat([aim, distance[:, None]], dim=-1)


def _orientations(count: int, variation: FigureViewVariation, draw: Draw) -> Float[Tensor, "b 3 3"]:
    """World (Y up) to camera frame (y down, z forward): from all round, upright but for the roll; sometimes anyhow."""
    device = draw.generator.device
    low, high = (math.sin(math.radians(angle)) for angle in variation.pitch)
    pitch = draw.between(low, high, count).asin()
    down = torch.diag(torch.tensor([1.0, -1.0, -1.0], device=device))
    upright = about_axis(2, draw.normal(count) * math.radians(variation.roll)) @ about_axis(0, pitch) @ down
    upright = upright @ about_axis(1, draw.uniform(count) * 2 * math.pi)
    anyhow = any_rotation(count, draw)
    return torch.where((draw.uniform(count) < variation.any_orientation)[:, None, None], anyhow, upright)


@dataclass(frozen=True)
class _Own:
    rotation: Float[Tensor, "b 3 3"]
    root: Float[Tensor, "b 3"]
    usable: Bool[Tensor, " b"]


def _own_cameras(figures: Figures, real: RealCameras, draw: Draw) -> _Own:
    """One of its session's cameras for each body, at its own place; a mirrored body has the mirrored camera."""
    count, poses = len(figures.pose), len(real.session)
    pose, mirrored = figures.pose % poses, figures.pose >= poses
    session = real.session[pose]
    camera = draw.integers(real.rotation.shape[1], count)
    flip = torch.diag(torch.tensor([-1.0, 1.0, 1.0], device=pose.device))
    rotation, shift = real.rotation[session, camera], real.translation[session, camera]
    root = torch.einsum("bij,bj->bi", rotation, real.place[pose]) + shift
    rotation = torch.where(mirrored[:, None, None], flip @ rotation @ flip, rotation)
    root = torch.where(mirrored[:, None], root @ flip, root)
    usable = torch.isfinite(root).all(dim=-1) & torch.isfinite(rotation).all(dim=-1).all(dim=-1)
    rotation = torch.where(usable[:, None, None], rotation, torch.eye(3, device=pose.device))
    depth = root[:, 2] + torch.einsum("bj,bkj->bk", rotation[:, 2], figures.xyz).amin(dim=1)
    return _Own(rotation, root, usable & (depth > NEAREST * figures.size))


def _visibility(
    known: Bool[Tensor, "b joint"], tree: Tree, variation: FigureViewVariation, draw: Draw
) -> Float[Tensor, "b joint"]:
    """What is known: all of it; or without some joints, or a branch. Never under 5, or half of a small skeleton."""
    count, joints = known.shape
    random = draw.uniform(count, joints) > variation.lacking * draw.uniform(count, 1)
    gone = draw.integers(tree.branches, count, 1) == torch.from_numpy(tree.branch).to(known.device)
    random = random & ~(gone & (draw.uniform(count, 1) < variation.limb))
    visible = known & (random | (draw.uniform(count, 1) < variation.complete))
    enough = visible.sum(dim=1, keepdim=True) >= min(5, (joints + 1) // 2)
    return torch.where(enough, visible, known).to(torch.float32)
