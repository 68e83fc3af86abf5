"""`flowlift evaluate`: a model and a data set in, a report out."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flowlift.errors import InputError


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
    hypotheses: str = "1,2,5,10,20,40",
    steps: int | None = None,
    seeds: int = 1,
    every: int = 1,
    keep: int = 8,
    temperature: float = 0.005,
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
        Numbers of hypotheses.
    steps
        Solver steps; the model's own number when not given.
    seeds
        How many seeds: 0, 1, ...
    every
        Only every Nth valid frame, for a quick look; the report says so.
    keep
        RPEA: how many hypotheses it keeps.
    temperature
        RPEA: its temperature, in half image widths.
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
    from flowlift.datasets.opening import DataSetOptions, open_dataset
    from flowlift.datasets.recording import SUFFIXES
    from flowlift.datasets.session import read_cameras, read_sessions, rig_of
    from flowlift.evaluation.evaluating import EvaluationSettings
    from flowlift.evaluation.evaluating import evaluate as run
    from flowlift.evaluation.evaluation_report import write_report
    from flowlift.evaluation.protocols import protocol_for
    from flowlift.evaluation.sessions import evaluate_sessions, write_sessions
    from flowlift.io.atomic import made_folder
    from flowlift.lifter import Lifter

    counts, count_of_seeds = _counts(hypotheses), range(seeds)
    settings = EvaluationSettings(model, counts, steps, tuple(count_of_seeds), every, keep, temperature)
    lifter = Lifter.load(model, device=device)
    if kind == "sessions" or (kind is None and lifter.model.size and dataset.suffix.lower() in SUFFIXES):
        _check_unused(protocol=protocol, keypoints=keypoints, cameras=cameras, annotation=annotation)
        sessions = read_sessions([dataset], lifter.model.skeleton, unit=unit, up=up)
        views = None if calibration is None else read_cameras(calibration)
        rigs = [] if views is None else [(rig_of(session, views), views) for session in sessions]
        found = evaluate_sessions(
            lifter, sessions, rigs=rigs, hypotheses=max(counts), steps=steps, seeds=count_of_seeds, every=every
        )
        made_folder(output)
        for path in write_sessions(found, output):
            if sys.stdout.isatty() and not quiet:
                print(path)
        return
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


def _check_unused(**settings: object) -> None:
    """Raises InputError for what is told and a session does not use."""
    told = [name for name, value in settings.items() if value is not None]
    if told:
        raise InputError(f"{told[0]} is for labelled data sets; a recording has none")


def _counts(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(each) for each in text.split(",")}))
    except ValueError:
        raise InputError(f"--hypotheses: expected numbers such as 1,2,10, got {text!r}") from None


def _progress(clips: int, name: str) -> None:
    print(f"\r{clips} clips, {name:<40.40}", end="", file=sys.stderr, flush=True)
