"""`flowlift train`: a configuration in, a model folder out."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flowlift.cli.sessions import SessionOptions, build_sessions, skeleton_setting
from flowlift.errors import InputError, MissingExtraError
from flowlift.training.config import DataConfig

_SESSIONS = SessionOptions()


def train(
    config: str | None = None,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    data: Annotated[list[Path] | None, Parameter(consume_multiple=True)] = None,
    recordings: SessionOptions = _SESSIONS,
    epochs: int | None = None,
    batch: int | None = None,
    seed: int | None = None,
    start: str | None = None,
    refit: str | None = None,
    device: str = "cpu",
    devices: int | None = None,
    name: str | None = None,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Train a model, or go on with a run that was cut.

    Parameters
    ----------
    config
        A TOML file, or one of the recipes: human36m, animal3d (as published), human and animal (the packaged
        models'), human-fast (a compact one, taught by human), any (any skeleton, small data: what --skeleton takes).
    output
        The run's folder: config.json, log.csv, held_out.csv, tensorboard, checkpoint.pt, best.pt; at the end model, and
        the same in one file, NAME.flowlift.
    data
        Where the data are, instead of the configuration's data.path. With --skeleton also 3D recordings, which become a
        bank in the run's folder.
    epochs
        Instead of the configuration's run.epochs.
    batch
        Instead of the configuration's run.batch.
    seed
        Instead of the configuration's run.seed.
    start
        A model, by name or folder, whose weights the run begins with, instead of random ones.
    refit
        A model, by name or folder, that was trained on the same data with some of them held out: go on from it with all
        of them. The last epoch is the result, and its uncertainty is what was measured of that model.
    device
        cpu or cuda.
    devices
        How many of them, instead of the configuration's run.devices.
    name
        The model's name; the output folder's when not given.
    quiet
        No account of the recordings that were read.
    """
    from flowlift.models.registry import check_name
    from flowlift.training.config import find_config

    if config is None and (recordings.skeleton is None or data is None):
        raise InputError("name a configuration, or give --skeleton and --data")
    if start is not None and refit is not None:
        raise InputError("--refit starts from its model; --start cannot name another")
    start = start if refit is None else refit
    plan = find_config(config or "any")
    called = name or output.resolve().name
    if name is not None:
        check_name(name)
    run = replace(
        plan.run,
        epochs=plan.run.epochs if epochs is None else epochs,
        batch=plan.run.batch if batch is None else batch,
        seed=plan.run.seed if seed is None else seed,
        start=plan.run.start if start is None else start,
        devices=plan.run.devices if devices is None else devices,
    )
    plan = replace(plan, run=run, skeleton=skeleton_setting(recordings.skeleton) or plan.skeleton)
    settings = replace(plan.data, refit=plan.data.refit or refit is not None)
    plan = replace(plan, data=_where(settings, data, recordings, output, quiet=quiet))
    plan.check()
    try:
        from flowlift.training import loop
        from flowlift.training.publish import publish
    except ModuleNotFoundError as error:
        raise MissingExtraError("training", "train") from error
    loop.train(plan, output, device=device)
    first = loop.is_first_process()
    loop.end_processes()
    if first:
        from flowlift.models import read_card
        from flowlift.models.packed import pack_model

        publish(output, output / "model", name=called)
        pack_model(read_card(output / "model"), output / f"{called}.flowlift")


def _where(
    settings: DataConfig, data: list[Path] | None, recordings: SessionOptions, output: Path, *, quiet: bool
) -> DataConfig:
    """The data settings with what the command line names: a bank or data set, or recordings, made a bank."""
    if data is None:
        return settings
    if all(path.suffix.lower() == ".npz" for path in data) or recordings.skeleton is None:
        if len(data) > 1:
            raise InputError("several files of --data are 3D recordings, which need --skeleton; a bank is one file")
        return replace(settings, path=str(data[0].resolve()))
    if settings.kind != "any":
        raise InputError('3D recordings train a configuration with data.kind = "any", such as the recipe any')
    bank = output / "bank.npz"
    build_sessions(data, recordings, bank, quiet=quiet)
    return replace(settings, path=str(bank.resolve()))
