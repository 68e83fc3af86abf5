"""Published checkpoints become models: weights as they are, ONNX graphs of them, and a card."""

import json
import shutil
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from flowlift.adjacency import adjacency
from flowlift.errors import InputError, MissingExtraError, ModelError
from flowlift.models.card import CARD, FORMAT, SKELETON, Model, read_card
from flowlift.models.folders import made_whole
from flowlift.models.registry import place_for
from flowlift.runtime import Engine, OnnxEngine, TorchEngine
from flowlift.skeleton import Skeleton, is_skeleton_file

SKELETONS = {17: "human36m17", 26: "animal3d26"}
"""The skeleton that a published network of so many joints has."""
STEPS = {"human36m17": 3, "animal3d26": 5}
"""Steps of the solver as published; 3 for others."""
UNITS = {"animal3d26": "model units"}
"""Whose poses are not in metres."""
STATURES = {"human36m17": 0.89}
"""Ankle to head along the bones over a person's height: 1.81 legs in Human3.6M, and legs are 0.491 of a height."""

LICENCE = "not known to flowlift: whoever published the weights says what they may be used for"
TOLERANCE = 1e-4
"""Largest difference between the engines, as a part of the largest number that they gave."""


@dataclass(frozen=True)
class Imported:
    """What came of an import.

    `difference` between the two engines, as a part of their largest number. `same_links`: whether the checkpoint's
    graph joins the same joints as the skeleton; if not, its joints may stand in another order.
    """

    model: Model
    difference: float
    same_links: bool


def import_published(
    checkpoint: Path,
    *,
    name: str,
    skeleton: str | None = None,
    steps: int | None = None,
    overwrite: bool = False,
) -> Imported:
    """Make a published checkpoint (.pth) a model called `name`, found from then on by that name.

    `skeleton`: a built-in one's name or a TOML file; None: as many joints as the published ones have. `steps` of the
    solver; None: as published. Nothing in the checkpoint is run, and nothing is left behind where something fails.
    Raises ModelError for a bad checkpoint, name or result, InputError for a skeleton or steps that do not fit,
    MissingExtraError without torch, OutputError where it cannot be written.
    """
    if steps is not None and steps < 1:
        raise InputError(f"steps must be at least 1, got {steps}")
    target = place_for(name)
    if target.exists() and not overwrite:
        raise ModelError(f"there is a model called {name!r} already ({target}); choose another name, or --overwrite it")
    try:
        from flowlift.models.weights import export_onnx, save_weights
        from flowlift.network import load_published
    except ImportError as error:
        raise MissingExtraError("importing a model", "train") from error
    network = load_published(checkpoint)
    body = _body(skeleton, network.config.joints)
    with made_whole(target) as folder:
        card = _card(name, checkpoint, body, steps, network)
        (folder / CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        if body.file:
            shutil.copyfile(body.file, folder / SKELETON)
        save_weights(network, folder)
        export_onnx(network, folder)
        difference = compare_engines(read_card(folder))
    return Imported(read_card(target), difference, _same_links(network.A.numpy(), body.skeleton))


@dataclass(frozen=True)
class _Body:
    """A skeleton, and the file that it was read from, where it is not built in."""

    skeleton: Skeleton
    file: Path | None


def _body(given: str | None, joints: int) -> _Body:
    """What the checkpoint's joints are. Raises InputError where nothing fits."""
    if given is None and joints not in SKELETONS:
        raise InputError(f"the checkpoint has {joints} joints, of no published skeleton; name one with --skeleton")
    name = SKELETONS[joints] if given is None else given
    file = Path(name) if is_skeleton_file(name) else None
    skeleton = Skeleton.load(file) if file else Skeleton.named(name)
    if len(skeleton) != joints:
        raise InputError(f"the skeleton {skeleton.name!r} has {len(skeleton)} joints, the checkpoint has {joints}")
    return _Body(skeleton, file)


def _card(name: str, checkpoint: Path, body: _Body, steps: int | None, network: Any) -> dict[str, object]:
    with checkpoint.open("rb") as file:
        checksum = file_digest(file, "sha256").hexdigest()
    skeleton = body.skeleton.name
    return {
        "format": FORMAT,
        "name": name,
        "version": f"sha256 {checksum[:12]}",
        "skeleton": SKELETON if body.file else skeleton,
        "steps": STEPS.get(skeleton, 3) if steps is None else steps,
        "stature": STATURES.get(skeleton),
        "conditioning": "screen",
        "method": "flow",
        "unit": UNITS.get(skeleton, "m"),
        "network": {"kind": "velocity", **network.config.as_dict()},
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "licence": LICENCE,
        "source": f"imported from {checkpoint.name} (SHA-256 {checksum})",
    }


def _same_links(stack: Float32[np.ndarray, "part joint joint"], skeleton: Skeleton) -> bool:
    """Whether a checkpoint's graph joins the same joints as the skeleton's bones and pairs."""
    return bool(((stack.sum(axis=0) != 0) == (adjacency(skeleton).sum(axis=0) != 0)).all())


def compare_engines(model: Model, *, seed: int = 0) -> float:
    """The largest difference between both engines on random input, as a part of the largest number that they give.

    Raises ModelError where it is too large, or where they give no numbers.
    """
    generator = np.random.default_rng(seed)
    joints = len(model.skeleton)
    seen = generator.uniform(-1, 1, (3, joints, 2)).astype(np.float32)
    x = generator.standard_normal((3, 2, joints, 3)).astype(np.float32)
    one, other = (
        np.stack([_velocity(engine, seen, x, t) for t in (0.0, 0.4)])
        for engine in (OnnxEngine(model), TorchEngine(model, "cpu"))
    )
    if not np.isfinite(one).all() or not np.isfinite(other).all():
        raise ModelError(f"{model.name}: the network gives no finite numbers")
    difference = float(np.abs(one - other).max() / max(1e-6, np.abs(other).max()))
    if difference > TOLERANCE:
        raise ModelError(f"{model.name}: ONNX Runtime and torch differ by {difference:.1e} of the largest number")
    return difference


def _velocity(engine: Engine, seen: Float32[np.ndarray, "..."], x: Float32[np.ndarray, "..."], t: float) -> Any:
    return engine.take(engine.velocity(engine.encode(engine.put(seen)), engine.put(x), t))
