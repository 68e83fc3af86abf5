"""How 2D enters the network as published, `screen`: pixels divided by half the image's width.

x runs from -1 to 1 over the width, y from -h/w to h/w. A network fed with it knows one kind of camera.
"""

from typing import Any

import numpy as np
from array_api_compat import array_namespace
from jaxtyping import Float32

from flowlift.camera import Camera

Array = Any  # a NumPy array or a torch tensor; shapes stand in the docstrings


def to_screen(px: Array, image_size: tuple[int, int]) -> Array:
    """Pixels (..., 2) -> screen coordinates (..., 2): x / w * 2 - 1, y / w * 2 - h / w."""
    xp = array_namespace(px)
    width, height = image_size
    return xp.stack([px[..., 0] / width * 2 - 1, px[..., 1] / width * 2 - height / width], axis=-1)


def from_screen(screen: Array, image_size: tuple[int, int]) -> Array:
    """Undo `to_screen`."""
    xp = array_namespace(screen)
    width, height = image_size
    return xp.stack([(screen[..., 0] + 1) * width / 2, (screen[..., 1] + height / width) * width / 2], axis=-1)


def screen_intrinsics(camera: Camera) -> Float32[np.ndarray, "9"]:
    """A camera in screen units: focal lengths (2), centre (2), radial k1 k2 k3, tangential p1 p2."""
    width, height = camera.image_size
    k1, k2, p1, p2, k3 = np.pad(camera.distortion, (0, 5))[:5]
    focal = np.array([camera.matrix[0, 0], camera.matrix[1, 1]]) / width * 2
    centre = camera.matrix[:2, 2] / width * 2 - [1, height / width]
    return np.array([*focal, *centre, k1, k2, k3, p1, p2], dtype=np.float32)


def project_to_screen(points: Array, intrinsics: Array) -> Array:
    """Points (..., 3) in front of cameras (..., 9) of `screen_intrinsics` -> screen coordinates (..., 2), as published.

    x / z and y / z are held within -1 and 1; the lens model is the published one, which multiplies the sum of the
    tangential terms with the point (OpenCV's differs by less than the lens's own tangential part).
    """
    xp = array_namespace(points, intrinsics)
    focal, centre, radial, tangential = (intrinsics[..., a:b] for a, b in ((0, 2), (2, 4), (4, 7), (7, 9)))
    flat = xp.clip(points[..., :2] / points[..., 2:], -1.0, 1.0)
    r2 = xp.sum(flat * flat, axis=-1, keepdims=True)
    bend = 1 + xp.sum(radial * xp.concat([r2, r2**2, r2**3], axis=-1), axis=-1, keepdims=True)
    lean = xp.sum(tangential * flat, axis=-1, keepdims=True)
    return focal * (flat * (bend + lean) + tangential * r2) + centre
