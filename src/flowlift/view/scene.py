"""Where things stand for a viewer: which way is up, where the ground is, how far the people reach."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from flowlift.animal_skeletons import ANIMAL3D26
from flowlift.camera import Camera
from flowlift.containers import Poses3D
from flowlift.limb_alignment import upright_rotation

_UPRIGHT = np.array([0.0, -1.0, 0.0])  # the camera's own up
_STEEPEST = np.cos(np.radians(50))  # of ground against camera; beyond it the estimate is not believed
_ADULT = 1.7

Points = Float64[np.ndarray, "frame person joint 3"]


@dataclass(frozen=True)
class Scene:
    """A frame to draw in: x right and z towards the viewer as the camera looks, y up along the world's vertical.

    `rotation` (3, 3): camera frame to scene frame. `ground`: its y, metres. `low`, `high` (3,): where the people are
    (2nd and 98th percentile of their joints), scene frame, metres. `size`: extent of one body, metres.
    """

    rotation: Float64[np.ndarray, "3 3"]
    ground: float
    low: Float64[np.ndarray, "3"]
    high: Float64[np.ndarray, "3"]
    size: float


def points_of(poses: Poses3D, frames: slice = slice(None)) -> Points:
    """Joints (frame, person, joint, 3) in the camera frame, metres; about the origin where no root is known.

    A joint that is not finite in every coordinate is NaN in all of them.
    """
    xyz = poses.xyz[frames].astype(np.float64)
    if poses.root is not None:
        xyz = xyz + poses.root[frames, :, None]
    return np.where(np.isfinite(xyz).all(axis=-1, keepdims=True), xyz, np.nan)


def scene_of(poses: Poses3D) -> Scene:
    """The scene of a whole clip. People that are nowhere seen give a default scene of one adult's size."""
    points = points_of(poses)
    seen = ~np.isnan(points).all(axis=(2, 3))
    bodies = points[seen]
    size = _body_size(bodies)
    legs = upright_rotation(bodies)[:, 2].mean(axis=0) if poses.skeleton == ANIMAL3D26 and len(bodies) else None
    rotation = _frame(_up(bodies, poses.camera, size, legs) if poses.root is not None else _UPRIGHT)
    placed = bodies @ rotation.T
    joints = placed[~np.isnan(placed).any(axis=-1)]
    if not len(joints):
        half = np.full(3, size / 2)
        return Scene(rotation, -size / 2, -half, half, size)
    low, high = np.percentile(joints, [2, 98], axis=0)
    ground = float(np.percentile(np.nanmin(placed[..., 1], axis=1), 10))
    return Scene(rotation, ground, low, high, size)


def _frame(up: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """Rotation from the camera frame to one whose y is `up` and whose -z points where the camera looks."""
    forward = np.array([0.0, 0.0, 1.0]) - up[2] * up
    forward /= np.linalg.norm(forward)
    return np.stack([np.cross(forward, up), up, -forward])


def _body_size(bodies: Float[np.ndarray, "n joint 3"]) -> float:
    if not len(bodies):
        return _ADULT
    extent = np.nanmax(bodies, axis=1) - np.nanmin(bodies, axis=1)
    size = float(np.nanmedian(np.linalg.norm(extent, axis=-1)))
    return size if size > 0 else _ADULT


def _up(
    bodies: Float[np.ndarray, "n joint 3"], camera: Camera | None, size: float, legs: Float64[np.ndarray, "3"] | None
) -> Float64[np.ndarray, "3"]:
    """The vertical in the camera frame: an axis of the calibrated world where there is one, else where an animal's legs
    point away from, else from the feet."""
    if camera is not None and camera.rotation is not None and camera.placed:
        axes = np.concatenate([camera.rotation.T, -camera.rotation.T])
        up = axes[np.argmax(axes @ _UPRIGHT)]
    elif legs is not None:
        up = legs / max(float(np.linalg.norm(legs)), 1e-9)
    else:
        up = _up_from_feet(bodies, size)
    return up if up @ _UPRIGHT >= _STEEPEST else _UPRIGHT


def _up_from_feet(bodies: Float[np.ndarray, "n joint 3"], size: float) -> Float64[np.ndarray, "3"]:
    """Normal of the plane under the lowest points y = a x + b z + c, which few points lie below.

    A prior keeps the camera level (tilt of 14 degrees, one standard deviation) where people hardly move about.
    """
    bodies = bodies[~np.isnan(bodies).any(axis=-1).all(axis=-1)]
    if len(bodies) < 2:
        return _UPRIGHT
    lowest = np.nanargmax(np.where(np.isnan(bodies).any(axis=-1), np.nan, bodies[..., 1]), axis=1)
    feet = bodies[np.arange(len(bodies)), lowest]
    noise, tilt, independent = 0.09 * size, 0.25, min(len(feet), 10)
    flat = feet[:, [0, 2]]
    weight, slope = np.ones(len(feet)), np.zeros(2)
    for _ in range(15):
        mean = np.average(feet, axis=0, weights=weight)
        centred, height = flat - mean[[0, 2]], feet[:, 1] - mean[1]
        scaled = (weight / weight.sum() * independent / noise**2)[:, None] * centred
        slope = np.linalg.solve(scaled.T @ centred + np.eye(2) / tilt**2, scaled.T @ height)
        above = height - centred @ slope  # y points down: negative means in the air
        weight = np.where(above < 0, 0.15, 1 / np.maximum(1.0, above / noise))
    up = np.array([slope[0], -1.0, slope[1]])
    return up / np.linalg.norm(up)
