"""`flowlift train`: a configuration in, a model folder out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from flowlift.errors import InputError, MissingExtraError


def train(
    config: str,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    data: Path | None = None,
    epochs: int | None = None,
    batch: int | None = None,
    seed: int | None = None,
    device: str = "cpu",
    devices: int | None = None,
    name: str | None = None,
) -> None:
    """Train a model, or go on with a run that was cut.

    Parameters
    ----------
    config
        A TOML file, or one of the recipes: human36m, animal3d (as published), human (the packaged model's).
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
    output.mkdir(parents=True, exist_ok=True)
    described, table = output / loop.CONFIG, json.loads(json.dumps(plan.as_dict()))
    if described.exists() and not same_run(json.loads(described.read_text()), table):
        raise InputError(f"{output} holds a run with another configuration: choose another folder, or remove it")
    described.write_text(json.dumps(table, indent=2) + "\n")
    loop.train(plan, output, device=device)
    if loop.is_first_process():
        publish(output, output / "model", name=name or output.resolve().name)


def same_run(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether a run may go on as another: all but its length and where its data lie is the same."""

    def kept(table: dict[str, Any]) -> dict[str, Any]:
        run = {key: value for key, value in table["run"].items() if key not in ("epochs", "devices", "save_minutes")}
        data = {key: value for key, value in table["data"].items() if key not in ("path", "cameras")}
        return {**table, "run": run, "data": data}

    return kept(before) == kept(now)
