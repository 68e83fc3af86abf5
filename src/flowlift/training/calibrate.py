"""How sure a model may be: its uncertainty measured on held-out poses of a bank, joint by joint."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64
from torch import Generator

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.datasets.mocap import STATURE_OF_HEIGHT
from flowlift.lifter import DEFAULT_HEIGHT, Lifter, rows_of
from flowlift.skeletons import HUMAN36M17
from flowlift.training.bodies import BodyVariation, PoseBank, sample_bodies
from flowlift.training.sources import load_poses
from flowlift.training.views import Sighting, ViewVariation, sample_sightings

QUANTILE_90 = 6.2514
"""The 90 % quantile of chi-square with 3 degrees of freedom."""

LEAST_RESIDUAL = 1e-6
"""m^2: no joint is known to better than a millimetre."""

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


@dataclass(frozen=True, eq=False)
class _Measured:
    """In the view's frame, square metres: `error` (F, J, 3) squared, `spread` (F, J, 3) the hypotheses' variance; of
    joints that were `visible` (F, J)."""

    error: Float64[np.ndarray, "frame joint 3"]
    spread: Float64[np.ndarray, "frame joint 3"]
    visible: Bool[np.ndarray, "frame joint"]


def _measure(out: Path, clip: tuple[Keypoints2D, Poses3D, Camera]) -> _Measured:
    keypoints, truth, camera = clip
    lifter = Lifter.load(out)
    poses = lifter(keypoints, camera=camera, height=DEFAULT_HEIGHT, keep_hypotheses=True)
    assert poses.hypotheses is not None
    to_camera = lifter.conditioning.view(rows_of(keypoints, camera)).to_camera.astype(np.float64)
    error = np.einsum("fji,fkj->fki", to_camera, poses.xyz[:, 0] - truth.xyz[:, 0])
    hypotheses = np.einsum("fji,fhkj->fhki", to_camera, poses.hypotheses[:, 0])
    visible = np.isfinite(keypoints.xy[:, 0, :, 0])
    return _Measured(error**2, hypotheses.var(axis=1, ddof=1), visible)


def spread_and_residual(out: Path, clip: tuple[Keypoints2D, Poses3D, Camera]) -> dict[str, list[list[float]]]:
    """What a model folder's hypotheses say of their errors, and what they do not: see `models.Calibration`."""
    found = _measure(out, clip)
    variances: dict[str, Float64[np.ndarray, "joint 3"]] = {}
    for name, of in (("spread", found.spread), ("error", found.error)):
        seen = np.nanmean(np.where(found.visible[..., None], of, np.nan), axis=0)
        missing = np.nanmean(np.where(found.visible[..., None], np.nan, of), axis=0)
        variances |= {f"{name}_seen": seen, f"{name}_missing": np.fmax(seen, missing)}
    for which in ("seen", "missing"):
        beyond = variances.pop(f"error_{which}") - variances[f"spread_{which}"]
        variances[f"residual_{which}"] = np.maximum(beyond, LEAST_RESIDUAL)
    return {name: values.round(7).tolist() for name, values in variances.items()}


def scale(out: Path, clip: tuple[Keypoints2D, Poses3D, Camera]) -> list[float]:
    """Per joint, the factor that makes the nominal 90 % region hold 90 % of the held-out truths."""
    keypoints, truth, camera = clip
    poses = Lifter.load(out)(keypoints, camera=camera, height=DEFAULT_HEIGHT)
    error = (poses.xyz[:, 0] - truth.xyz[:, 0]).astype(np.float64)
    factor = np.ones(error.shape[1])
    for joint in range(error.shape[1]):
        if joint == HUMAN36M17.root:
            continue
        inverse = np.linalg.inv(poses.cov[:, 0, joint].astype(np.float64))
        distance = np.einsum("fi,fij,fj->f", error[:, joint], inverse, error[:, joint])
        factor[joint] = np.quantile(distance, 0.9) / QUANTILE_90
    return factor.round(4).tolist()
