"""A clip that flowlift makes itself: a walking figure as a 2D detector would see it, with the true 3D beside it.

The gait is parametric: the ankles follow periodic paths, standing feet stay where they are, the knees follow from
the legs' lengths, and trunk and arms swing against the legs. World frame: x right and z towards the camera, y up,
metres. Body frame: x to the figure's left, y up, z forward.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from flowlift.camera import DEFAULT_FOV, Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError
from flowlift.skeletons import HUMAN36M17

STATURE = 1.73
"""Height of the figure, metres."""

Track = Float64[np.ndarray, " frame"]
Points = Float64[np.ndarray, "frame 3"]

_STRIDES_PER_SECOND, _STRIDE = 0.97, 1.14
_PATH_RADIUS = 1.5
_SIZE = (1280, 720)
_EYE, _TARGET = np.array([0.0, 2.0, 5.4]), np.array([0.0, 0.85, 0.0])

# Metres between joint centres, as fractions of the stature: adult anthropometry.
_THIGH, _SHANK, _UPPER_ARM, _FOREARM = (STATURE * f for f in (0.245, 0.246, 0.183, 0.150))
_HALF_HIPS, _HALF_SHOULDERS, _ANKLE_HEIGHT = (STATURE * f for f in (0.072, 0.108, 0.04))
_HIP_HEIGHT = 0.507 * STATURE  # in mid-stride: the knees are never quite straight
_TRUNK = {"spine": (0.135, 0.0), "thorax": (0.295, 0.02), "nose": (0.385, 0.085), "head": (0.46, 0.05)}  # up, forward

# What the detector cannot see: from, to (fractions of the clip), joints. Everything hidden: nobody is found.
_ARM = ("left_elbow", "left_wrist")
_LEGS = ("left_knee", "left_ankle", "right_knee", "right_ankle")
_HIDDEN = ((0.20, 0.29, _ARM), (0.47, 0.51, HUMAN36M17.joints), (0.70, 0.82, _LEGS))
_NOISE = 0.006  # of the figure's height in the image, one standard deviation


@dataclass(frozen=True)
class DemoClip:
    """What a detector saw of the figure, where the figure truly was (`truth`, with zero covariance), and the camera."""

    keypoints: Keypoints2D
    truth: Poses3D
    camera: Camera


def synthesize(seed: int = 0, seconds: float = 8.0, fps: float = 30.0) -> DemoClip:
    """A figure walks a circle of 3 m across, seen by a fixed camera a little above: front, side, back, side.

    `keypoints` (frame, 1, 17, 2): px, noisy (from `seed`), NaN where hidden. `truth` (frame, 1, 17, 3): metres,
    camera frame, known in the hidden frames too. Raises InputError for a duration without frames.
    """
    if not (np.isfinite([seconds, fps]).all() and fps > 0 and seconds * fps >= 1):
        raise InputError(f"a clip needs at least one frame; got {seconds} s at {fps} frames/s")
    times = np.arange(round(seconds * fps)) / fps
    camera = _camera()
    assert camera.rotation is not None
    assert camera.translation is not None
    xyz = (walk(times) @ camera.rotation.T + camera.translation)[:, None]
    root = xyz[:, :, HUMAN36M17.root]
    keypoints = _observe(camera.project(xyz), fps, seed)
    truth = Poses3D(
        xyz=(xyz - root[:, :, None]).astype(np.float32),
        root=root.astype(np.float32),
        cov=np.zeros((*xyz.shape, 3), dtype=np.float32),
        skeleton=HUMAN36M17,
        fps=fps,
        camera=camera,
        provenance={"model": "demo truth", "seed": seed},
        keypoints=keypoints,
    )
    return DemoClip(keypoints, truth, camera)


def walk(times: Float64[np.ndarray, " frame"]) -> Float64[np.ndarray, "frame 17 3"]:
    """The figure's joints (Human3.6M-17), world frame, metres, at `times` (frame,) seconds from the start."""
    joints = _figure(_STRIDES_PER_SECOND * times)
    heading = _STRIDES_PER_SECOND * _STRIDE * times / _PATH_RADIUS
    left, forward = _horizontal(np.cos(heading), -np.sin(heading)), _horizontal(np.sin(heading), np.cos(heading))
    axes = np.stack([left, np.broadcast_to([0.0, 1.0, 0.0], left.shape), forward], axis=1)
    local = np.stack([joints[name] for name in HUMAN36M17.joints], axis=1)
    return -_PATH_RADIUS * left[:, None] + local @ axes


def _figure(cycle: Track) -> dict[str, Points]:
    """Joints in the body frame, above the ground, metres; at cycle 0, 1, 2 ... the right heel touches the ground."""
    turn = np.cos(2 * np.pi * cycle)
    sway = 0.012 * np.sin(2 * np.pi * cycle)
    joints = {"hip": _points(-sway, _HIP_HEIGHT - 0.018 * np.cos(4 * np.pi * (cycle - 0.05)), 0.0)}
    for name, (up, ahead) in _TRUNK.items():
        joints[name] = joints["hip"] + STATURE * _points(0 * cycle, up, ahead)
    for side, sign, own in (("right", -1.0, cycle), ("left", 1.0, cycle + 0.5)):
        joints[f"{side}_hip"] = joints["hip"] + _across(sign * _HALF_HIPS, np.radians(6) * turn)
        joints[f"{side}_ankle"] = _ankle(own, sign)
        joints[f"{side}_knee"] = _knee(joints[f"{side}_hip"], joints[f"{side}_ankle"])
        swing = np.cos(2 * np.pi * own)
        arm, forearm = np.radians(-4 - 24 * swing), np.radians(24 - 38 * swing)
        joints[f"{side}_shoulder"] = joints["thorax"] + _across(sign * _HALF_SHOULDERS, np.radians(-8) * turn)
        joints[f"{side}_elbow"] = joints[f"{side}_shoulder"] + _UPPER_ARM * _hanging(arm, sign * 0.16)
        joints[f"{side}_wrist"] = joints[f"{side}_elbow"] + _FOREARM * _hanging(forearm, sign * 0.05)
    return joints


def _ankle(cycle: Track, sign: float) -> Points:
    """One ankle over its own cycle: it stands for three fifths of it, rolls over the toes, and swings forward."""
    part = np.mod(cycle, 1.0)
    swing = np.clip((part - 0.6) / 0.4, 0.0, 1.0)
    ahead = _STRIDE * (0.235 - part + swing * swing * (3 - 2 * swing)) + 0.06 * _bump(cycle, 0.6, 10)
    return _points(np.full_like(cycle, sign * 0.06), _ANKLE_HEIGHT + 0.13 * _bump(cycle, 0.67, 4), ahead)


def _knee(hip: Points, ankle: Points) -> Points:
    """The knee between hip and ankle, bent forwards: the corner of a triangle with the leg's two lengths."""
    leg = ankle - hip
    length = np.linalg.norm(leg, axis=-1, keepdims=True)
    along = leg / length
    reach = (length**2 + _THIGH**2 - _SHANK**2) / (2 * length)
    forward = np.array([0.0, 0.0, 1.0]) - along[:, 2:] * along
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    return hip + reach * along + np.sqrt(_THIGH**2 - reach**2) * forward


def _bump(cycle: Track, centre: float, sharpness: float) -> Track:
    """A periodic bump of height 1 around `centre` of the cycle."""
    return np.exp(sharpness * (np.cos(2 * np.pi * (cycle - centre)) - 1))


def _across(distance: float, turn: Track) -> Points:
    """Offsets to the left by `distance`, turned about the vertical by `turn` radians (the right side comes forward)."""
    return distance * _points(np.cos(turn), 0.0, -np.sin(turn))


def _hanging(angle: Track, outwards: float) -> Points:
    """Unit vectors that hang down, swung forward by `angle` and to the left by `outwards` (radians)."""
    return _points(
        np.full_like(angle, np.sin(outwards)), *(np.cos(outwards) * v for v in (-np.cos(angle), np.sin(angle)))
    )


def _points(left: Track, up: Track | float, forward: Track | float) -> Points:
    return np.stack(np.broadcast_arrays(left, up, forward), axis=-1).astype(np.float64)


def _horizontal(x: Track, z: Track) -> Points:
    return _points(x, 0.0, z)


def _camera() -> Camera:
    forward = (_TARGET - _EYE) / np.linalg.norm(_TARGET - _EYE)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = Camera.from_fov(DEFAULT_FOV, _SIZE).matrix
    return Camera.from_matrix(matrix, _SIZE, rotation=rotation, translation=-rotation @ _EYE)


def _observe(px: Float64[np.ndarray, "frame 1 17 2"], fps: float, seed: int) -> Keypoints2D:
    """What a detector makes of the true pixels: errors that drift, honest confidence, hidden joints missing."""
    random = np.random.default_rng(seed)
    keep = 0.8 ** (30 / fps)  # the errors of one frame carry on into the next
    drift = random.standard_normal(px.shape)
    for frame in range(1, len(drift)):
        drift[frame] = keep * drift[frame - 1] + np.sqrt(1 - keep * keep) * drift[frame]
    height = np.ptp(px[..., 1], axis=-1)[..., None]
    size = _NOISE * height * random.uniform(0.6, 1.4, px.shape[2])
    score = np.exp(-0.15 * np.linalg.norm(drift, axis=-1)) * random.uniform(0.9, 1.0, px.shape[:3])
    hidden = _hidden(len(px))[:, None]
    seen = np.where(hidden[..., None], np.nan, px + drift * size[..., None])
    score = np.where(hidden, 0.0, score)
    return Keypoints2D(
        seen.astype(np.float32), score.astype(np.float32), HUMAN36M17, _SIZE, fps=fps, source="flowlift demo"
    )


def _hidden(frames: int) -> Bool[np.ndarray, "frame 17"]:
    hidden = np.zeros((frames, len(HUMAN36M17)), dtype=bool)
    for start, stop, joints in _HIDDEN:
        hidden[round(start * frames) : round(stop * frames), HUMAN36M17.indices(joints)] = True
    return hidden
