"""From a run to a model folder: weights, graphs and a card; where the data allow it, a calibrated uncertainty."""

import csv
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from flowlift import __version__
from flowlift.damage import refused_if_damaged
from flowlift.datasets.mocap import STATURE_OF_HEIGHT
from flowlift.errors import InputError, ModelError
from flowlift.models import Model, find_model
from flowlift.models.card import CARD, FORMAT, SKELETON, Calibration, card_of
from flowlift.models.folders import copy_files, made_whole
from flowlift.models.weights import export_onnx, save_weights
from flowlift.networks import make_network
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BUILT_IN
from flowlift.training.calibrate import (
    HeldOut,
    doubt,
    held_out_clip,
    held_out_figures,
    measured_uncertainty,
    missed,
    scale,
    spread_and_residual,
)
from flowlift.training.config import DataConfig, TrainingConfig, config_from
from flowlift.training.covering import covering_starts
from flowlift.training.figure_source import load_figures
from flowlift.training.figure_variation import FigureVariation
from flowlift.training.logs import CHECKS, LOSS
from flowlift.training.loop import BEST, CONFIG, skeleton_of
from flowlift.training.sources import Source, open_source
from flowlift.weights_only import read_weights_only

UNITS = {"animal3d": "model units", "ctrlani3d": "model units", "any": "body lengths"}
"""Of data that are not in metres."""


def publish(run: Path, out: Path, *, name: str, licence: str = "", source: str = "") -> None:
    """Write a run's best weights as the model folder `out`, which `flowlift lift --model` takes.

    `licence` of the weights and `source`, where they come from: for the card, in words.

    Of a model of canonical conditioning, where hypotheses start is learned from its bank, and its uncertainty measured
    on that's held-out poses; of one that was refit, it is what was measured of the model it started from, but for how
    it misses exact 2D. Raises InputError, ModelError.
    """
    config = _config(run)
    skeleton = skeleton_of(config)
    state = _best(run)
    network = make_network(config.network.kind, config.network.settings, skeleton).eval()
    with refused_if_damaged(f"{run / BEST}: does not fit the run's network", ModelError):
        network.load_state_dict(state["network"])
    built_in = BUILT_IN.get(skeleton.name) == skeleton
    settings: Any = network.config
    card: dict[str, Any] = {
        "format": FORMAT,
        "name": name,
        "version": __version__,
        "skeleton": skeleton.name if built_in else SKELETON,
        "conditioning": config.data.conditioning,
        "method": config.method.name,
        "steps": config.method.steps,
        "unit": UNITS.get(config.data.kind, "m"),
        "network": {"kind": config.network.kind, **asdict(settings)},
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "training": {
            "views": _views(run),
            "minutes": round(state["seconds"] / 60),
            **({"on": state["on"]} if "on" in state else {}),
            "config": _without_folders(config.as_dict()),
        },
    }
    if not config.data.refit:
        card["training"]["held_out"] = _held_out(run)
    for role, name_or_path in (("started_from", config.run.start), ("taught_by", config.method.teacher)):
        if name_or_path:
            card["training"][role] = _told(name_or_path)
    card |= {key: words for key, words in (("licence", licence), ("source", source)) if words}
    if config.data.kind == "any":
        card["size"] = list(skeleton.size_chain)
        card["training"]["sessions"] = load_figures(Path(config.data.path), skeleton).about.get("sessions", [])
    elif skeleton.name == "human36m17":
        card["stature"] = STATURE_OF_HEIGHT
    with made_whole(out) as folder:
        save_weights(network, folder)
        export_onnx(network, folder)
        if not built_in:
            (folder / SKELETON).write_bytes(Path(config.skeleton).read_bytes())
        _write(folder, card)
        if config.data.refit:
            _calibrate_refit(folder, card, find_model(config.run.start), Path(config.data.path), skeleton)
        elif config.data.conditioning == "canonical":
            _calibrate(folder, card, Path(config.data.path), skeleton)


def calibrate(folder: Path, data: Path) -> None:
    """Learn where the hypotheses of a model of canonical conditioning start from a bank, and measure its uncertainty on
    that's held-out poses; write both into the model's folder. Raises InputError, ModelError."""
    model = find_model(folder)
    if model.conditioning != "canonical":
        raise ModelError(f"{folder}: conditioning {model.conditioning!r} is not calibrated; only canonical is")
    card = card_of(model)
    if card.get("training", {}).get("config", {}).get("data", {}).get("refit"):
        raise ModelError(f"{folder}: it was trained on what was held out, too (data.refit); nothing is left to measure")
    with made_whole(folder) as beside:
        copy_files(model, beside)
        _calibrate(beside, card, data, model.skeleton)


def _calibrate(out: Path, card: dict[str, Any], data: Path, skeleton: Skeleton) -> None:
    """Measure one thing after another, each with what was measured before."""
    views = _views_held_out(card, data, skeleton)
    held_out, exact = views(), views(exact=True)
    assumed = asdict(Calibration.assumed(len(skeleton)))
    measured = {name: values.tolist() for name, values in assumed.items()}
    card = {key: value for key, value in card.items() if key not in ("calibration", "starts")}
    _give_starts(out, card, data, skeleton)
    for measure in (
        lambda: {"missed": missed(out, exact)},
        lambda: spread_and_residual(out, held_out),
        lambda: {"doubt": doubt(out, held_out)},
        lambda: {"scale": scale(out, held_out)},
    ):
        measured |= measure()
        _write(out, card | {"calibration": measured})


def _calibrate_refit(out: Path, card: dict[str, Any], start: Model, data: Path, skeleton: Skeleton) -> None:
    """Of the model it started from, but for how it misses exact 2D, which takes no truth that it has not seen."""
    known = measured_uncertainty(start)
    _give_starts(out, card, data, skeleton)
    known["missed"] = missed(out, _views_held_out(card, data, skeleton)(exact=True))
    _write(out, card | {"calibration": known})


def _views_held_out(card: dict[str, Any], data: Path, skeleton: Skeleton) -> Callable[..., HeldOut]:
    """What makes views of a bank's held-out poses. Whose animal it is nobody knows: a new one is unusual."""
    if "size" not in card:
        return partial(held_out_clip, data)
    bodies = FigureVariation(**card["training"]["config"]["data"]["bodies"])
    return partial(held_out_figures, data, skeleton, bodies=replace(bodies, unusual=1.0))


def _give_starts(out: Path, card: dict[str, Any], data: Path, skeleton: Skeleton) -> None:
    """Learn where hypotheses start, and write it into the model's folder and `card`."""
    _write(out, card)
    card["starts"] = covering_starts(find_model(out), _varied(card, data, skeleton))
    _write(out, card)


def _varied(card: dict[str, Any], data: Path, skeleton: Skeleton) -> Source:
    """A bank's poses, varied and seen as they are by default; half of the people have people's proportions."""
    kind, bodies = ("any", {}) if "size" in card else ("bank", {"anatomical": 0.5})
    config = DataConfig(kind=kind, path=str(data), conditioning="canonical", bodies=bodies)
    return open_source(config, skeleton, torch.device("cpu"))


def _config(run: Path) -> TrainingConfig:
    with refused_if_damaged(f"{run / CONFIG}: cannot read the run's configuration"):
        return config_from(json.loads((run / CONFIG).read_text(encoding="utf-8")))


def _best(run: Path) -> dict[str, Any]:
    file = run / BEST
    if not file.is_file():
        raise InputError(f"{file} is missing: this run has not finished an epoch yet")
    state = read_weights_only(file)
    with refused_if_damaged(f"{file}: holds no weights of a run", ModelError):
        told = {"on": str(state["on"])} if "on" in state else {}  # older runs do not tell
        return {
            "network": dict(state["network"]),
            "step": int(state["step"]),
            "seconds": float(state["seconds"]),
        } | told


def _without_folders(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration for others to read: of files only their names, not where they lay on one machine."""
    kept = {key: value for key, value in config.items() if not isinstance(value, dict)}
    tables = {key: _without_folders(value) for key, value in config.items() if isinstance(value, dict)}
    return tables | {
        key: Path(v).name if isinstance(v, str) and Path(v).is_absolute() else v for key, v in kept.items()
    }


def _told(name_or_path: str) -> dict[str, Any]:
    """What the card of another model says of its own training."""
    model = find_model(name_or_path)  # a packed one lies unpacked for as long as somebody holds it
    card = card_of(model)
    training = card.get("training", {})
    told = {"name": card["name"], "views": training.get("views"), "minutes": training.get("minutes")}
    kept = ("on", "held_out", "sessions", "started_from", "taught_by")
    return told | {key: training[key] for key in kept if key in training}


def _views(run: Path) -> int:
    """Views that were seen until the best epoch."""
    step = _best(run)["step"]
    file = run / LOSS
    with refused_if_damaged(f"{file}: does not tell step {step}"), file.open(newline="", encoding="utf-8") as stream:
        return next(int(row["views"]) for row in csv.DictReader(stream) if int(row["step"]) >= step)


def _held_out(run: Path) -> dict[str, float]:
    """What the best epoch reached on the run's held-out views."""
    file = run / CHECKS
    with refused_if_damaged(f"{file}: tells no errors"), file.open(newline="", encoding="utf-8") as stream:
        best = min(csv.DictReader(stream), key=lambda row: float(row["p_mpjpe_mm"]))
        return {name: float(value) for name, value in best.items()}


def _write(out: Path, card: dict[str, Any]) -> None:
    (out / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
