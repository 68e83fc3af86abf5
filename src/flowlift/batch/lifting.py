"""Many clips lifted: what is there already is left, what is new is done, and the manifest tells of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flowlift import __version__
from flowlift.batch.crew import Crew
from flowlift.batch.identity import mark_of_input, mark_of_settings
from flowlift.batch.job import Failure, Job, Outcome
from flowlift.batch.manifest import Marks, Row
from flowlift.batch.running import run_jobs
from flowlift.batch.target import Target
from flowlift.models import find_model
from flowlift.models.checksum import checksum


def marks_of(jobs: Sequence[Job], settings: Mapping[str, Any]) -> dict[Job, Marks]:
    """What each job's result depends on. Raises ModelError for a model that is not there."""
    model = checksum(find_model(settings["model"]))
    return {job: Marks(mark_of_settings(settings, job), model, mark_of_input(job.source)) for job in jobs}


def is_done(job: Job, marks: Marks, target: Target) -> bool:
    """Whether an earlier run did this job, from the same input with the same settings and model."""
    row = target.rows.get(job.name)
    return row is not None and row.state == "done" and row.marks == marks and target.holds(row)


def lift_clips(
    marks: Mapping[Job, Marks], target: Target, crew: Crew, *, timeout: float | None = None
) -> Iterator[Outcome]:
    """Lift the clips of `marks`, in whatever order they end; when an outcome comes out, its files and its row are in
    their places. Only here anything gets its place, so nothing can be there twice, or half.

    Raises OutputError when the manifest cannot be written.
    """
    for outcome in run_jobs(marks, crew, timeout=timeout):
        row = Row(
            clip=outcome.job.name,
            source=str(outcome.job.source),
            state="failed",
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(outcome.seconds, 2),
            attempts=outcome.attempts,
            marks=marks[outcome.job],
            flowlift=__version__,
        )
        if isinstance(outcome.answer, Failure):
            target.add(replace(row, error=" ".join(outcome.answer.error.split())))
        else:
            work = outcome.answer
            files = target.put(work.files)
            target.add(replace(row, state="done", frames=work.frames, people=work.people, files=files))
        yield outcome
