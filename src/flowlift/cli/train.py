"""`flowlift train`: a configuration in, a model folder out."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flowlift.cli.sessions import SessionOptions, build_sessions, refuse, skeleton_setting
from flowlift.errors import InputError, MissingExtraError
from flowlift.io.archive import names
from flowlift.training.config import DataConfig, TrainingConfig

_SESSIONS = SessionOptions()


def train(
    config: str | None = None,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    data: Annotated[list[Path] | None, Parameter(consume_multiple=True, negative="")] = None,
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
        Where the data are, and cameras beside them, instead of the configuration's data.path. With --skeleton also
        3D recordings, which become a bank in the run's folder.
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
    plan = replace(plan, data=replace(plan.data, refit=plan.data.refit or refit is not None))
    plan.check()
    try:
        from flowlift.training import loop
        from flowlift.training.publish import publish
    except ModuleNotFoundError as error:
        raise MissingExtraError("training", "train") from error
    try:
        loop.train(_with_data(plan, data, recordings, output, device, quiet=quiet), output, device=device)
        first = loop.is_first_process()
        loop.end_processes()
        if first:
            from flowlift.models import read_card
            from flowlift.models.packed import pack_model

            publish(output, output / "model", name=called)
            pack_model(read_card(output / "model"), output / f"{called}.flowlift")
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(str(stop) or _stands(output)) from stop


def _stands(output: Path) -> str:
    """What a run that was stopped can go on from."""
    if (output / "checkpoint.pt").exists():
        return f"{output} holds the run as of its last checkpoint; the same command goes on from there"
    return f"{output} holds no checkpoint yet; the same command begins again"


def _with_data(
    plan: TrainingConfig,
    data: list[Path] | None,
    recordings: SessionOptions,
    output: Path,
    device: str,
    *,
    quiet: bool,
) -> TrainingConfig:
    """The plan with what the command line names: a bank or data set, or recordings, made a bank."""

    def at(path: Path) -> TrainingConfig:
        return replace(plan, data=_moved(plan.data, path.resolve()))

    ready = next((path for path in data or () if _is_bank(path)), None)
    if data is None or recordings.skeleton is None or ready is not None:
        if data is not None and len(data) > 1:
            why = "3D recordings need --skeleton" if ready is None else f"{ready} is a bank, which stands alone"
            raise InputError(f"several files of --data: {why}")
        why = "is told of 3D recordings (--data, with --skeleton), and here are none: a bank is as it was built"
        refuse(recordings, "held_out", "unit", "up", "calibration", why=why)
        return plan if data is None else at(data[0])
    if plan.data.kind != "any":
        raise InputError('3D recordings train a configuration with data.kind = "any", such as the recipe any')
    from flowlift.cli.outputs import check_writable
    from flowlift.training.loop import check_run

    bank = output / "bank.npz"
    check_writable(bank, list(map(str, data)))
    build_sessions(data, recordings, bank, quiet=quiet, check=lambda trial: check_run(at(trial), output, device=device))
    return at(bank)


def _moved(data: DataConfig, path: Path) -> DataConfig:
    """The data in another folder or file; cameras that lie in the folder named before lie in this one."""
    cameras = data.cameras
    if cameras is not None and data.path and Path(cameras).is_relative_to(data.path):
        cameras = str((path if path.is_dir() else path.parent) / Path(cameras).relative_to(data.path))
    return replace(data, path=str(path), cameras=cameras)


def _is_bank(path: Path) -> bool:
    """Whether a file is a bank, or nothing that could be told: recordings may be npz, too."""
    if path.suffix.lower() != ".npz":
        return False
    held = names(path)
    return "train" in held or "xyz" not in held
