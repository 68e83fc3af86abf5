"""`flowlift train`: a configuration in, a model folder out."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flowlift.errors import MissingExtraError


def train(
    config: str,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    data: Path | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    seed: int | None = None,
    start: str | None = None,
    device: str = "cpu",
    devices: int | None = None,
    name: str | None = None,
) -> None:
    """Train a model, or go on with a run that was cut.

    Parameters
    ----------
    config
        A TOML file, or one of the recipes: human36m, animal3d (as published), human (the packaged
        model's), human-fast (a compact one, taught by it).
    output
        The run's folder: config.json, log.csv, held_out.csv, tensorboard, checkpoint.pt, best.pt; at the end model.
    data
        Where the data are, instead of the configuration's data.path.
    epochs
        Instead of the configuration's run.epochs.
    batch
        Instead of the configuration's run.batch.
    seed
        Instead of the configuration's run.seed.
    start
        A model, by name or folder, whose weights the run begins with, instead of random ones.
    device
        cpu or cuda.
    devices
        How many of them, instead of the configuration's run.devices.
    name
        The model's name; the output folder's when not given.
    """
    from flowlift.training.config import find_config

    plan = find_config(config)
    run = replace(
        plan.run,
        epochs=plan.run.epochs if epochs is None else epochs,
        batch=plan.run.batch if batch is None else batch,
        seed=plan.run.seed if seed is None else seed,
        start=plan.run.start if start is None else start,
        devices=plan.run.devices if devices is None else devices,
    )
    where = plan.data if data is None else replace(plan.data, path=str(data.resolve()))
    plan = replace(plan, run=run, data=where)
    plan.check()
    try:
        from flowlift.training import loop
        from flowlift.training.publish import publish
    except ImportError as error:
        raise MissingExtraError("training", "train") from error
    loop.train(plan, output, device=device)
    if loop.is_first_process():
        publish(output, output / "model", name=name or output.resolve().name)
