"""From a checkpoint to a model folder: weights, graphs, and an uncertainty that is calibrated on held-out poses."""

import csv
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64
from torch import Generator

from flowlift import __version__
from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.lifter import DEFAULT_HEIGHT, Lifter
from flowlift.models import FORMAT
from flowlift.models.weights import export_onnx, save_weights
from flowlift.network import LiftNetwork, NetworkConfig
from flowlift.skeletons import HUMAN36M17
from flowlift.training.bodies import BodyVariation, PoseBank, sample_bodies
from flowlift.training.loop import load_poses
from flowlift.training.views import Sighting, ViewVariation, sample_sightings

STEPS = 3
STATURE = 0.86
"""Ankle to head along the bones over a person's height: legs are 0.491 of a height in anthropometric tables, and in the
per-subject captures the whole chain is 1.757 times the legs."""

QUANTILE_90 = 6.2514
"""The 90 % quantile of chi-square with 3 degrees of freedom."""

IMAGE = (1920, 1080)
# Calibrated for what a user brings: upright people, a detector's noise and gaps, cameras near and far, known optics.
_VIEWS = ViewVariation(pitch=(-10.0, 40.0), any_orientation=0.05, distance=(1.6, 6.0), unknown_focal=0.0, noise=0.02)
_BODIES = BodyVariation(mix_halves=0.0, mix_all=0.0, joint_angle=0.05, fold=0.0, any_direction_arm=0.0)


def publish(run: Path, data: Path, out: Path, *, name: str) -> None:
    """Write `out`/{model.json, weights.safetensors, encoder.onnx, velocity.onnx}. Raises InputError, ModelError."""
    state = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    config = json.loads((run / "config.json").read_text())
    network = LiftNetwork(NetworkConfig(**config["network"]))
    network.load_state_dict(state["averaged"])
    network.eval()
    out.mkdir(parents=True, exist_ok=True)
    save_weights(network, out)
    export_onnx(network, out)
    joints = len(HUMAN36M17)
    calibration: dict[str, list[float]] = {
        "prior_seen": [0.01] * joints,
        "prior_missing": [0.02] * joints,
        "covariance_scale": [1.0] * joints,
    }
    card: dict[str, object] = {
        "format": FORMAT,
        "name": name,
        "version": __version__,
        "skeleton": HUMAN36M17.name,
        "steps": STEPS,
        "stature": STATURE,
        "network": asdict(network.config),
        "parameters": sum(p.numel() for p in network.parameters()),
        "training": {
            "views": state["step"] * config["batch"],
            "config": config,
            **_summary(run / "log.csv"),
        },
        "calibration": calibration,
    }
    _write(out, card)
    held_out = held_out_clip(data)
    calibration.update(_priors(out, held_out))
    _write(out, card)
    calibration["covariance_scale"] = _covariance_scale(out, held_out)
    _write(out, card)


def held_out_clip(data: Path, *, count: int = 4000, seed: int = 7) -> tuple[Keypoints2D, Poses3D, Camera]:
    """Views of held-out poses on varied bodies: keypoints of one clip, the truth (1.7 m tall), and the camera."""
    _, poses = load_poses(data)
    generator = Generator().manual_seed(seed)
    bodies = sample_bodies(PoseBank.from_positions(poses), count, _BODIES, generator)
    seen: Sighting = sample_sightings(bodies, _VIEWS, generator)
    camera = Camera.from_fov(60.0, IMAGE)
    focal, centre = camera.matrix[0, 0], camera.matrix[:2, 2]
    xy = np.where(seen.visible[..., None] > 0, seen.rays.numpy() * focal + centre, np.nan)
    metres = DEFAULT_HEIGHT * STATURE / seen.size.numpy()
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


def _priors(out: Path, clip: tuple[Keypoints2D, Poses3D, Camera]) -> dict[str, list[float]]:
    error, _ = _errors(out, clip)
    variance = (error**2).mean(axis=-1)
    visible = np.isfinite(clip[0].xy[:, 0, :, 0])
    seen = np.nanmean(np.where(visible, variance, np.nan), axis=0)
    missing = np.nanmean(np.where(visible, np.nan, variance), axis=0)
    return {"prior_seen": seen.round(6).tolist(), "prior_missing": np.maximum(seen, missing).round(6).tolist()}


def _covariance_scale(out: Path, clip: tuple[Keypoints2D, Poses3D, Camera]) -> list[float]:
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


def _summary(file: Path) -> dict[str, object]:
    """How long the run took by its log (first to last entry), and where it ended."""
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {"minutes": round((int(rows[-1]["time"]) - int(rows[0]["time"])) / 60), "log_last": rows[-1]}


def _write(out: Path, card: dict[str, object]) -> None:
    (out / "model.json").write_text(json.dumps(card, indent=2) + "\n")
