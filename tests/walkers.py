"""The demo's figure on other paths, seen from other places."""

import numpy as np

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.datasets.virtual_camera import look_at, to_camera_frame
from flowlift.demo import walk
from flowlift.skeletons import HUMAN36M17

SIZE = (1280, 720)


def straight_walk(times: np.ndarray, direction: float) -> np.ndarray:
    """Joints (frame, 17, 3), m, y up: the figure walks through the origin, along x (0 degrees), towards z (90), ..."""
    world = walk(times)
    hip = world[:, HUMAN36M17.root]
    angle = np.unwrap(np.arctan2(hip[:, 2], -hip[:, 0]))  # on the demo's circle about the origin
    angle = np.polynomial.Polynomial.fit(times, angle, 1)(times)
    radius = np.hypot(hip[:, 0], hip[:, 2]).mean()
    left, forward = (np.stack(v, axis=-1) for v in frame_of(np.pi / 2 - angle))
    local = world + radius * left[:, None]
    along = local @ forward[..., None] + (radius * (angle - angle.mean()))[:, None, None]
    aside = local @ left[..., None]
    new_left, new_forward = (np.array([float(each) for each in v]) for v in frame_of(np.radians(direction)))
    return along * new_forward + aside * new_left + local * [0.0, 1.0, 0.0]


def frame_of(angle):
    """Left and forward of somebody who walks along (cos, sin) of `angle` in x and z, y up."""
    zero = np.zeros_like(angle)
    return (np.sin(angle), zero, -np.cos(angle)), (np.cos(angle), zero, np.sin(angle))


def watching(eye: tuple[float, float, float], target: tuple[float, float, float] = (0.0, 0.85, 0.0)) -> Camera:
    """A camera at `eye` that looks at `target`, m, y up."""
    rotation, translation = look_at(np.array(eye), np.array(target))
    wide = Camera.from_fov(75, SIZE)
    return Camera.from_matrix(wide.matrix, SIZE, rotation=rotation, translation=translation)


def seen_by(camera: Camera, world: np.ndarray, fps: float, *, noise: float = 0.0, seed: int = 0) -> Keypoints2D:
    """Keypoints of a figure; `noise`: a share of its height in the image."""
    px = camera.project(to_camera_frame(camera, world))
    random = np.random.default_rng(seed).normal(size=px.shape)
    px = px + noise * np.ptp(px[..., 1], axis=1)[:, None, None] * random
    return Keypoints2D(px[:, None], np.ones((len(px), 1, 17)), HUMAN36M17, SIZE, fps=fps)


def true_poses(camera: Camera, world: np.ndarray, fps: float) -> Poses3D:
    """The figure itself in the camera's frame, the camera's pose unknown."""
    xyz = to_camera_frame(camera, world)
    root = xyz[:, HUMAN36M17.root]
    plain = Camera.from_matrix(camera.matrix, camera.image_size)
    return Poses3D(
        xyz=(xyz - root[:, None])[:, None],
        root=root[:, None],
        cov=np.tile(1e-4 * np.eye(3), (len(xyz), 1, 17, 1, 1)),
        skeleton=HUMAN36M17,
        fps=fps,
        camera=plain,
        keypoints=seen_by(camera, world, fps),
    )
