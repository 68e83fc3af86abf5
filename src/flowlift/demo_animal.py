"""A recording that flowlift makes itself: a mouse-like animal in an arena, as several cameras would triangulate it.

Parametric and invented, captured from nothing: it walks, turns, rears, grooms and looks around, each driven by smooth
noise; paws stand on the ground and legs bend to reach them. World: z up, millimetres, the arena's middle on the ground
at the origin. Body axes: forward, left, up.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.skeleton import Skeleton

FPS = 30.0
IMAGE = (1280, 1024)

MOUSE = Skeleton(
    name="mouse",
    joints=(
        *("tail_base", "spine", "neck", "nose", "left_ear", "right_ear"),
        *("left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_front_paw", "right_front_paw"),
        *("left_hip", "right_hip", "left_knee", "right_knee", "left_back_paw", "right_back_paw"),
        *("tail_mid", "tail_end"),
    ),
    parents=(
        *(None, "tail_base", "spine", "neck", "neck", "neck"),
        *("neck", "neck", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow"),
        *("tail_base", "tail_base", "left_hip", "right_hip", "left_knee", "right_knee"),
        *("tail_base", "tail_mid"),
    ),
    pairs=tuple(
        (f"left_{name}", f"right_{name}")
        for name in ("ear", "shoulder", "elbow", "front_paw", "hip", "knee", "back_paw")
    ),
    size=("nose", "neck", "spine", "tail_base"),
)

Track = Float64[np.ndarray, " frame"]
Points = Float64[np.ndarray, "frame 3"]

# Millimetres.
_BACK, _CHEST, _HEAD, _TAIL = 38.0, 32.0, 27.0, 42.0
_FORE, _HIND = (13.0, 14.0), (17.0, 19.0)
_ARENA = 220.0
_NOISE, _MISSING_EVERY, _MISSING_SECONDS = 0.8, 12.0, 0.4


@dataclass(frozen=True, eq=False)
class AnimalClip:
    """`xyz` (frame, joint, 3): mm, world, every joint, without error, on MOUSE; `fps`: frames a second."""

    xyz: Float64[np.ndarray, "frame joint 3"]
    fps: float


def roam(seed: int = 0, seconds: float = 480.0, fps: float = FPS) -> AnimalClip:
    """The animal's joints over time. Raises InputError for a duration without frames."""
    if not (np.isfinite([seconds, fps]).all() and fps > 0 and seconds * fps >= 1):
        raise InputError(f"a clip needs at least one frame; got {seconds} s at {fps} frames/s")
    random, frames = np.random.default_rng(seed), round(seconds * fps)

    def smooth(period: float) -> Track:
        return _smooth(random, frames, period * fps)

    rear, groom = _sometimes(smooth(3.0), 1.1), _sometimes(smooth(4.0), 1.2)
    speed = 130 * np.clip(smooth(2.5) + 0.2, 0, 2) * (1 - rear) * (1 - groom)
    heading, place = _path(speed, 1.3 * smooth(1.5), fps)
    joints = _figure(_Motion(speed, np.cumsum(speed) / fps / 55.0, rear, groom, *(smooth(p) for p in _PERIODS)))
    local = np.stack([joints[name] for name in MOUSE.joints], axis=1)
    cos, sin, zero = np.cos(heading), np.sin(heading), np.zeros(frames)
    turn = np.stack([cos, -sin, zero, sin, cos, zero, zero, zero, zero + 1], axis=-1).reshape(-1, 3, 3)
    return AnimalClip(np.einsum("fij,fkj->fki", turn, local) + place[:, None], fps)


def triangulated(clip: AnimalClip, seed: int = 0) -> Float64[np.ndarray, "frame joint 3"]:
    """Joints as cameras would have triangulated them, mm: errors that drift, and joints that are hidden for a while."""
    random = np.random.default_rng([seed, 1])
    frames, joints, _ = clip.xyz.shape
    error = np.stack(
        [_smooth(random, frames, 0.1 * clip.fps) for _ in range(3 * joints)],
        axis=-1,
    ).reshape(frames, joints, 3)
    seen = clip.xyz + _NOISE * error
    length = max(1, round(_MISSING_SECONDS * clip.fps))
    for joint in range(joints):
        for start in np.flatnonzero(random.uniform(size=frames) < 1 / (_MISSING_EVERY * clip.fps)):
            seen[start : start + length, joint] = np.nan
    return seen


def cameras() -> dict[str, Camera]:
    """Four calibrated cameras around the arena, translations in mm."""
    return {
        f"cam{index}": _camera(np.array([620 * np.cos(angle), 620 * np.sin(angle), height]))
        for index, (angle, height) in enumerate(((0.4, 300.0), (1.9, 450.0), (3.5, 250.0), (5.0, 600.0)))
    }


def seen_by(camera: Camera, clip: AnimalClip, seed: int = 0) -> Keypoints2D:
    """What a detector makes of the animal in one camera's images, px."""
    random = np.random.default_rng([seed, 2])
    assert camera.rotation is not None
    assert camera.translation is not None
    px = camera.project(clip.xyz @ camera.rotation.T + camera.translation)
    px = px + random.normal(size=px.shape) * 1.5
    score = random.uniform(0.85, 1.0, px.shape[:2])
    return Keypoints2D(px[:, None], score[:, None], MOUSE, camera.image_size, fps=clip.fps, source="flowlift demo")


_PERIODS = (1.2, 1.0, 0.9, 1.1, 1.4, 0.8)


@dataclass(frozen=True, eq=False)
class _Motion:
    """What drives the animal, per frame: mm/s, strides, shares from 0 to 1, then smooth noise of variance 1."""

    speed: Track
    stride: Track
    rear: Track
    groom: Track
    bend: Track
    look_aside: Track
    look_up: Track
    crouch: Track
    tail: Track
    sniff: Track


def _figure(motion: _Motion) -> dict[str, Points]:
    """Joints in body axes about the point on the ground below the tail base."""
    rear, groom = motion.rear, motion.groom
    turn, rise = 0.3 * motion.bend, 0.12 + 0.06 * motion.crouch + 0.75 * rear + 0.35 * groom
    base = _points(0.0 * turn, 0.0, 26 + 2 * motion.crouch - 4 * rear)
    joints = {"tail_base": base}
    joints["spine"] = base + _BACK * _along(0.4 * turn, rise + 0.35)
    joints["neck"] = joints["spine"] + _CHEST * _along(turn, rise - 0.25 - 0.5 * groom)
    face = turn + 0.45 * motion.look_aside, rise - 0.45 + 0.25 * motion.look_up - 0.9 * groom
    joints["nose"] = joints["neck"] + _HEAD * _along(*face)
    swing = 0.5 * motion.tail
    hang = 0.25 + 0.07 * np.clip(motion.sniff, -2, 2)
    joints["tail_mid"] = base - _TAIL * _along(-0.3 * turn + swing, hang)
    joints["tail_end"] = joints["tail_mid"] - _TAIL * _along(-0.5 * turn + 1.8 * swing, 0.2 - hang / 2)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        joints[f"{side}_ear"] = (
            joints["neck"] + 12 * _along(*face) + _across(face[0], sign * 8) + _points(0 * turn, 0, 7)
        )
        hip = base + 6 * _along(0 * turn, rise) + _across(0 * turn, sign * 10) - _points(0 * turn, 0, 4)
        shoulder = joints["neck"] - 7 * _along(turn, rise) + _across(turn, sign * 8) - _points(0 * turn, 0, 6)
        cycle = motion.stride + (0.0 if side == "left" else 0.5)
        reach = 14 * np.clip(motion.speed / 120, 0, 1)
        back = _points(hip[:, 0] + 4 + reach * np.cos(2 * np.pi * cycle), sign * 13.0, _lift(cycle, reach))
        fore = _points(
            shoulder[:, 0] + 2 - reach * np.cos(2 * np.pi * cycle), shoulder[:, 1], _lift(cycle + 0.5, reach)
        )
        held = shoulder + 15 * _along(turn, rise - 0.9) - _across(turn, sign * 4)
        washing = joints["nose"] - 4 * _along(*face) + _across(face[0], sign * (4 + 3 * motion.sniff))
        up = np.clip(rear * 1.6, 0, 1)[:, None]
        wash = np.clip(groom * 1.6, 0, 1)[:, None]
        fore = (fore * (1 - up) + held * up) * (1 - wash) + washing * wash
        joints[f"{side}_hip"], joints[f"{side}_shoulder"] = hip, shoulder
        joints[f"{side}_knee"], joints[f"{side}_back_paw"] = _leg(hip, back, _HIND, 1.0)
        joints[f"{side}_elbow"], joints[f"{side}_front_paw"] = _leg(shoulder, fore, _FORE, -1.0)
    return joints


def _leg(top: Points, paw: Points, lengths: tuple[float, float], ahead: float) -> tuple[Points, Points]:
    """Knee and paw: the knee bends forwards (`ahead` 1) or backwards, the paw comes as near as the leg lets it."""
    upper, lower = lengths
    way = paw - top
    far = np.linalg.norm(way, axis=-1, keepdims=True)
    length = np.clip(far, 1.05 * abs(upper - lower) + 4, 0.98 * (upper + lower))
    along = way / np.maximum(far, 1e-6)
    reach = (length**2 + upper**2 - lower**2) / (2 * length)
    bend = np.array([ahead, 0.0, 0.3]) - (along @ np.array([ahead, 0.0, 0.3]))[:, None] * along
    bend /= np.maximum(np.linalg.norm(bend, axis=-1, keepdims=True), 1e-6)
    return top + reach * along + np.sqrt(np.maximum(upper**2 - reach**2, 0)) * bend, top + length * along


def _lift(cycle: Track, reach: Track) -> Track:
    return 0.6 * reach * np.clip(-np.sin(2 * np.pi * cycle), 0, 1)


def _along(turn: Track, rise: Track | float) -> Points:
    """Unit vectors forward, turned to the left and raised (radians)."""
    rise = np.broadcast_to(rise, turn.shape)
    return np.stack([np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)], axis=-1)


def _across(turn: Track, distance: Track | float) -> Points:
    return _points(-np.sin(turn) * distance, np.cos(turn) * distance, 0.0)


def _points(ahead: Track, left: Track | float, up: Track | float) -> Points:
    return np.stack(np.broadcast_arrays(ahead, left, up), axis=-1).astype(np.float64)


def _path(speed: Track, turning: Track, fps: float) -> tuple[Track, Points]:
    """Heading (radians) and place on the ground (mm); near the arena's edge the animal turns back to its middle."""
    heading, place = np.zeros(len(speed)), np.zeros((len(speed), 3))
    angle, x, y = 0.0, 0.0, 0.0
    for frame in range(len(speed)):
        edge = np.clip(np.hypot(x, y) / _ARENA - 0.6, 0, 1)
        back = np.arctan2(-y, -x) - angle
        angle += (turning[frame] + 8 * edge * np.sin(back)) / fps
        x, y = x + speed[frame] * np.cos(angle) / fps, y + speed[frame] * np.sin(angle) / fps
        heading[frame], place[frame] = angle, (x, y, 0.0)
    return heading, place


def _smooth(random: np.random.Generator, frames: int, period: float) -> Track:
    """Noise of mean 0 and variance 1 that changes over about `period` frames."""
    margin = int(4 * period) + 1
    white = np.fft.rfft(random.standard_normal(frames + margin))
    frequency = np.fft.rfftfreq(frames + margin)
    shape = np.exp(-0.5 * (frequency * period * 2) ** 2)
    scale = np.sqrt((frames + margin) / max(1.0, 2 * (shape**2).sum()))
    return np.fft.irfft(white * shape * scale, frames + margin)[:frames]


def _sometimes(noise: Track, above: float) -> Track:
    """From 0 to 1, mostly 0: where smooth noise exceeds a level."""
    return 1 / (1 + np.exp(-6 * (noise - above)))


def _camera(eye: Float64[np.ndarray, "3"]) -> Camera:
    """A camera at `eye` (mm, z up) that looks at the arena's middle."""
    forward = -eye / np.linalg.norm(eye)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    plain = Camera.from_fov(50.0, IMAGE)
    return Camera.from_matrix(plain.matrix, IMAGE, rotation=rotation, translation=-rotation @ eye)
