"""How sure a model may be: its uncertainty measured on held-out poses of a bank, joint by joint."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float64
from torch import Generator

from flowlift.aggregate import Reprojection, reproject
from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.datasets.mocap import STATURE_OF_HEIGHT
from flowlift.errors import ModelError
from flowlift.lifter import DEFAULT_HEIGHT, Lifter, rows_of
from flowlift.lifting.onto_rays import LEADING, misses
from flowlift.models import Model
from flowlift.models.card import card_of
from flowlift.skeleton import Skeleton
from flowlift.skeletons import HUMAN36M17
from flowlift.training.bodies import BodyVariation, PoseBank, sample_bodies
from flowlift.training.figure_source import exact as seen_exactly
from flowlift.training.figure_source import load_figures
from flowlift.training.figure_variation import AS_CAPTURED, FigureVariation
from flowlift.training.figure_views import FigureViewVariation, see_figures
from flowlift.training.figures import sample_figures
from flowlift.training.sources import load_poses
from flowlift.training.views import Sighting, ViewVariation, sample_sightings

QUANTILE_90 = 6.2514
"""The 90 % quantile of chi-square with 3 degrees of freedom."""

RMS_OF_MEDIAN = 1.2
"""Of the length of a vector of two numbers from one normal distribution: poses that no training resembles, whose joints
are far off, do not count."""

KNOTS = 8
"""Parts that held-out bodies are cut into by how far they miss their 2D: 500 bodies each."""

LEAST_RESIDUAL = 1e-6
"""m^2: no joint is known to better than a millimetre."""

IMAGE = (1920, 1080)
# Calibrated for what a user brings: upright people, a detector's noise and gaps, cameras near and far, known optics.
_VIEWS = ViewVariation(pitch=(-10.0, 40.0), any_orientation=0.05, distance=(1.6, 6.0), unknown_focal=0.0, noise=0.02)
_FIGURE_VIEWS = FigureViewVariation(any_orientation=0.0, unknown_focal=0.0, noise=0.04)
_BODIES = BodyVariation(mix_halves=0.0, mix_all=0.0, joint_angle=0.05, fold=0.0, any_direction_arm=0.0, anatomical=0.5)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Views of held-out poses as one clip: keypoints, the truth, and the camera. `height`: of a person, m; None where
    the truth is in body lengths."""

    keypoints: Keypoints2D
    truth: Poses3D
    camera: Camera
    height: float | None


def measured_uncertainty(model: Model) -> dict[str, Any]:
    """What was measured of a model. Raises ModelError where nothing was."""
    found = card_of(model).get("calibration")
    if not found:
        raise ModelError(f"{model.folder}: its uncertainty was never measured, so a model refit from it has none")
    return dict(found)


def held_out_clip(data: Path, *, count: int = 4000, seed: int = 7, exact: bool = False) -> HeldOut:
    """Views of held-out poses on varied bodies, 1.7 m tall. `exact`: by a detector that neither errs nor misses any."""
    _, poses = load_poses(data)
    generator = Generator().manual_seed(seed)
    bodies = sample_bodies(PoseBank.from_positions(poses), count, _BODIES, generator)
    views = replace(_VIEWS, noise=0.0, outlier=0.0, complete=1.0) if exact else _VIEWS
    seen: Sighting = sample_sightings(bodies, views, generator)
    camera = Camera.from_fov(60.0, IMAGE)
    focal, centre = camera.matrix[0, 0], camera.matrix[:2, 2]
    xy = np.where(seen.visible[..., None] > 0, seen.rays.numpy() * focal + centre, np.nan)
    metres = DEFAULT_HEIGHT * STATURE_OF_HEIGHT / seen.size.numpy()
    xyz = seen.xyz.numpy() * metres[:, None, None]
    keypoints = Keypoints2D(xy[:, None], seen.confidence.numpy()[:, None], HUMAN36M17, IMAGE)
    truth = Poses3D(
        xyz[:, None], (seen.root.numpy() * metres[:, None])[:, None], np.zeros((*xyz.shape, 3))[:, None], HUMAN36M17
    )
    return HeldOut(keypoints, truth, camera, DEFAULT_HEIGHT)


def held_out_figures(
    data: Path,
    skeleton: Skeleton,
    *,
    bodies: FigureVariation = AS_CAPTURED,
    count: int = 4000,
    seed: int = 7,
    exact: bool = False,
) -> HeldOut:
    """Views of held-out poses of any skeleton, each one body length long, varied as `bodies` says but for the mixing of
    branches. `exact`: as of people."""
    arrays, generator = load_figures(data, skeleton), Generator().manual_seed(seed)
    seen_by = _FIGURE_VIEWS if arrays.upright else replace(_FIGURE_VIEWS, any_orientation=1.0)
    seen_by = seen_exactly(seen_by) if exact else seen_by
    bank = arrays.bank(skeleton, held_out=True)
    figures = sample_figures(bank, count, replace(bodies, mix=0.0), generator)
    seen = see_figures(figures, bank.tree, seen_by, generator, real=None)
    camera = Camera.from_fov(60.0, IMAGE)
    focal, centre = camera.matrix[0, 0], camera.matrix[:2, 2]
    xy = np.where(seen.visible[..., None] > 0, seen.rays.numpy() * focal + centre, np.nan)
    size = seen.size.numpy()
    xyz = np.where(seen.known[..., None], seen.xyz.numpy(), np.nan) / size[:, None, None]
    keypoints = Keypoints2D(xy[:, None], seen.confidence.numpy()[:, None], skeleton, IMAGE)
    root = (seen.root.numpy() / size[:, None])[:, None]
    truth = Poses3D(xyz[:, None], root, np.zeros((*xyz.shape, 3))[:, None], skeleton)
    return HeldOut(keypoints, truth, camera, None)


@dataclass(frozen=True, eq=False)
class _Measured:
    """In the view's frame, square metres: `error` (F, J, 3) squared, `spread` (F, J, 3) the hypotheses' variance; of
    joints that were `visible` (F, J)."""

    error: Float64[np.ndarray, "frame joint 3"]
    spread: Float64[np.ndarray, "frame joint 3"]
    visible: Bool[np.ndarray, "frame joint"]


def _measure(out: Path, clip: HeldOut) -> _Measured:
    keypoints = clip.keypoints
    lifter = Lifter.load(out)
    poses = lifter(keypoints, camera=clip.camera, height=clip.height, keep_hypotheses=True)
    assert poses.hypotheses is not None
    to_camera = lifter.conditioning.view(rows_of(keypoints, clip.camera)).to_camera.astype(np.float64)
    error = np.einsum("fji,fkj->fki", to_camera, poses.xyz[:, 0] - clip.truth.xyz[:, 0])
    hypotheses = np.einsum("fji,fhkj->fhki", to_camera, poses.hypotheses[:, 0])
    visible = np.isfinite(keypoints.xy[:, 0, :, 0])
    return _Measured(error**2, hypotheses.var(axis=1, ddof=1), visible)


@dataclass(frozen=True, eq=False)
class _Missed:
    """How a model folder's leading hypotheses miss the 2D of a clip: `by` (F, H, J), and what they lie beside."""

    by: Reprojection
    extent: Float[np.ndarray, " frame"]
    visible: Bool[np.ndarray, "frame joint"]


def _missed(lifter: Lifter, clip: HeldOut) -> _Missed:
    poses = lifter.unmoved(clip.keypoints, camera=clip.camera, height=clip.height, keep_hypotheses=True)
    assert poses.hypotheses is not None
    seen = rows_of(clip.keypoints, clip.camera)
    view = lifter.conditioning.view(seen)
    hypotheses = np.einsum("fji,fhkj->fhki", view.to_camera, poses.hypotheses[:, 0, :LEADING])
    return _Missed(reproject(hypotheses, view.rays, seen.visible.astype(np.float64)), view.extent, seen.visible)


def missed(out: Path, exact: HeldOut) -> list[float]:
    """By how much a model folder's leading hypotheses miss exact 2D, joint by joint: see `models.Calibration`."""
    found = _missed(Lifter.load(out), exact)
    distance = np.hypot(found.by.x, found.by.y).mean(axis=1) / found.extent[:, None]
    known = np.where(found.visible, distance, np.nan)
    middle = [np.nanmedian(joint) if np.isfinite(joint).any() else 0.0 for joint in known.T]
    return (np.array(middle) * RMS_OF_MEDIAN).round(5).tolist()


def doubt(out: Path, clip: HeldOut) -> list[list[float]]:
    """How many times as large covariances have to be, by how far a body misses its 2D: see `models.Calibration`.

    Bodies in order of that, in KNOTS parts of equal size; of each the middle one's, and the factor that makes nominal
    90 % regions hold 90 % of its truths. Bodies that miss more are not surer than those that miss less.
    """
    lifter = Lifter.load(out)
    found = _missed(lifter, clip)
    expected = found.extent[:, None] * lifter.model.calibration.missed
    by = misses(found.by, found.visible.astype(np.float64), expected).of_answer
    distance = _distances(lifter, clip)
    knots, factors = [], []
    for part in np.array_split(np.argsort(by), KNOTS):
        knots.append(float(np.median(by[part])))
        factors.append(float(np.nanquantile(distance[part], 0.9)) / QUANTILE_90)
    rising = np.maximum.accumulate(factors)
    return [[round(a, 5), round(b, 4)] for a, b in zip(knots, rising, strict=True)]


def spread_and_residual(out: Path, clip: HeldOut) -> dict[str, list[list[float]]]:
    """What a model folder's hypotheses say of their errors, and what they do not: see `models.Calibration`."""
    found = _measure(out, clip)
    variances: dict[str, Float64[np.ndarray, "joint 3"]] = {}
    for name, of in (("spread", found.spread), ("error", found.error)):
        seen = _mean(of, found.visible)
        missing = _mean(of, ~found.visible)
        variances |= {f"{name}_seen": seen, f"{name}_missing": np.fmax(seen, missing)}
    for which in ("seen", "missing"):
        beyond = variances.pop(f"error_{which}") - variances[f"spread_{which}"]
        variances[f"residual_{which}"] = np.maximum(beyond, LEAST_RESIDUAL)
    return {name: values.round(7).tolist() for name, values in variances.items()}


def _mean(
    of: Float64[np.ndarray, "frame joint 3"], which: Bool[np.ndarray, "frame joint"]
) -> Float64[np.ndarray, "joint 3"]:
    """The mean over frames of what is known there; 0 where nothing is."""
    counted = which[..., None] & np.isfinite(of)
    return np.where(counted, of, 0.0).sum(axis=0) / np.maximum(counted.sum(axis=0), 1)


def scale(out: Path, clip: HeldOut) -> list[float]:
    """Per joint, the factor that makes the nominal 90 % region hold 90 % of the held-out truths."""
    distance = _distances(Lifter.load(out), clip)
    factor = np.ones(distance.shape[1])
    for joint in np.flatnonzero(np.isfinite(distance).any(axis=0)):
        factor[joint] = np.nanquantile(distance[:, joint], 0.9) / QUANTILE_90
    return factor.round(4).tolist()


def _distances(lifter: Lifter, clip: HeldOut) -> Float64[np.ndarray, "frame joint"]:
    """Squared Mahalanobis distances of the truths; NaN where they, or the answer, are not known, and of the root."""
    poses = lifter(clip.keypoints, camera=clip.camera, height=clip.height)
    error = (poses.xyz[:, 0] - clip.truth.xyz[:, 0]).astype(np.float64)
    distance = np.full(error.shape[:2], np.nan)
    known = np.isfinite(error).all(axis=2)
    known[:, poses.skeleton.root] = False
    inverse = np.linalg.inv(poses.cov[:, 0][known].astype(np.float64))
    distance[known] = np.einsum("ni,nij,nj->n", error[known], inverse, error[known])
    return distance
