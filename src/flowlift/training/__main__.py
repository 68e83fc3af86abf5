"""`python -m flowlift.training`: build the pose bank, train, publish."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import App, Parameter

from flowlift.errors import FlowliftError
from flowlift.training.loop import TrainingConfig

app = App(name="python -m flowlift.training", help=__doc__)


@app.command
def build(folder: Path, *, out: Annotated[Path, Parameter(name=["--out", "-o"])]) -> None:
    """Collect distinct poses from a folder of motion capture into one npz (a few minutes).

    Parameters
    ----------
    folder
        Holds cmu/mocap_data_utilities, cmu/acrnn and cmu/iclone with their BVH files.
    out
        The npz to write: arrays `train` and `val` (pose, 17, 3).
    """
    from flowlift.datasets.mocap import build_bank

    bank = build_bank(folder)
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(out, **bank)
    print(f"{out}: {len(bank['train'])} poses to train on, {len(bank['val'])} held out")


@app.command
def train(
    data: Path,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    samples: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    threads: int | None = None,
) -> None:
    """Train the human model, or go on from the last checkpoint under `out`.

    Parameters
    ----------
    data
        The npz that `build` wrote.
    out
        Folder for checkpoint.pt, log.csv and config.json.
    samples
        Views to train on in all; the learning rate falls to 0 at the last.
    """
    import torch

    from flowlift.training import loop

    if threads:
        torch.set_num_threads(threads)
    config = TrainingConfig(seed=seed)
    config = config if samples is None else replace(config, samples=samples)
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(loop.config_as_dict(config), indent=2) + "\n")
    loop.train(config, data, out, device=device)


@app.command
def publish(run: Path, data: Path, *, out: Annotated[Path, Parameter(name=["--out", "-o"])], name: str) -> None:
    """Write a trained run as a model folder: weights, ONNX graphs, and a calibration on the held-out poses.

    Parameters
    ----------
    run
        The folder that `train` wrote.
    data
        The npz that `build` wrote: its held-out poses calibrate the uncertainty.
    out
        The model's folder.
    name
        The model's name.
    """
    from flowlift.training.publish import publish as write

    write(run, data, out, name=name)
    print(f"{out}: {name} is ready")


def main() -> int:
    try:
        app()
    except FlowliftError as error:
        print(f"flowlift: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
