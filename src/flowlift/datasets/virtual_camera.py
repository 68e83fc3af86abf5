"""Cameras that look at captured bodies: exact 2D keypoints from 3D motion capture."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64

from flowlift.camera import Camera
from flowlift.errors import InputError


@dataclass(frozen=True)
class ViewRange:
    """What cameras are drawn from, uniformly; ranges are (low, high).

    `distance` (m) from the body's centre; `pitch` (degrees), positive looks down; any yaw; `aim` (m): how far the
    camera looks past the centre, at most, sideways and up or down; `fov` (degrees) across the longer image side: the
    default is what phones' main cameras have when they film; `image_size` (width, height) px, or upright, one in two.
    """

    distance: tuple[float, float] = (3.0, 6.0)
    pitch: tuple[float, float] = (-6.0, 29.0)
    fov: tuple[float, float] = (55.0, 70.0)
    aim: float = 0.15
    image_size: tuple[int, int] = (1920, 1080)


PHONE = ViewRange()
"""A phone on a hand or a tripod, somewhere around the body."""


def look_at(
    position: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"]
) -> tuple[Float64[np.ndarray, "3 3"], Float64[np.ndarray, "3"]]:
    """Rotation and translation (m) from a world with Y up to an upright camera at `position` that looks at `target`.

    The camera frame is x right, y down, z forward. Looking straight up or down is not possible.
    """
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return rotation, -rotation @ position


def to_camera_frame(camera: Camera, world: Float[np.ndarray, "*batch 3"]) -> Float64[np.ndarray, "*batch 3"]:
    """World points (m) in the camera frame. Raises InputError for a camera without a pose."""
    if camera.rotation is None or camera.translation is None:
        raise InputError("this camera has no rotation and translation: it cannot tell where world points are")
    return world.astype(np.float64) @ camera.rotation.T + camera.translation


def draw_camera(rng: np.random.Generator, centre: Float[np.ndarray, "3"], views: ViewRange) -> Camera:
    """One camera that looks at about `centre` (m, world with Y up)."""
    pitch, yaw = np.radians(rng.uniform(*views.pitch)), rng.uniform(0, 2 * np.pi)
    away = np.array([np.cos(pitch) * np.sin(yaw), np.sin(pitch), np.cos(pitch) * np.cos(yaw)])
    position = centre + rng.uniform(*views.distance) * away
    sideways = np.array([away[2], 0, -away[0]]) / np.hypot(away[0], away[2])
    aim = rng.uniform(-views.aim, views.aim, size=2)
    rotation, translation = look_at(position, centre + aim[0] * sideways + aim[1] * np.array([0.0, 1, 0]))
    size = views.image_size if rng.uniform() < 0.5 else views.image_size[::-1]
    plain = Camera.from_fov(rng.uniform(*views.fov), (int(size[0]), int(size[1])))
    return Camera.from_matrix(plain.matrix, plain.image_size, rotation=rotation, translation=translation)


def in_image(camera: Camera, px: Float[np.ndarray, "*batch 2"]) -> Bool[np.ndarray, " *batch"]:
    """Whether pixels lie in the image; NaN does not."""
    return np.all((px >= 0) & (px <= np.array(camera.image_size)), axis=-1)


def draw_camera_that_sees(
    rng: np.random.Generator, world: Float[np.ndarray, "frame joint 3"], views: ViewRange, *, tries: int = 100
) -> Camera:
    """A camera that has a clip's joints (m, Y up) in its image throughout; the best of `tries` where none has."""
    centre = world.mean(axis=(0, 1))
    best, most = draw_camera(rng, centre, views), -1.0
    for _ in range(tries):
        camera = draw_camera(rng, centre, views)
        share = float(in_image(camera, camera.project(to_camera_frame(camera, world))).mean())
        if share > most:
            best, most = camera, share
        if share == 1:
            break
    return best
