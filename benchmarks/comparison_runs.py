"""Train the networks that docs/comparison.md compares: `python benchmarks/comparison_runs.py BANK OUT [--part I/N]`.

Every run sees the same number of views of the same kind, and has about 110,000 parameters when it samples. A run that
is finished is left alone, one that was interrupted goes on.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flowlift.training.config import TrainingConfig, config_from

SEEDS = (0, 1, 2)
FOCAL = 2.29
"""Of the one camera, in half image widths: a field of view of 47 degrees, as in Human3.6M's studio."""

_PLAIN = {"mlp_dropout": 0.0, "attention_dropout": 0.0, "projection_dropout": 0.0, "path_dropout": 0.0}
_BACKBONE = {"kind": "velocity", "width": 64, "blocks": 2, "heads": 4, "hidden": 128, **_PLAIN}
_FLOW = {"kind": "normalizing-flow", "width": 32, "blocks": 2, "heads": 4, "backbone_hidden": 64}
NETWORKS: dict[str, dict[str, Any]] = {
    "flow": _BACKBONE,
    "regression": _BACKBONE,
    "diffusion": _BACKBONE,
    "cvae": _BACKBONE,
    "normalizing-flow": _FLOW | {"transforms": 4, "hidden": 64, "context": 32},
    "flow-serial": _BACKBONE | {"block": "serial"},
    "flow-gcn": _BACKBONE | {"block": "gcn", "hidden": 256},
    "flow-attention": _BACKBONE | {"block": "attention", "hidden": 256},
    "flow-pose": _BACKBONE,
    "flow-x1": _BACKBONE,
    "simple-regression": {"kind": "simple", "width": 142, "dropout": 0.0},
}
"""The network of each run; without attention or without graph convolution the MLPs are wider by as much."""

_METHODS: dict[str, dict[str, Any]] = {
    "flow-pose": {"name": "flow", "error": "pose"},
    "flow-x1": {"name": "flow-x1", "error": "pose"},
    "simple-regression": {"name": "regression"},
    "diffusion": {"name": "diffusion", "steps": 5},
}
_VIEWS = {
    "pitch": [-5.0, 20.0],
    "roll": 0.0,
    "any_orientation": 0.0,
    "distance": [2.6, 4.0],
    "unknown_focal": 0.0,
    "noise": 0.02,
    "noiseless": 0.3,
    "outlier": 0.0,
    "complete": 1.0,
}
EPOCHS, EPOCH = 10, 25_600


def config_of(name: str, bank: Path, seed: int) -> TrainingConfig:
    """The configuration of one run."""
    method = _METHODS.get(name, {"name": name.split("-")[0] if name.startswith("flow") else name})
    return config_from(
        {
            "data": {"path": str(bank), "views": _VIEWS, "focal": FOCAL},
            "network": NETWORKS[name],
            "method": method,
            "optimizer": {"name": "adamw", "weight_decay": 0.01, "schedule": "cosine", "warmup": 100},
            "run": {"epochs": EPOCHS, "epoch": EPOCH, "seed": seed, "save_minutes": 1.0, "check_views": 512},
        }
    )


def runs() -> Iterator[tuple[str, int]]:
    """All runs, one seed after the other."""
    yield from ((name, seed) for seed in SEEDS for name in NETWORKS)


def main() -> None:
    import torch

    from flowlift.training.loop import train

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bank", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--part", default="0/1", help="which share of the runs: I/N")
    options = parser.parse_args()
    torch.set_num_threads(1)
    part, parts = map(int, options.part.split("/"))
    for index, (name, seed) in enumerate(runs()):
        if index % parts == part:
            train(config_of(name, options.bank, seed), options.out / f"{name}-{seed}")
            print(name, seed, flush=True)


if __name__ == "__main__":
    main()
