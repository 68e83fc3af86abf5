"""Many clips lifted: what is there already is left, what is new is done, and the manifest tells of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flowlift import __version__
from flowlift.batch.crew import Crew
from flowlift.batch.identity import mark_of_input, mark_of_settings
from flowlift.batch.job import Answer, Failure, Job, Outcome, Work
from flowlift.batch.manifest import Marks, Row
from flowlift.batch.running import run_jobs
from flowlift.batch.target import Target
from flowlift.errors import OutputError
from flowlift.io.person_files import clip_of
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
    their places. Only here anything gets its place, so nothing can be there twice, or half. What an earlier run wrote
    of people who are no longer there goes.

    Raises OutputError when the manifest cannot be written.
    """
    owners = {name: row.clip for row in target.rows.values() for name in row.files}
    for outcome in run_jobs(marks, crew, timeout=timeout):
        former = target.rows.get(outcome.job.name)
        answer, files = _placed(outcome, former, target, owners)
        owners |= dict.fromkeys(files, outcome.job.name)
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
        if isinstance(answer, Failure):
            answer = _with_former(answer, former, target)
            kept = {} if former is None else former.files
            target.add(replace(row, error=" ".join(answer.error.split()), files=kept))
        else:
            target.add(replace(row, state="done", frames=answer.frames, people=answer.people, files=files))
        yield replace(outcome, answer=answer)


def _placed(
    outcome: Outcome, former: Row | None, target: Target, owners: Mapping[str, str]
) -> tuple[Answer, dict[str, tuple[int, str]]]:
    """What became of a job when its files were to get their places, and what a manifest says of them. One clip whose
    files get none (a folder stands there, the disk is full) stops no other. `owners`: the clip that has each file."""
    answer = outcome.answer
    if isinstance(answer, Failure):
        return answer, {}
    try:
        _check_free(outcome.job, answer, target, owners)
        files = target.put(answer.files)
        target.remove(_left_over(former, files, target))
    except OutputError as error:
        return Failure(str(error)), {}
    return answer, files


def _check_free(job: Job, work: Work, target: Target, owners: Mapping[str, str]) -> None:
    """Raises OutputError where a file is another clip's: clip_person0.trc of a clip with several people, and of a clip
    that is called so."""
    for file in work.files:
        name = target.name_of(file.path)
        other = target.rows.get(owners.get(name, job.name))
        if other is not None and other.clip != job.name and target.holds(other):
            raise OutputError(f"{file.path}: is a result of {other.source}; lift this clip into another folder")


def _left_over(former: Row | None, files: Mapping[str, object], target: Target) -> dict[str, tuple[int, str]]:
    """What a clip's former row names and no row does now, of the formats that were written anew: files of people. Other
    formats may have been wanted beside them."""
    told = {} if former is None else former.files
    anew = {clip_of(Path(name)) for name in files}
    left = {name: about for name, about in told.items() if name not in files and clip_of(Path(name)) in anew}
    others = {name for row in target.rows.values() if row is not former for name in row.files} if left else set()
    return {name: about for name, about in left.items() if name not in others}


def _with_former(failure: Failure, former: Row | None, target: Target) -> Failure:
    """The failure, which also tells of results that an earlier run left."""
    if former is None or not former.files or not target.holds(former):
        return failure
    return replace(failure, error=f"{failure.error}; its earlier results are still there")
