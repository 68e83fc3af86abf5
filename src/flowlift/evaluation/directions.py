"""Errors by the direction that a body is seen from: a camera in each sector around it, at each of three heights."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float, Float64

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D
from flowlift.datasets.views import Capture
from flowlift.datasets.virtual_camera import in_image, look_at
from flowlift.errors import InputError
from flowlift.evaluation.lifting import Lift, LiftSettings, Said, said
from flowlift.evaluation.report import Conditions, PerFrame, Result, Row, frame_mean
from flowlift.evaluation.scoring import score_poses
from flowlift.skeletons import HUMAN36M17

SECTORS = 12
PITCHES: Mapping[str, tuple[float, float]] = {
    "level or from below": (-15.0, 5.0),
    "from above": (5.0, 25.0),
    "from high above": (25.0, 60.0),
}
"""How steeply the camera looks down, degrees."""
DISTANCE = (3.0, 6.0)
_IMAGE, _FOV = (1920, 1920), 60.0


@dataclass(frozen=True)
class Direction:
    """Where a camera stands: `sector` 0 is in front of the body, 3 on its left side, 6 behind it."""

    sector: int
    pitch: str

    @property
    def name(self) -> str:
        return f"{self.sector * 360 // SECTORS} degrees, {self.pitch}"


def directions() -> Iterator[Direction]:
    """All of them."""
    yield from (Direction(sector, pitch) for pitch, sector in product(PITCHES, range(SECTORS)))


def facing(xyz: Float[np.ndarray, "frame 17 3"]) -> Float64[np.ndarray, " frame"]:
    """Where the hips face on the ground, as an angle about Y (up) from Z towards X, radians."""
    left, right, thorax, hip = (HUMAN36M17.index(name) for name in ("left_hip", "right_hip", "thorax", "hip"))
    forward = np.cross(xyz[:, left] - xyz[:, right], xyz[:, thorax] - xyz[:, hip])
    return np.arctan2(forward[:, 0], forward[:, 2]).astype(np.float64)


def see_from(
    xyz: Float[np.ndarray, "frame 17 3"], direction: Direction, rng: np.random.Generator
) -> tuple[Keypoints2D, Float64[np.ndarray, "frame 17 3"], Camera]:
    """Each pose (m, Y up) as a camera of its own sees it from somewhere in that direction: exact keypoints, the true
    poses (camera frame, hip at 0), and the intrinsics that all cameras share. Joints outside the image are missing."""
    camera = Camera.from_fov(_FOV, _IMAGE)
    angle = facing(xyz) + 2 * np.pi / SECTORS * (direction.sector + rng.uniform(-0.5, 0.5, len(xyz)))
    pitch = np.radians(rng.uniform(*PITCHES[direction.pitch], len(xyz)))
    distance = rng.uniform(*DISTANCE, len(xyz))
    away = np.stack([np.cos(pitch) * np.sin(angle), np.sin(pitch), np.cos(pitch) * np.cos(angle)], axis=-1)
    seen = np.empty(xyz.shape)
    for frame, pose in enumerate(xyz):
        hip = pose[HUMAN36M17.root]
        rotation, translation = look_at(hip + distance[frame] * away[frame], hip)
        seen[frame] = pose @ rotation.T + translation
    px = camera.project(seen)
    there = in_image(camera, px)
    xy = np.where(there[..., None], px, np.nan).astype(np.float32)
    keypoints = Keypoints2D(xy[:, None], there.astype(np.float32)[:, None], HUMAN36M17, _IMAGE)
    return keypoints, seen - seen[:, [HUMAN36M17.root]], camera


def evaluate_directions(
    captures: Sequence[Capture], lift: Lift, settings: LiftSettings, *, every: int = 1, name: str = ""
) -> Result:
    """Every `every`-th frame of the captures from each direction: a row of all of them, then one for each."""
    xyz = np.concatenate([capture.xyz for capture in captures])[::every] if captures else np.empty((0, 17, 3))
    if not len(xyz) or not settings.seeds:
        raise InputError("nothing to evaluate: no frame, or no seed")
    rows: list[Row] = []
    found: list[list[PerFrame]] = []
    told: Said | None = None
    for index, direction in enumerate(directions()):
        keypoints, truth, camera = see_from(xyz, direction, np.random.default_rng([0, index]))
        per_seed: list[PerFrame] = []
        for seed in settings.seeds:
            poses = settings.run(lift, keypoints, camera=camera, height=None, seed=seed)
            per_seed.append(score_poses(poses, truth.astype(np.float32)))
            told = said(poses)
        rows.append(frame_mean(direction.name, per_seed))
        found.append(per_seed)
    assert told is not None
    every_frame = [
        {figure: np.concatenate([each[figure] for each in of_seed]) for figure in of_seed[0]}
        for of_seed in zip(*found, strict=True)
    ]
    rows.insert(0, frame_mean("all", every_frame))
    return Result(name or settings.model, _conditions(settings, every, told), tuple(rows))


def _conditions(settings: LiftSettings, every: int, told: Said) -> Conditions:
    return Conditions(
        dataset="HDM05",
        split=f"every {every}th frame at 10 fps",
        cameras=(
            f"virtual, one a frame and direction: {SECTORS} sectors about the body, 0 degrees in front of it, "
            f"{DISTANCE[0]:g} to {DISTANCE[1]:g} m, field of view {_FOV:g} degrees; looking down "
            + "; ".join(f"{name}: {low:g} to {high:g} degrees" for name, (low, high) in PITCHES.items())
        ),
        keypoints="exact",
        joints="17, Human3.6M's, relative to the hip (whose zero counts)",
        scale="the model's",
        smoothing=settings.smooth,
        seeds=settings.seeds,
        **told,
    )
