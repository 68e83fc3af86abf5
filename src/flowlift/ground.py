"""The ground: which way is up and where feet stand, from a clip; a world frame on it.

World frame: y up, x right and z towards the camera as it looks, metres; its origin lies on the ground below where the
first person is first seen. The camera is taken to stand still.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from flowlift.camera import Camera
from flowlift.contacts import Leg, foot_path, leg_length, legs_of, seen, standing
from flowlift.containers import Poses3D
from flowlift.errors import InputError

SURE = 0.13
"""Tangent of the tilt's standard deviation above which the clip does not tell which way is up: 7 degrees."""
ROLL, PITCH = 0.09, 0.36
"""What is known of cameras beforehand: tangents of one standard deviation from level, 5 and 20 degrees."""
LEAN = 0.1
"""The same of how a standing body leans, on average over a clip."""
STEEP = 50.0
"""Degrees: a world axis, or a body, further from the image's up than this is not taken for vertical."""
UPWARDS = 25.0
"""Degrees: a camera that would look up by more may rather look down steeply, along a level axis of its world."""
_HEIGHT = 0.05  # metres, one standard deviation of where one contact is found
_STRAIGHT = np.cos(np.radians(150))  # of a knee or a hip: less bent than this is standing
_ROBUST = 15


@dataclass(frozen=True, eq=False)
class Ground:
    """`up` (3,): unit vector, camera frame; a point is on the ground where up . point = `level`, m; `tilt_sd`: degrees,
    one standard deviation of up (0 where a calibration tells it)."""

    up: Float64[np.ndarray, "3"]
    level: float
    tilt_sd: float = 0.0

    def height(self, points: Float64[np.ndarray, "*batch 3"]) -> Float64[np.ndarray, " *batch"]:
        """Metres above the ground of points in the camera frame."""
        return np.asarray(points @ self.up - self.level)


@dataclass(frozen=True, eq=False)
class _Contacts:
    """Where feet stood: `points` m, camera frame; `soles` m: how far above the ground such a joint is."""

    points: Float64[np.ndarray, "n 3"]
    soles: Float64[np.ndarray, " n"]


def find_ground(poses: Poses3D) -> Ground:
    """The ground under the people of a clip. Its vertical is the calibration's where the camera is `placed`.

    Else from where feet stood and from how standing bodies are turned, with what is known of cameras. Raises
    InputError, saying why, where the clip does not tell: no position in the room, no legs, feet out of view or never
    still, nobody who stands or moves about.
    """
    if poses.root is None:
        raise InputError("ground: these poses hold no root position: they were lifted without a camera")
    legs = legs_of(poses.skeleton)
    if not legs:
        raise InputError(f"ground: skeleton {poses.skeleton.name!r} has no ankles or paws to stand on")
    contacts = _find_contacts(poses, legs)
    known = None if poses.camera is None else vertical(poses.camera)
    if known is not None:
        return Ground(known, _level(contacts, known))
    return _fit(contacts, _axes(poses, legs))


def calibrated_ground(camera: Camera | None) -> Ground:
    """The plane at height 0 of a calibrated world. Raises InputError without one, or for a camera too steep to tell."""
    up = None if camera is None else vertical(camera)
    if camera is None or camera.translation is None or up is None:
        raise InputError("ground: there is no calibration that tells the camera's pose")
    return Ground(up, float(up @ camera.translation))


def vertical(camera: Camera, *, settled: bool = False) -> Float64[np.ndarray, "3"] | None:
    """The calibrated world's vertical in the camera frame: the axis nearest to the image's up; None where the camera is
    not `placed`. `settled`: that axis is the vertical, as poses stand on a ground in this world (`on_ground`).

    Raises InputError where the camera is too steep to tell.
    """
    if camera.rotation is None or not camera.placed:
        return None
    axes = np.concatenate([camera.rotation.T, -camera.rotation.T])
    up = axes[np.argmin(axes[:, 1])]
    if -up[1] < np.cos(np.radians(STEEP)) or (not settled and up[2] > np.sin(np.radians(UPWARDS))):
        raise InputError("ground: the camera is too steep to tell which axis of its calibration is the vertical")
    return up


def known_vertical(camera: Camera | None, *, settled: bool = False) -> Float64[np.ndarray, "3"] | None:
    """As `vertical`; None where the camera is too steep to tell, too."""
    try:
        return None if camera is None else vertical(camera, settled=settled)
    except InputError:
        return None


def on_ground(poses: Poses3D) -> bool:
    """Whether poses were put on a ground, as their provenance tells."""
    return poses.provenance.get("ground") in ("auto", "calibration")


def in_world(poses: Poses3D, ground: Ground) -> Poses3D:
    """The same poses with the pose of their camera in the world frame; a calibrated pose stays as it is. Where only the
    rotation is known, the world has its axes."""
    camera = poses.camera
    if camera is None or poses.root is None or (camera.placed and camera.translation is not None):
        return poses
    forward = np.array([0.0, 0.0, 1.0]) - ground.up[2] * ground.up
    forward /= np.linalg.norm(forward)
    axes = np.stack([np.cross(forward, ground.up), ground.up, -forward])
    there = np.argwhere(np.isfinite(poses.root).all(axis=-1).T)  # person, frame: the first person's first frame
    first = poses.root[there[0][1], there[0][0]].astype(np.float64)
    origin = first - ground.height(first) * ground.up
    rotation = camera.rotation if camera.placed else axes.T
    return replace(poses, camera=replace(camera, rotation=rotation, translation=origin))


def upright(camera: Camera) -> tuple[Float64[np.ndarray, "3 3"], Float64[np.ndarray, "3"]] | None:
    """Rotation and translation (m) from the camera frame to its world, in which poses stand on a ground, turned so that
    the vertical is y; None without a pose. Raises InputError where the camera is too steep to tell which axis it is."""
    up = vertical(camera, settled=True)
    if up is None or camera.rotation is None or camera.translation is None:
        return None
    axis = np.round(camera.rotation.T @ up)  # in the world
    y = np.array([0.0, 1.0, 0.0])
    turn = np.diag([1.0, -1.0, -1.0]) if axis @ y < -0.5 else _quarter_turn(axis, y)
    rotation = turn @ camera.rotation.T
    return rotation, -rotation @ camera.translation


def _quarter_turn(a: Float64[np.ndarray, "3"], b: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """The rotation that takes one axis to another, or to itself."""
    x, y, z = np.cross(a, b)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + cross + cross @ cross / (1 + a @ b)


def _find_contacts(poses: Poses3D, legs: list[Leg]) -> _Contacts:
    points, soles = [], []
    place, times = poses.absolute.astype(np.float64), poses.frame_times
    visible = [seen(poses, leg.foot) for leg in legs]
    if not np.any(visible):
        raise InputError("ground: no foot is in view in any frame")
    for leg, there in zip(legs, visible, strict=True):
        sole = leg.sole * leg_length(poses, leg)
        for person in range(poses.people):
            foot = foot_path(place[:, person, leg.foot], there[:, person], times)
            runs = standing(foot, times)
            points += [np.median(foot[run], axis=0) for run in runs]
            soles += [sole] * len(runs)
    if not points:
        raise InputError("ground: no foot is ever seen to stand still")
    return _Contacts(np.array(points), np.array(soles))


def _level(contacts: _Contacts, up: Float64[np.ndarray, "3"]) -> float:
    """Where the feet stood along a known vertical, without those that were held in the air."""
    heights = contacts.points @ up - contacts.soles
    off = np.abs(heights - np.percentile(heights, 25))
    return float(np.median(heights[off <= max(2 * _HEIGHT, off.min())]))  # of two, it may lie far from both


def _axes(poses: Poses3D, legs: list[Leg]) -> Float64[np.ndarray, "n 3"]:
    """Unit vectors (n, 3) along bodies that stand: from between their feet to their shoulders. None for animals."""
    joints = poses.skeleton.joints
    if len(legs) != 2 or not {"left_shoulder", "right_shoulder"} <= set(joints):
        return np.zeros((0, 3))
    xyz = poses.xyz.astype(np.float64)
    shoulders = xyz[:, :, poses.skeleton.indices(["left_shoulder", "right_shoulder"])].mean(axis=2)
    hips = xyz[:, :, [leg.hip for leg in legs]].mean(axis=2)
    feet = xyz[:, :, [leg.foot for leg in legs]].mean(axis=2)
    upright = _cosine(shoulders - hips, feet - hips) < _STRAIGHT
    for leg in legs:
        upright &= _cosine(
            xyz[:, :, leg.hip] - xyz[:, :, leg.knee], xyz[:, :, leg.foot] - xyz[:, :, leg.knee]
        ) < np.cos(np.radians(110))
        upright &= seen(poses, leg.foot)
    axes = (shoulders - feet)[upright]
    axes /= np.linalg.norm(axes, axis=-1, keepdims=True)
    return axes[-axes[:, 1] > np.cos(np.radians(STEEP))]  # who lies is as straight as who stands


def _cosine(a: Float64[np.ndarray, "*batch 3"], b: Float64[np.ndarray, "*batch 3"]) -> Float64[np.ndarray, " *batch"]:
    return (a * b).sum(axis=-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))


def _fit(contacts: _Contacts, axes: Float64[np.ndarray, "n 3"]) -> Ground:
    """The plane y = a x + b z + c under the feet (a least-squares fit that feet in the air hardly lift), its slopes a
    and b held by the bodies' mean axis and by what is known of cameras."""
    target, information = np.zeros(2), np.diag([1 / ROLL**2, 1 / PITCH**2])
    if len(axes):
        mean = np.median(axes, axis=0)
        target = np.array([mean[0], mean[2]]) / -mean[1] / LEAN**2
        information = information + np.eye(2) / LEAN**2
    points = contacts.points
    heights, flat = points[:, 1], points[:, [0, 2]]
    weight, slope, information_all = np.ones(len(points)), np.zeros(2), information
    for _ in range(_ROBUST):
        middle = np.average(points, axis=0, weights=weight)
        across, above = flat - middle[[0, 2]], heights - middle[1]
        scaled = (weight / _HEIGHT**2)[:, None] * across
        information_all = information + scaled.T @ across
        slope = np.linalg.solve(information_all, target + scaled.T @ above)
        off = above - across @ slope  # y points down: negative is in the air
        weight = np.where(off < -_HEIGHT, 0.2 * _HEIGHT / np.maximum(-off, _HEIGHT), 1 / np.maximum(1.0, off / _HEIGHT))
    spread = float(np.sqrt(np.linalg.eigvalsh(np.linalg.inv(information_all)).max()))
    if spread > SURE:
        raise InputError("ground: the clip does not tell which way is up: nobody stands upright, or moves about")
    up = np.array([slope[0], -1.0, slope[1]])
    up /= np.linalg.norm(up)
    return Ground(up, _level(contacts, up), float(np.degrees(np.arctan(spread))))
