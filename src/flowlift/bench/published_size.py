"""A model of the published human size with random weights: its speed is that of a published checkpoint."""

import json
from pathlib import Path
from typing import Any

from flowlift.errors import MissingExtraError
from flowlift.models import Model, read_card

CARD = {
    "format": "flowlift-model-1",
    "name": "published size",
    "version": "random weights",
    "skeleton": "human36m17",
    "steps": 3,
    "conditioning": "screen",
    "method": "flow",
    "network": {"kind": "velocity"},
}


def published_network(seed: int = 0) -> Any:
    """The published human network, 17 joints, 16.05 M random parameters. Raises MissingExtraError without torch."""
    try:
        import torch

        from flowlift.networks import make_network
        from flowlift.skeletons import HUMAN36M17
    except ImportError as error:
        raise MissingExtraError("a network of the published size", "train") from error
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make_network("velocity", {}, HUMAN36M17).eval()


def write_published_size(folder: Path, seed: int = 0) -> Model:
    """Write the model into a folder: card, weights and graph. Raises MissingExtraError."""
    network = published_network(seed)
    from flowlift.models.weights import export_onnx, save_weights

    (folder / "model.json").write_text(json.dumps(CARD), encoding="utf-8")
    save_weights(network, folder)
    export_onnx(network, folder)
    return read_card(folder)
