"""How 2D enters the network, `canonical`: as a camera would see it that looks straight at the subject.

Keypoints become rays; the camera is turned until the subject's centre lies on its axis (a virtual camera); the
subject is scaled to unit size. The network sees the scaled positions, which joints are there, their confidence, and
the angular size that was divided out. It predicts the pose in the virtual camera's frame, in the same unit: the
image plane's scaled unit at the root's depth. So x and y of the pose nearly equal the 2D input, at any distance,
focal length and body size. The body's size in that unit is predicted too: the root's row of a root-relative pose is
always zero, and carries the log of it.
"""

from dataclasses import dataclass
from typing import Any

from array_api_compat import array_namespace

Array = Any  # a NumPy array or a torch tensor; shapes stand in the docstrings

# Fixed affine maps that bring the two scalars to about unit variance; part of the network's interface.
_LOG_SCALE = (-2.2, 0.6)
_LOG_SIZE = (1.35, 0.25)


@dataclass(frozen=True)
class Canonical:
    """2D keypoints as the virtual camera sees them.

    `xy` (..., J, 2): scaled image-plane positions, 0 where missing. `visible` (..., J): 1 or 0.
    `confidence` (..., J) in [0, 1], 0 where missing. `rotation` (..., 3, 3): camera frame to virtual camera frame.
    `scale` (...): the root-mean-square extent on the plane z = 1 that was divided out.
    """

    xy: Array
    visible: Array
    confidence: Array
    rotation: Array
    scale: Array


def look_at_rotation(direction: Array) -> Array:
    """The smallest rotation (..., 3, 3) that turns unit vectors (..., 3) with z > -1 onto the z axis."""
    xp = array_namespace(direction)
    x, y, z = direction[..., 0], direction[..., 1], direction[..., 2]
    k = 1 / (1 + z)
    rows = ((1 - x * x * k, -x * y * k, -x), (-x * y * k, 1 - y * y * k, -y), (x, y, z))
    return xp.stack([xp.stack(row, axis=-1) for row in rows], axis=-2)


def canonicalize(rays: Array, visible: Array, confidence: Array) -> Canonical:
    """Rays (..., J, 2) on the plane z = 1, visibility and confidence (..., J) -> the virtual camera's view.

    Values where `visible` is 0 are ignored. With no visible joint everything is 0 and the rotation the identity.
    """
    xp = array_namespace(rays, visible, confidence)
    visible = xp.astype(visible > 0, rays.dtype)
    there = visible[..., None]
    plane = xp.where(there > 0, rays, xp.zeros_like(rays))
    points = xp.concat([plane, xp.ones_like(there)], axis=-1)
    units = points / xp.linalg.vector_norm(points, axis=-1, keepdims=True)
    centre = xp.sum(units * there, axis=-2)
    length = xp.linalg.vector_norm(centre, axis=-1, keepdims=True)
    ahead = xp.concat([xp.zeros_like(centre[..., :2]), xp.ones_like(length)], axis=-1)
    centre = xp.where(length > 0, centre / xp.where(length > 0, length, xp.ones_like(length)), ahead)
    rotation = look_at_rotation(centre)
    turned = points @ xp.matrix_transpose(rotation)
    turned = turned[..., :2] / xp.clip(turned[..., 2:], 1e-3, None) * there
    count = xp.clip(xp.sum(visible, axis=-1), 1.0, None)
    scale = xp.sqrt(xp.sum(turned * turned, axis=(-2, -1)) / count)
    scale = xp.clip(scale, 1e-4, None)
    return Canonical(turned / scale[..., None, None], visible, confidence * visible, rotation, scale)


def features(view: Canonical) -> Array:
    """The network's input (..., 4 J + 1): positions, visibility, confidence, log angular size."""
    xp = array_namespace(view.xy)
    flat = xp.reshape(view.xy, (*view.xy.shape[:-2], -1))
    log_scale = (xp.log(view.scale) - _LOG_SCALE[0]) / _LOG_SCALE[1]
    return xp.concat([flat, view.visible, view.confidence, xp.clip(log_scale, -4.0, 4.0)[..., None]], axis=-1)


def encode_pose(pose: Array, size: Array, root: int) -> Array:
    """The flow's x_1: root-relative poses (..., J, 3) with the log of the body's `size` (...) in the root's row."""
    xp = array_namespace(pose, size)
    log_size = (xp.log(size) - _LOG_SIZE[0]) / _LOG_SIZE[1]
    row = xp.stack([log_size, xp.zeros_like(log_size), xp.zeros_like(log_size)], axis=-1)[..., None, :]
    return xp.concat([pose[..., :root, :], row, pose[..., root + 1 :, :]], axis=-2)


def decode_pose(state: Array, root: int) -> tuple[Array, Array]:
    """Undo `encode_pose`: root-relative poses (..., J, 3) and sizes (...), in the virtual camera's scaled unit."""
    xp = array_namespace(state)
    size = xp.exp(state[..., root, 0] * _LOG_SIZE[1] + _LOG_SIZE[0])
    zero = xp.zeros_like(state[..., root : root + 1, :])
    return xp.concat([state[..., :root, :], zero, state[..., root + 1 :, :]], axis=-2), size
