"""The camera: intrinsics, lens distortion, pose; projection, rays, and the root position solved from 2D."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from array_api_compat import array_namespace
from jaxtyping import Float, Float64, Shaped

from flowlift.errors import InputError

Array = Any  # a NumPy array or a torch tensor; shapes stand in the docstrings

DEFAULT_FOV = 55.0
"""Field of view (degrees) across the longer image side that is assumed when none is given."""


def _matrix(value: object, shape: tuple[int, ...], what: str) -> Float64[np.ndarray, "..."]:
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"camera: {what} must be numbers of shape {shape}") from error
    if array.shape != shape or not np.isfinite(array).all():
        raise InputError(f"camera: {what} must be finite numbers of shape {shape}, got shape {array.shape}")
    array.setflags(write=False)
    return array


def whole_image_size(size: object) -> tuple[int, int]:
    """(width, height) in whole pixels. Raises InputError for anything else than two positive numbers."""
    try:
        width, height = (round(float(side)) for side in size)  # type: ignore[attr-defined]
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"camera: image size must be (width, height) in pixels, got {size!r}") from error
    if min(width, height) < 1:
        raise InputError(f"camera: image size must be positive, got {width} x {height}")
    return width, height


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera with optional Brown-Conrady distortion and optional pose.

    `matrix` (3, 3): intrinsics, px. `image_size`: (width, height) px. `distortion` (n,): k1 k2 p1 p2 k3 ... as
    OpenCV orders them, 0 to 8 of them. `rotation` (3, 3) and `translation` (3,) m take world points to the camera
    frame (x right, y down, z forward). `assumed`: the intrinsics were guessed, not given.
    Raises InputError for values that cannot be a camera.
    """

    matrix: Float64[np.ndarray, "3 3"]
    image_size: tuple[int, int]
    distortion: Float64[np.ndarray, " n"]
    rotation: Float64[np.ndarray, "3 3"] | None = None
    translation: Float64[np.ndarray, "3"] | None = None
    assumed: bool = False

    def __post_init__(self) -> None:
        k = _matrix(self.matrix, (3, 3), "matrix")
        if k[0, 0] <= 0 or k[1, 1] <= 0 or k[1, 0] != 0 or not np.allclose(k[2], [0, 0, 1]):
            raise InputError("camera: matrix must be [[fx, s, cx], [0, fy, cy], [0, 0, 1]] with positive fx and fy")
        size, given = whole_image_size(self.image_size), np.asarray(self.distortion)
        if given.ndim != 1:
            raise InputError("camera: distortion must be a row of coefficients, or an empty one")
        coefficients = _matrix(given, given.shape, "distortion")
        if len(coefficients) > 8:
            raise InputError(f"camera: at most 8 distortion coefficients are known, got {len(coefficients)}")
        r = None if self.rotation is None else _matrix(self.rotation, (3, 3), "rotation")
        if r is not None and not (np.allclose(r @ r.T, np.eye(3), atol=1e-4) and np.linalg.det(r) > 0):
            raise InputError("camera: rotation is not a rotation matrix")
        t = None if self.translation is None else _matrix(self.translation, (3,), "translation")
        checked = {"matrix": k, "image_size": size, "distortion": coefficients, "rotation": r, "translation": t}
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_matrix(
        cls,
        matrix: object,
        image_size: tuple[int, int],
        distortion: object = None,
        rotation: object = None,
        translation: object = None,
        *,
        assumed: bool = False,
    ) -> Self:
        """A camera from its 3x3 matrix (px). Raises InputError for values that cannot be a camera."""
        k = _matrix(matrix, (3, 3), "matrix")
        r = None if rotation is None else _matrix(rotation, (3, 3), "rotation")
        t = None if translation is None else _matrix(translation, (3,), "translation")
        try:
            size = whole_image_size(image_size)
            given = np.asarray([] if distortion is None else distortion, dtype=np.float64).ravel()
        except (TypeError, ValueError, InputError) as error:
            raise InputError(f"camera: image size or distortion: {error}") from error
        return cls(k, size, given, r, t, assumed)

    @classmethod
    def from_focal(cls, focal: float, image_size: tuple[int, int], *, assumed: bool = False) -> Self:
        """A camera with the given focal length (px) and its principal point in the middle of the image."""
        if not np.isfinite(focal) or focal <= 0:
            raise InputError(f"camera: focal length must be a positive number of pixels, got {focal}")
        width, height = whole_image_size(image_size)
        return cls.from_matrix([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], image_size, assumed=assumed)

    @classmethod
    def from_fov(cls, degrees: float, image_size: tuple[int, int], *, assumed: bool = False) -> Self:
        """A camera with the given field of view (degrees) across the longer side of the image."""
        if not 1 <= degrees <= 170:
            raise InputError(f"camera: field of view must lie between 1 and 170 degrees, got {degrees}")
        return cls.from_focal(
            max(whole_image_size(image_size)) / 2 / np.tan(np.radians(degrees) / 2), image_size, assumed=assumed
        )

    @property
    def placed(self) -> bool:
        """Whether it is known how it stands in a world. A world that is the camera itself, as calibrations of
        intrinsics alone and a rig's first camera have it, tells nothing."""
        return self.rotation is not None and not np.allclose(self.rotation, np.eye(3), atol=1e-6)

    @property
    def without_pose(self) -> Self:
        """The same intrinsics, standing nowhere."""
        return replace(self, rotation=None, translation=None)

    @classmethod
    def load(cls, path: str | Path, name: str | None = None, unit: str = "m") -> Self:
        """Read a calibration file (see `flowlift.calibration`) whose translations are in `unit` (m, dm, cm or mm).

        Raises InputError when it cannot be used.
        """
        from flowlift.calibration import read_camera

        return cls.from_matrix(**read_camera(Path(path), name, unit))

    def project(self, xyz: Shaped[np.ndarray, "*batch 3"]) -> Float64[np.ndarray, "*batch 2"]:
        """Pixels (..., 2) of points (..., 3) in the camera frame, m; NaN for points that are not in front of it, or
        further aside than its lens shows (`reach`)."""
        xyz = np.asarray(xyz, dtype=np.float64)
        depth = np.where(xyz[..., 2:] > 1e-9, xyz[..., 2:], np.nan)
        plane = xyz[..., :2] / depth
        plane = distort(_shown(plane, self.distortion), self.distortion)
        return plane @ self.matrix[:2, :2].T + self.matrix[:2, 2]

    def rays(self, px: Shaped[np.ndarray, "*batch 2"]) -> Float64[np.ndarray, "*batch 2"]:
        """Directions (a, b) with (a, b, 1) pointing from the camera through pixels (..., 2), distortion undone."""
        inverse = np.linalg.inv(self.matrix[:2, :2])
        plane = (np.asarray(px, dtype=np.float64) - self.matrix[:2, 2]) @ inverse.T
        return undistort(plane, self.distortion)


def distort(plane: Array, distortion: Array) -> Array:
    """Brown-Conrady distortion of points (..., 2) at z = 1; coefficients k1 k2 p1 p2 k3 k4 k5 k6."""
    if not len(distortion):
        return plane
    k1, k2, p1, p2, k3, k4, k5, k6 = np.pad(distortion, (0, 8 - len(distortion)))
    x, y = plane[..., 0], plane[..., 1]
    r2 = x * x + y * y
    radial = (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
    dx = 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    dy = p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return np.stack([x * radial + dx, y * radial + dy], axis=-1)


def undistort(
    plane: Float[np.ndarray, "*batch 2"], distortion: Float[np.ndarray, " n"], iterations: int = 30
) -> Float[np.ndarray, "*batch 2"]:
    """Invert `distort` by Newton's method; NaN where no point of what the lens shows is distorted to the given one."""
    if not len(distortion):
        return plane
    guess, step = plane, 1e-6
    with np.errstate(all="ignore"):
        for _ in range(iterations):
            columns = [
                (distort(guess + step * axis, distortion) - distort(guess - step * axis, distortion)) / (2 * step)
                for axis in np.eye(2)
            ]
            (a, c), (b, d) = ((column[..., 0], column[..., 1]) for column in columns)
            off = distort(guess, distortion) - plane
            determinant = a * d - b * c
            x = (d * off[..., 0] - b * off[..., 1]) / determinant
            y = (a * off[..., 1] - c * off[..., 0]) / determinant
            guess = guess - np.stack([x, y], axis=-1)
        found = np.abs(distort(guess, distortion) - plane).max(axis=-1, keepdims=True) < 1e-8
        return _shown(np.where(found, guess, np.nan), distortion)


def _shown(
    plane: Float[np.ndarray, "*batch 2"], distortion: Float[np.ndarray, " n"]
) -> Float64[np.ndarray, "*batch 2"]:
    """Points at z = 1; NaN beyond the `reach` of a lens."""
    return np.where(np.linalg.norm(plane, axis=-1, keepdims=True) < reach(distortion), plane, np.nan)


def reach(distortion: Float[np.ndarray, " n"]) -> float:
    """How far from the axis, at z = 1, a lens's image ends: beyond it the polynomial comes back inwards, and stands for
    no lens. Infinite where it never does."""
    if not len(distortion):
        return np.inf
    k1, k2, _, _, k3, k4, k5, k6 = np.pad(distortion, (0, 8 - len(distortion)))
    above, below = np.array([k3, k2, k1, 1.0]), np.array([k6, k5, k4, 1.0])  # of the square of the radius
    faster = np.polyadd(above, np.polymul([2.0, 0.0], np.polyder(above)))
    growth: Float64[np.ndarray, " power"] = np.polysub(
        np.polymul(faster, below), np.polymul(np.polymul([2.0, 0.0], above), np.polyder(below))
    )
    # In the square's reciprocal both begin with 1, however small the lens's own coefficients are.
    ends = np.concatenate([np.roots(growth[::-1]), np.roots(below[::-1])])
    ends = ends[(np.abs(ends.imag) < 1e-9) & (ends.real > 0)].real
    return float(1 / np.sqrt(ends.max())) if len(ends) else np.inf


def solve_root(pose: Array, rays: Array, weights: Array) -> Array:
    """Root translations (..., 3) that make root-relative poses (..., J, 3) project onto rays (..., J, 2).

    Weighted linear least squares in closed form: X_j + T_x = a_j (Z_j + T_z), Y_j + T_y = b_j (Z_j + T_z), with
    `weights` (..., J) >= 0 (0 = missing; the ray's value there is ignored). Leading axes broadcast; the unit is the
    pose's. Design, "Camera-free RPEA". With fewer than two distinct rays the depth is not determined: NaN.
    """
    xp = array_namespace(pose, rays, weights)
    return xp.sum(pose[..., None] * root_from_pose(rays, weights), axis=(-3, -2))


def root_from_pose(rays: Array, weights: Array) -> Array:
    """`solve_root` as the matrix (..., J, 3, 3) that it is: of each joint's x, y and z to the root's."""
    xp = array_namespace(rays, weights)
    w = xp.where(weights > 0, weights, xp.zeros_like(weights))
    a, b = (xp.where(w > 0, rays[..., i], xp.zeros_like(w)) for i in (0, 1))
    total = xp.sum(w, axis=-1, keepdims=True)
    share = w / xp.where(total > 0, total, xp.ones_like(total))
    a_mean, b_mean = (xp.sum(share * ray, axis=-1, keepdims=True) for ray in (a, b))

    # Eliminating T_x and T_y (their optimum given T_z) leaves one equation in T_z with centred rays.
    a_off, b_off = share * (a - a_mean), share * (b - b_mean)
    spread = xp.sum(a_off * (a - a_mean) + b_off * (b - b_mean), axis=-1, keepdims=True)
    spread = xp.where(spread > 1e-12, spread, xp.full_like(spread, float("nan")))
    depth = (a_off / spread, b_off / spread, -(a_off * a + b_off * b) / spread)
    zero = xp.zeros_like(w)
    aside = ((-share, zero, share * a), (zero, -share, share * b))
    columns = [
        xp.stack([mean * of + own for of, own in zip(depth, owns, strict=True)], axis=-1)
        for mean, owns in zip((a_mean, b_mean), aside, strict=True)
    ]
    return xp.stack([*columns, xp.stack(depth, axis=-1)], axis=-1)


def place_root(pose: Array, rays: Array, weights: Array) -> Array:
    """`solve_root`, and NaN where that lies behind the camera, where nobody can be seen: what is in view tells too
    little of how far away a body is."""
    xp = array_namespace(pose, rays, weights)
    root = solve_root(pose, rays, weights)
    return xp.where(root[..., 2:] > 0, root, xp.full_like(root, float("nan")))
