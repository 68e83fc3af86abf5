"""One input lifted and written."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flowlift.cli.mapping import mapping_advice
from flowlift.cli.outputs import Job
from flowlift.cli.progress import progress_bar
from flowlift.cli.report import complain
from flowlift.containers import Poses3D
from flowlift.errors import InputError, UnknownJointsError
from flowlift.io import save
from flowlift.pipeline import LiftInterrupted, lift


def run_job(job: Job, settings: Mapping[str, Any], *, quiet: bool) -> None:
    """Lift one input with `flowlift.lift`'s settings and write its files; after Ctrl-C, what was finished.

    Raises FlowliftError; KeyboardInterrupt that tells what was written.
    """
    try:
        with progress_bar(str(job.source), quiet=quiet) as report:
            poses = lift(job.source, progress=report, **settings)
    except LiftInterrupted as stop:
        if stop.poses is None:
            raise
        write_all(stop.poses, job.paths, quiet=True)
        written = ", ".join(map(str, job.paths))
        raise KeyboardInterrupt(f"the {len(stop.poses)} frames that were finished are in {written}") from None
    except UnknownJointsError as error:
        raise InputError(f"{job.source}: {error}{mapping_advice(job, settings)}") from error
    if "joints" in poses.provenance and not quiet:
        complain("joints", poses.provenance["joints"])
    write_all(poses, job.paths, quiet=quiet)


def write_all(poses: Poses3D, paths: tuple[Path, ...], *, quiet: bool) -> None:
    """Write poses to each path in the format that its suffix names, and list the paths on a terminal."""
    for path in paths:
        save(poses, path)
        if sys.stdout.isatty() and not quiet:
            print(path)
