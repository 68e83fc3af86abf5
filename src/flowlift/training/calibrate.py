"""How sure a model may be: its uncertainty measured on held-out poses of a bank, joint by joint."""

from pathlib import Path

import numpy as np
from jaxtyping import Float64
from torch import Generator

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.datasets.mocap import STATURE_OF_HEIGHT
from flowlift.lifter import DEFAULT_HEIGHT, Lifter
from flowlift.skeletons import HUMAN36M17
from flowlift.training.bodies import BodyVariation, PoseBank, sample_bodies
from flowlift.training.sources import load_poses
from flowlift.training.views import Sighting, ViewVariation, sample_sightings

QUANTILE_90 = 6.2514
"""The 90 % quantile of chi-square with 3 degrees of freedom."""

IMAGE = (1920, 1080)
# Calibrated for what a user brings: upright people, a detector's noise and gaps, cameras near and far, known optics.
_VIEWS = ViewVariation(pitch=(-10.0, 40.0), any_orientation=0.05, distance=(1.6, 6.0), unknown_focal=0.0, noise=0.02)
_BODIES = BodyVariation(mix_halves=0.0, mix_all=0.0, joint_angle=0.05, fold=0.0, any_direction_arm=0.0)


def held_out_clip(data: Path, *, count: int = 4000, seed: int = 7) -> tuple[Keypoints2D, Poses3D, Camera]:
    """Views of held-out poses on varied bodies: keypoints of one clip, the truth (1.7 m tall), and the camera."""
    _, poses = load_poses(data)
    generator = Generator().manual_seed(seed)
    bodies = sample_bodies(PoseBank.from_positions(poses), count, _BODIES, generator)
    seen: Sighting = sample_sightings(bodies, _VIEWS, generator)
    camera = Camera.from_fov(60.0, IMAGE)
    focal, centre = camera.matrix[0, 0], camera.matrix[:2, 2]
    xy = np.where(seen.visible[..., None] > 0, seen.rays.numpy() * focal + centre, np.nan)
    metres = DEFAULT_HEIGHT * STATURE_OF_HEIGHT / seen.size.numpy()
    xyz = seen.xyz.numpy() * metres[:, None, None]
    keypoints = Keypoints2D(xy[:, None], seen.confidence.numpy()[:, None], HUMAN36M17, IMAGE)
    truth = Poses3D(
        xyz[:, None], (seen.root.numpy() * metres[:, None])[:, None], np.zeros((*xyz.shape, 3))[:, None], HUMAN36M17
    )
    return keypoints, truth, camera


def _errors(out: Path, clip: tuple[Keypoints2D, Poses3D, Camera]) -> tuple[Float64[np.ndarray, "f j 3"], Poses3D]:
    keypoints, truth, camera = clip
    poses = Lifter.load(out)(keypoints, camera=camera)
    return (poses.xyz[:, 0] - truth.xyz[:, 0]).astype(np.float64), poses


def priors(out: Path, clip: tuple[Keypoints2D, Poses3D, Camera]) -> dict[str, list[float]]:
    """Variances (m^2, along each axis) of a model folder's errors, of joints that were seen and that were missing."""
    error, _ = _errors(out, clip)
    variance = (error**2).mean(axis=-1)
    visible = np.isfinite(clip[0].xy[:, 0, :, 0])
    seen = np.nanmean(np.where(visible, variance, np.nan), axis=0)
    missing = np.nanmean(np.where(visible, np.nan, variance), axis=0)
    return {"prior_seen": seen.round(6).tolist(), "prior_missing": np.maximum(seen, missing).round(6).tolist()}


def covariance_scale(out: Path, clip: tuple[Keypoints2D, Poses3D, Camera]) -> list[float]:
    """Per joint, the factor that makes the nominal 90 % region hold 90 % of the held-out truths."""
    error, poses = _errors(out, clip)
    scale = np.ones(error.shape[1])
    for joint in range(error.shape[1]):
        if joint == HUMAN36M17.root:
            continue
        inverse = np.linalg.inv(poses.cov[:, 0, joint].astype(np.float64))
        distance = np.einsum("fi,fij,fj->f", error[:, joint], inverse, error[:, joint])
        scale[joint] = np.quantile(distance, 0.9) / QUANTILE_90
    return scale.round(4).tolist()
