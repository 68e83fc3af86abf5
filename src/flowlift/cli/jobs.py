"""One input lifted and written."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flowlift.batch.job import Job
from flowlift.batch.work import write_poses
from flowlift.cli.mapping import mapping_advice
from flowlift.cli.progress import progress_bar
from flowlift.cli.report import complain
from flowlift.containers import Poses3D
from flowlift.errors import InputError, UnknownJointsError
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
        write_all(stop.poses, job, quiet=True)
        written = ", ".join(map(str, job.paths))
        raise KeyboardInterrupt(f"the {len(stop.poses)} frames that were finished are in {written}") from None
    except UnknownJointsError as error:
        raise InputError(f"{job.source}: {error}{mapping_advice(job, settings)}") from error
    if "joints" in poses.provenance and not quiet:
        complain("joints", poses.provenance["joints"])
    write_all(poses, job, quiet=quiet)
    if job.overlay is not None:
        write_video(poses, job.source, job.overlay, settings, quiet=quiet)


def write_video(poses: Poses3D, source: str | int, path: Path, settings: Mapping[str, Any], *, quiet: bool) -> None:
    """Draw poses onto the video that they were lifted from."""
    from flowlift.clips import open_source
    from flowlift.view.overlay_video import write_overlay

    frames = open_source(source, settings["start"], settings["end"], settings["fps"])
    with progress_bar(str(path), quiet=quiet) as report:
        write_overlay(frames, poses, path, report=report)
    if sys.stdout.isatty() and not quiet:
        print(path)


def write_all(poses: Poses3D, job: Job, *, quiet: bool) -> None:
    """Write poses to each of a job's paths, and list them on a terminal."""
    for path in job.paths:
        write_poses(poses, job, path)
        if sys.stdout.isatty() and not quiet:
            print(path)
