"""`flowlift evaluate`: a model and a data set in, a report out."""

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from flowlift.errors import InputError

_AS_LIFT = 20
"""Hypotheses that `flowlift lift` draws when nothing is said."""


def evaluate(
    model: str,
    dataset: Path,
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    kind: str | None = None,
    protocol: str | None = None,
    keypoints: str | None = None,
    cameras: Path | None = None,
    annotation: str | None = None,
    hypotheses: str | None = None,
    steps: int | None = None,
    seeds: int = 1,
    every: int = 1,
    keep: int | None = None,
    temperature: float | None = None,
    device: str | None = None,
    unit: str | None = None,
    up: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    calibration: Path | None = None,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """How good a model is on a labelled data set, by its protocol: report.md, report.json, reliability.svg.

    Parameters
    ----------
    model
        A model by name, or a model's folder.
    dataset
        The data set's folder or file.
    output
        The report's folder.
    kind
        human36m, mpi_inf_3dhp, threedpw, animal3d, ctrlani3d, mocap or hdm05; recognised when not given. sessions: a
        3D recording, for a model of its skeleton.
    protocol
        human36m-p1, human36m-p2, mpi-inf-3dhp, 3dpw, animal3d, hdm05, mocap; the data set's own when not given.
    keypoints
        Which 2D keypoints, where the data set has several (Human3.6M: the ending of the file, such as gt).
    cameras
        Human3.6M's cameras, as JSON.
    annotation
        univ_annot3 or annot3: what MPI-INF-3DHP's files hold.
    hypotheses
        Numbers of hypotheses, 1,2,5,10,20,40 when not given; of sessions one number, 20 when not given.
    steps
        Solver steps; the model's own number when not given.
    seeds
        How many seeds: 0, 1, ...
    every
        Only every Nth valid frame, for a quick look; the report says so.
    keep
        RPEA: how many hypotheses it keeps; 8 when not given.
    temperature
        RPEA: its temperature, in half image widths; 0.005 when not given.
    device
        Where the network runs, such as cpu or cuda.
    unit
        Of sessions that do not say: m, dm, cm or mm.
    up
        Of sessions: the axis that points up, as in training.
    calibration
        Of sessions: their own cameras.
    quiet
        No progress, no list of what was written.
    """
    from flowlift.cli.outputs import check_folder
    from flowlift.datasets.opening import DataSetOptions, open_dataset
    from flowlift.datasets.recording import SUFFIXES
    from flowlift.datasets.session import read_sessions
    from flowlift.datasets.session_rig import read_cameras, rig_of
    from flowlift.evaluation.evaluating import EvaluationSettings
    from flowlift.evaluation.evaluating import evaluate as run
    from flowlift.evaluation.evaluation_report import write_report
    from flowlift.evaluation.protocols import protocol_for
    from flowlift.evaluation.sessions import evaluate_sessions, write_sessions
    from flowlift.io.atomic import made_folder
    from flowlift.lifter import Lifter

    rpea = {"keep": keep, "temperature": temperature}
    told: dict[str, Any] = {name: value for name, value in rpea.items() if value is not None}
    if hypotheses is not None:
        told["counts"] = _counts(hypotheses)
    check_folder(output)
    settings = EvaluationSettings(model, steps=steps, seeds=tuple(range(seeds)), every=every, **told)
    lifter = Lifter.load(model, device=device)
    if kind == "sessions" or (kind is None and lifter.model.size and dataset.suffix.lower() in SUFFIXES):
        labels = {"protocol": protocol, "keypoints": keypoints, "cameras": cameras, "annotation": annotation}
        _check_unused("labelled data sets; a recording has none", **labels, **rpea)
        count = _AS_LIFT if hypotheses is None else _one(settings.counts)
        sessions = read_sessions([dataset], lifter.model.skeleton, unit=unit, up=up)
        views = None if calibration is None else read_cameras(calibration)
        rigs = [] if views is None else [(rig_of(session, views), views) for session in sessions]
        found = evaluate_sessions(
            lifter, sessions, rigs=rigs, hypotheses=count, steps=steps, seeds=settings.seeds, every=every
        )
        made_folder(output)
        for path in write_sessions(found, output):
            if sys.stdout.isatty() and not quiet:
                print(path)
        return
    _check_unused("3D recordings (--kind sessions)", unit=unit, up=up, calibration=calibration)
    data = open_dataset(dataset, kind=kind, options=DataSetOptions(keypoints, cameras, annotation))
    rules = protocol_for(data, protocol)
    shown = sys.stderr.isatty() and not quiet
    done = run(lifter, data, rules, settings, progress=_progress if shown else None)
    if shown:
        print(file=sys.stderr)
    made_folder(output)
    for path in write_report(done, output):
        if sys.stdout.isatty() and not quiet:
            print(path)


def _check_unused(what: str, **settings: object) -> None:
    """Raises InputError for what is told and is for something else."""
    told = [name for name, value in settings.items() if value is not None]
    if told:
        raise InputError(f"--{told[0]} is for {what}")


def _one(counts: tuple[int, ...]) -> int:
    if len(counts) > 1:
        raise InputError(f"--hypotheses: a recording is lifted with one number of them, got {len(counts)}")
    return counts[0]


def _counts(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(each) for each in text.split(",")}))
    except ValueError:
        raise InputError(f"--hypotheses: expected numbers such as 1,2,10, got {text!r}") from None


def _progress(clips: int, name: str) -> None:
    print(f"\r{clips} clips, {name:<40.40}", end="", file=sys.stderr, flush=True)
