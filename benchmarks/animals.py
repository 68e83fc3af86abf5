"""How well animals are lifted that no part of training saw. Writes docs/results/animals.json.

python benchmarks/animals.py ANIMALS RUNS [--epochs 300] [--cameras 64] [--splits horse-wolf ...]

ANIMALS: the folder of animated .glb files. RUNS: where a run for each split is trained, or gone on with. Splits that
are not named keep the figures that they have. RUNS/horse-wolf/model is the packaged model.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pages import RESULTS, as_markdown, save_result

from flowlift import Camera, Keypoints2D, Lifter
from flowlift.datasets.animal_bank import (
    HELD_OUT,
    AnimalBank,
    bank_of_takes,
    distinct,
    facing_one_way,
    save_animal_bank,
)
from flowlift.datasets.animal_takes import AnimalTake, animal_takes
from flowlift.datasets.virtual_camera import PHONE, draw_camera, to_camera_frame
from flowlift.evaluation.metrics import p_mpjpe_per_pose
from flowlift.skeletons import ANIMAL3D26
from flowlift.training import loop
from flowlift.training.calibrate import QUANTILE_90
from flowlift.training.config import find_config
from flowlift.training.figure_bank import FigureBank
from flowlift.training.figures import assemble
from flowlift.training.publish import publish

VIEWS = replace(PHONE, distance=(2.5, 8.0), pitch=(-10.0, 60.0), fov=(60.0, 60.0), image_size=(1200, 1200))
"""In body lengths, and degrees."""
MESH2MOTION = ("fox-", "horse-animations")
QUATERNIUS = ("Alpaca", "Bull", "Cow", "Deer", "Donkey", "Fox", "Horse", "Husky", "ShibaInu", "Stag", "Wolf")
SPLITS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "horse-wolf": ("horses and wolf, all rigs", ("orse", "Wolf")),
    "mesh2motion": ("mesh2motion's rigs", MESH2MOTION),
    "quaternius": ("Quaternius' rigs", QUATERNIUS),
}
"""Run -> what is tested on, in words, and parts of the names of those bodies; the rest is trained on."""
PACKAGED = "horse-wolf"
LICENCE = "Apache-2.0 (the animations that it learned from are CC0)"
SOURCE = (
    "experimental: learned from hand-animated animals (CC0, Quaternius and mesh2motion) and from ones drawn at random, "
    "not from captured ones; it never saw a horse or a wolf. No number of it compares with Animal3D's."
)
SEEDS = (0, 1, 2)
NEIGHBOUR, AND_DRAWN = "nearest neighbour in 2D", "nearest neighbour among drawn animals, too"


@dataclass(frozen=True)
class Split:
    """Poses to train on, and to test on, by body; distinct ones."""

    train: AnimalBank
    test: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Views:
    """Exact keypoints (pose, 26, 2) px of poses, and the truth (pose, 26, 3) in camera frame, body lengths; NaN where a
    rig has no such joint."""

    camera: Camera
    xy: np.ndarray
    truth: np.ndarray


def split_of(takes: Sequence[AnimalTake], names: tuple[str, ...]) -> Split:
    kept = [take for take in takes if not any(name in take.body for name in names)]
    tested = [take for take in takes if any(name in take.body for name in names)]
    test = {}
    for body in dict.fromkeys(take.body for take in tested):
        xyz = np.concatenate([take.xyz for take in tested if take.body == body])
        test[body] = xyz[distinct(xyz)]
    return Split(bank_of_takes(kept, held_out=HELD_OUT), test)


def trained(name: str, split: Split, runs: Path, epochs: int) -> Path:
    """The split's model; trained where it is not there yet, or not to the end."""
    bank, run = runs / f"{name}.npz", runs / name
    save_animal_bank(split.train, bank)
    plan = find_config("animal")
    plan = replace(plan, data=replace(plan.data, path=str(bank.resolve())), run=replace(plan.run, epochs=epochs))
    if not (run / "model" / "model.json").is_file():
        loop.train(plan, run)
        called = "animal" if name == PACKAGED else name
        publish(run, run / "model", name=called, licence=LICENCE, source=SOURCE)
    return run / "model"


def seen(poses: np.ndarray, seed: int) -> Views:
    """Each pose by a camera of its own, drawn until it has the whole animal in its image; all of the same lens."""
    rng, points = np.random.default_rng(seed), []
    for pose in poses.astype(np.float64):
        known = pose[np.isfinite(pose[:, 0])]
        while True:
            camera = draw_camera(rng, known.mean(axis=0), VIEWS)
            px = camera.project(to_camera_frame(camera, known))
            if (px > 0).all() and (px < camera.image_size).all():
                break
        points.append(to_camera_frame(camera, pose))
    stacked = np.stack(points)
    lens = Camera.from_fov(VIEWS.fov[0], VIEWS.image_size)
    return Views(lens, lens.project(stacked), stacked - stacked[:, [ANIMAL3D26.root]])


def lifted(lifter: Lifter, views: Views, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Poses (view, 26, 3) by the model, and whether each truth lies in its region of 90 % (view, 26)."""
    scores = np.ones((len(views.xy), 1, 26))
    keypoints = Keypoints2D(views.xy[:, None], scores, ANIMAL3D26, views.camera.image_size)
    poses = lifter(keypoints, camera=views.camera, seed=seed, smooth="off")
    error = (poses.xyz[:, 0] - views.truth).astype(np.float64)
    inverse = np.linalg.inv(poses.cov[:, 0].astype(np.float64) + 1e-9 * np.eye(3))
    distance = np.einsum("vji,vjik,vjk->vj", error, inverse, error)
    return poses.xyz[:, 0], np.where(np.isfinite(distance), distance < QUANTILE_90, np.nan)


class Neighbours:
    """Training poses, and their mirror images, each seen by many cameras; the nearest in 2D is the answer."""

    def __init__(self, train: np.ndarray, cameras: int) -> None:
        bank = FigureBank.from_positions(torch.from_numpy(train), ANIMAL3D26)
        self.poses = torch.einsum("nij,nkj->nki", bank.frames, assemble(bank.bones, bank.tree)).numpy()
        rng, flats = np.random.default_rng(0), []
        centred = self.poses - self.poses.mean(axis=1, keepdims=True)
        for _ in range(cameras):
            points = to_camera_frame(draw_camera(rng, np.zeros(3), VIEWS), centred)
            flats.append(_normal(points[..., :2] / points[..., 2:]))
        self.flat = np.concatenate(flats).reshape(-1, 52).astype(np.float32)
        self.square = self.flat**2

    def __call__(self, views: Views) -> np.ndarray:
        """Poses (view, 26, 3), any way round."""
        known = np.isfinite(views.xy[..., :1])
        rays = np.nan_to_num(views.camera.rays(np.nan_to_num(views.xy)))
        middle = (rays * known).sum(axis=1, keepdims=True) / known.sum(axis=1, keepdims=True)
        query = _normal(np.where(known, rays, middle)).reshape(-1, 52).astype(np.float32)
        weight = np.repeat(known[..., 0], 2, axis=1).astype(np.float32)
        nearest = [
            (self.square @ weight[i : i + 50].T - 2 * self.flat @ (weight * query)[i : i + 50].T).argmin(axis=0)
            for i in range(0, len(query), 50)
        ]
        return self.poses[np.concatenate(nearest) % len(self.poses)]


def _normal(flat: np.ndarray) -> np.ndarray:
    """Points (..., 26, 2) about their centre, of unit size."""
    centred = flat - flat.mean(axis=-2, keepdims=True)
    return centred / np.sqrt((centred**2).sum(axis=(-2, -1), keepdims=True) / centred.shape[-2])


def percent(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """P-MPJPE of each pose, % of the body's length."""
    return 100 * p_mpjpe_per_pose(np.where(np.isfinite(truth), found, 0.0).astype(np.float64), truth.astype(np.float64))


def scores(name: str, split: Split, model: Path, cameras: int) -> dict[str, Any]:
    """Every method's mean error, over all test poses and by body."""
    lifter, known = Lifter.load(model), split.train.animated
    neighbours, more = Neighbours(known, cameras), Neighbours(split.train.train, cameras)
    mean = np.nanmean(facing_one_way(known), axis=0)
    errors: dict[str, dict[str, list[float]]] = {}
    inside: list[np.ndarray] = []
    for seed in SEEDS:
        for body, poses in split.test.items():
            views = seen(poses, seed)
            truth = views.truth
            by_model, covered = lifted(lifter, views, seed)
            inside.append(covered[:, np.arange(26) != ANIMAL3D26.root])
            answers = {"flowlift": by_model, NEIGHBOUR: neighbours(views), AND_DRAWN: more(views)}
            answers["mean training pose"] = np.broadcast_to(mean, truth.shape)
            for method, found in answers.items():
                errors.setdefault(method, {}).setdefault(body, []).append(percent(found, truth))
    return {
        "split": name,
        "poses": sum(len(poses) for poses in split.test.values()),
        "coverage_90": float(np.nanmean(np.concatenate(inside))),
        "errors": {
            method: {
                "per_seed": [
                    float(np.concatenate([body[i] for body in of.values()]).mean()) for i in range(len(SEEDS))
                ],
                "bodies": {body: float(np.concatenate(found).mean()) for body, found in of.items()},
            }
            for method, of in errors.items()
        },
    }


def table(found: Sequence[Mapping[str, Any]], cameras: int) -> dict[str, Any]:
    rows = []
    for score in found:
        words = SPLITS[score["split"]][0]
        for method, errors in score["errors"].items():
            nearest = np.mean(score["errors"][NEIGHBOUR]["per_seed"])
            mean, sd = np.mean(errors["per_seed"]), np.std(errors["per_seed"], ddof=1)
            inside = f"{100 * score['coverage_90']:.0f} %" if method == "flowlift" else "-"
            rows.append([words, method, score["poses"], f"{mean:.2f} ± {sd:.2f}", f"{mean / nearest:.2f}", inside])
    return {
        "columns": [
            *("tested on", "method", "poses", "P-MPJPE, % of body length", "of the neighbour's", "in 90 % regions")
        ],
        "rows": rows,
        "notes": [
            "- dataset: hand-animated animals (CC0, Quaternius and mesh2motion); split: trained without the bodies "
            f"tested on; {', '.join(HELD_OUT)} of the rest choose the epoch and measure the uncertainty; cameras: "
            "virtual, one a pose, 2.5 to 8 body lengths away, pitch -10 to 60 degrees, any yaw, field of view 60 "
            "degrees, whole animal in the image; keypoints: exact; "
            "intrinsics: given; joints: 26, those that a rig has; hypotheses: 20; "
            f"steps: 3; smoothing: off; seeds of cameras and noise: {', '.join(map(str, SEEDS))}; body length: nose "
            "to neck to tail base at rest",
            f"- nearest neighbour: animated training poses and their mirror images, each seen by {cameras} such "
            "cameras; one row's neighbour knows those of drawn animals, too, as flowlift does",
            "- mean training pose: the same pose always; only the alignment differs",
        ],
        "scores": list(found),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("animals", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--cameras", type=int, default=64)
    parser.add_argument("--splits", nargs="+", choices=SPLITS, default=list(SPLITS))
    options = parser.parse_args()
    options.runs.mkdir(parents=True, exist_ok=True)
    takes, before = tuple(animal_takes(options.animals)), RESULTS / "animals.json"
    found = {score["split"]: score for score in json.loads(before.read_text())["scores"]} if before.is_file() else {}
    for name in options.splits:
        split = split_of(takes, SPLITS[name][1])
        found[name] = scores(name, split, trained(name, split, options.runs, options.epochs), options.cameras)
        save_result("animals", table([found[name] for name in SPLITS if name in found], options.cameras))
    print(as_markdown(table([found[name] for name in SPLITS if name in found], options.cameras)))


if __name__ == "__main__":
    main()
