"""Several inputs on the command line: who works on them, what is told of each."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flowlift.batch.actors import RayCrew
from flowlift.batch.crew import Crew
from flowlift.batch.job import Failure, Job, Outcome
from flowlift.batch.lifting import is_done, lift_clips, marks_of
from flowlift.batch.manifest import MANIFEST
from flowlift.batch.processes import ProcessCrew
from flowlift.batch.remote import AddressTarget
from flowlift.batch.target import FolderTarget, Target
from flowlift.cli.inputs import is_pattern
from flowlift.cli.options import ManyOptions
from flowlift.cli.outputs import is_address
from flowlift.cli.progress import progress_bar
from flowlift.cli.report import BAD_INPUT, complain
from flowlift.cores import available_cores
from flowlift.errors import InputError

ENGINES = ("local", "ray")


def is_many(jobs: Sequence[Job], inputs: Sequence[str], output: str, options: ManyOptions) -> bool:
    """Whether there are several clips, or could be another time, or one is to be treated as several are: then they have
    processes of their own, and a folder with a manifest. Raises InputError for options that do not go together."""
    if options.engine not in ENGINES:
        raise InputError(f"--engine must be {' or '.join(ENGINES)}, got {options.engine!r}")
    apart = options != ManyOptions()
    if jobs[0].paths == (Path(output),):
        if apart:
            raise InputError(f"{output}: --jobs, --timeout, --again and --engine go with a folder, such as out/")
        return False
    return apart or len(jobs) > 1 or is_address(output) or any(map(is_pattern, inputs))


def run_many(
    jobs: Sequence[Job], output: str, settings: Mapping[str, Any], options: ManyOptions, *, quiet: bool
) -> int:
    """Lift the clips that are not there yet into a folder or an address. Exit status 0, or 2 where some failed: a line
    tells of each. Raises FlowliftError; KeyboardInterrupt that tells what to do.
    """
    _check(jobs, options)
    marks = marks_of(jobs, settings)
    with _opened(output) as target:
        todo = {job: mark for job, mark in marks.items() if options.again or not is_done(job, mark, target)}
        failed = done = 0
        try:
            if todo:
                with (
                    _crew(settings, options, target, clips=len(todo)) as crew,
                    progress_bar(output, unit="clips", quiet=quiet) as report,
                ):
                    report(0, len(todo))
                    for outcome in lift_clips(todo, target, crew, timeout=options.timeout):
                        failed, done = failed + _tell(outcome, quiet=quiet), done + 1
                        report(done, len(todo))
        except KeyboardInterrupt:
            ready = len(jobs) - len(todo) + done - failed
            raise KeyboardInterrupt(
                f"{ready} of {len(jobs)} clips are finished in {output}; the same command goes on with the others"
            ) from None
    if sys.stdout.isatty() and not quiet:
        before = f", {len(jobs) - len(todo)} of them before (--again repeats them)" if len(todo) < len(jobs) else ""
        print(f"{output}: {len(jobs) - failed} of {len(jobs)} clips are finished{before}; see {MANIFEST}")
    return BAD_INPUT if failed else 0


def _check(jobs: Sequence[Job], options: ManyOptions) -> None:
    if any(isinstance(job.source, int) for job in jobs):
        raise InputError("a camera ends with Ctrl-C: lift it by itself, not among other inputs")
    if options.jobs is not None and options.jobs < 1:
        raise InputError(f"--jobs must be at least 1, got {options.jobs}")
    if options.timeout is not None and not options.timeout > 0:
        raise InputError(f"--timeout must be more than 0 seconds, got {options.timeout:g}")


@contextmanager
def _opened(output: str) -> Iterator[Target]:
    target = AddressTarget(output) if is_address(output) else FolderTarget(Path(output))
    try:
        yield target
    finally:
        target.close()


def _crew(settings: Mapping[str, Any], options: ManyOptions, target: Target, *, clips: int) -> Crew:
    if options.engine == "ray":
        return RayCrew(settings, most=options.jobs, clips=clips)
    cores = available_cores()
    size = max(1, min(options.jobs or cores, clips))
    return ProcessCrew(settings, size=size, threads=max(1, cores // size), scratch=target.scratch)


def _tell(outcome: Outcome, *, quiet: bool) -> bool:
    """A line for each thing that a clip's user should know; whether it failed."""
    source, answer = str(outcome.job.source), outcome.answer
    failed = isinstance(answer, Failure)
    for kind, text in [("error", answer.error)] if isinstance(answer, Failure) else answer.notes:
        if kind != "joints" or not quiet:
            complain(kind, text if text.startswith(source) else f"{source}: {text}")
    return failed
