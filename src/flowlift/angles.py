"""Joint angles, as movement science names them, from joint positions; with the uncertainty that follows from theirs.

Angles between segments, not between anatomical frames: positions do not tell how a bone is turned about itself. All in
degrees, both sides with the same sign:

- knee, elbow flexion: 0 straight, growing as it bends (for animals also the knees of front and back legs)
- hip flexion: of the thigh against the trunk, seen from the side of the pelvis: 0 in line with it, positive forwards
- hip abduction: of the thigh out of that plane, positive outwards
- shoulder elevation: of the upper arm against the trunk, 0 hanging, 90 level, 180 overhead
- trunk lean: of the trunk from the vertical, in any direction
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Float64

from flowlift.camera import Camera
from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.ground import known_vertical, on_ground
from flowlift.skeleton import Skeleton

Place = Float64[np.ndarray, "*batch 3"]
Places = Mapping[str, Place]
Up = Float64[np.ndarray, "3"]
Degrees = Float64[np.ndarray, "*batch"]

_SIDES = ("left", "right")
_STEP = 1e-4  # m
_TRUNK = ("left_hip", "right_hip", "left_shoulder", "right_shoulder")


@dataclass(frozen=True)
class Angle:
    """An angle that a skeleton has. `side`: left, right or centre; `joints`: what it is made of; `signed`: whether it
    goes both ways from 0, else it lies between 0 and 180."""

    name: str
    side: str
    joints: tuple[str, ...]
    measure: Callable[[Places, Up], Degrees]
    signed: bool = False

    @property
    def label(self) -> str:
        """The name without its side: what both sides share."""
        return self.name.removeprefix(f"{self.side} ")


@dataclass(frozen=True, eq=False)
class Angles:
    """Angles of a clip. `degrees`, `deviation` (frame, person, angle): the angle and its standard deviation, or NaN."""

    angles: tuple[Angle, ...]
    degrees: Float32[np.ndarray, "frame person angle"]
    deviation: Float32[np.ndarray, "frame person angle"]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(angle.name for angle in self.angles)


def angles_of(poses: Poses3D, *, up: Float[np.ndarray, "3"] | None = None) -> Angles:
    """The angles of every person and frame that the skeleton has joints for.

    `up`: the vertical in the camera frame; by default the calibrated world's axis nearest to the image's up, else the
    image's up itself. The deviations follow from the joints' covariances to first order, where a joint's error is taken
    as its parent's and what the bone between adds, and doubt about the person's size turns nothing. Raises InputError
    for a skeleton without any of these angles.
    """
    skeleton, known = poses.skeleton, angles_in(poses.skeleton)
    if not known:
        raise InputError(f"skeleton {skeleton.name!r} has none of the joints that angles are made of")
    upwards = np.asarray(vertical_of(poses.camera, settled=on_ground(poses)) if up is None else up, dtype=np.float64)
    xyz = poses.xyz.astype(np.float64)
    degrees = _measured(known, xyz, skeleton, upwards)
    own = _without_size(poses)
    variance = 0 * degrees
    for joint in skeleton.topological:
        parent = skeleton.parent_indices[joint]
        if parent >= 0:
            slope = _slope(known, xyz, _below(skeleton, joint), skeleton, upwards)
            added = _positive(own[:, :, joint] - own[:, :, parent])
            variance += np.einsum("fpai,fpij,fpaj->fpa", slope, added, slope)
    deviation = np.sqrt(np.maximum(variance, 0))
    return Angles(known, degrees.astype(np.float32), deviation.astype(np.float32))


def _without_size(poses: Poses3D) -> Float64[np.ndarray, "frame person joint 3 3"]:
    """Covariances without what doubt about the person's size (`size_sd`, relative) adds along the joint's direction."""
    size = float(poses.provenance.get("size_sd") or 0.0)
    xyz = poses.xyz.astype(np.float64)
    return poses.cov.astype(np.float64) - size**2 * xyz[..., :, None] * xyz[..., None, :]


def _below(skeleton: Skeleton, joint: int) -> list[int]:
    """A joint and all that hang on it."""
    found = [joint]
    for each in found:
        found.extend(child for parent, child in skeleton.bones if parent == each)
    return found


def _positive(matrices: Float64[np.ndarray, "*batch 3 3"]) -> Float64[np.ndarray, "*batch 3 3"]:
    """The nearest matrices without negative eigenvalues; what is NaN stays so."""
    finite = np.isfinite(matrices).all(axis=(-2, -1), keepdims=True)
    values, vectors = np.linalg.eigh(np.where(finite, matrices, 0.0))
    kept = (vectors * np.maximum(values, 0)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return np.where(finite, kept, np.nan)


def angles_in(skeleton: Skeleton) -> tuple[Angle, ...]:
    """The angles that can be measured on a skeleton, in a fixed order, left before right."""
    every = [
        *(_bend(f"{side} knee flexion", side, f"{side}_hip", f"{side}_knee", f"{side}_ankle") for side in _SIDES),
        *(Angle(f"{side} hip flexion", side, (f"{side}_knee", *_TRUNK), _hip(side, _flexion), True) for side in _SIDES),
        *(
            Angle(f"{side} hip abduction", side, (f"{side}_knee", *_TRUNK), _hip(side, _abduction), True)
            for side in _SIDES
        ),
        *(
            _bend(f"{side} elbow flexion", side, f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist")
            for side in _SIDES
        ),
        *(Angle(f"{side} shoulder elevation", side, (f"{side}_elbow", *_TRUNK), _elevation(side)) for side in _SIDES),
        Angle("trunk lean", "centre", _TRUNK, _lean),
        *(
            _bend(f"{side} {leg} knee flexion", side, *(f"{side}_{leg}_{part}" for part in ("thigh", "knee", "paw")))
            for leg in ("front", "back")
            for side in _SIDES
        ),
    ]
    return tuple(angle for angle in every if set(angle.joints) <= set(skeleton.joints))


def vertical_of(camera: Camera | None, *, settled: bool = False) -> Float64[np.ndarray, "3"]:
    """Up in the camera frame: the calibrated world's axis nearest to the image's up; that itself without one, and where
    the camera is too steep to tell (`settled`: as `flowlift.ground.vertical` has it)."""
    known = known_vertical(camera, settled=settled)
    return np.array([0.0, -1.0, 0.0]) if known is None else known


def _measured(
    angles: Sequence[Angle], xyz: Float64[np.ndarray, "frame person joint 3"], skeleton: Skeleton, up: Up
) -> Float64[np.ndarray, "frame person angle"]:
    places = {joint: xyz[:, :, i] for i, joint in enumerate(skeleton.joints)}
    return np.stack([angle.measure(places, up) for angle in angles], axis=-1)


def _slope(
    angles: Sequence[Angle],
    xyz: Float64[np.ndarray, "frame person joint 3"],
    joints: Sequence[int],
    skeleton: Skeleton,
    up: Up,
) -> Float64[np.ndarray, "frame person angle 3"]:
    """Degrees per metre that angles change when some joints move together (central differences)."""
    slopes = []
    for axis in range(3):
        ahead, behind = xyz.copy(), xyz.copy()
        ahead[:, :, joints, axis] += _STEP
        behind[:, :, joints, axis] -= _STEP
        change = _measured(angles, ahead, skeleton, up) - _measured(angles, behind, skeleton, up)
        slopes.append(change / (2 * _STEP))
    return np.stack(slopes, axis=-1)


def _between(a: Place, b: Place) -> Degrees:
    """The angle between directions, exact for small ones too."""
    across = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(across, (a * b).sum(axis=-1)))


def _bend(name: str, side: str, start: str, middle: str, end: str) -> Angle:
    def measure(at: Places, up: Up) -> Degrees:
        return _between(at[middle] - at[start], at[end] - at[middle])

    return Angle(name, side, (start, middle, end), measure)


def _trunk(at: Places) -> Place:
    """From the middle of the hips to that of the shoulders."""
    return (at["left_shoulder"] + at["right_shoulder"] - at["left_hip"] - at["right_hip"]) / 2


def _hip(side: str, part: Callable[[Place, Place, Place, Place], Degrees]) -> Callable[[Places, Up], Degrees]:
    def measure(at: Places, up: Up) -> Degrees:
        right = _unit(at["right_hip"] - at["left_hip"])
        trunk = _trunk(at)
        down = -_unit(trunk - (trunk * right).sum(axis=-1, keepdims=True) * right)
        outwards = right if side == "right" else -right
        return part(_unit(at[f"{side}_knee"] - at[f"{side}_hip"]), down, np.cross(right, down), outwards)

    return measure


def _flexion(thigh: Place, down: Place, forwards: Place, outwards: Place) -> Degrees:
    return np.degrees(np.arctan2((thigh * forwards).sum(axis=-1), (thigh * down).sum(axis=-1)))


def _abduction(thigh: Place, down: Place, forwards: Place, outwards: Place) -> Degrees:
    return np.degrees(np.arcsin(np.clip((thigh * outwards).sum(axis=-1), -1, 1)))


def _elevation(side: str) -> Callable[[Places, Up], Degrees]:
    def measure(at: Places, up: Up) -> Degrees:
        return _between(at[f"{side}_elbow"] - at[f"{side}_shoulder"], -_trunk(at))

    return measure


def _lean(at: Places, up: Up) -> Degrees:
    trunk = _trunk(at)
    return _between(trunk, np.broadcast_to(up, trunk.shape))


def _unit(vectors: Place) -> Place:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.full_like(vectors, np.nan), where=length > 0)
