"""A crew of Ray actors, on however many machines. Each keeps its model; what it makes comes back as bytes.

So the machines need share no disk but the one that the clips are on, and one hand puts results in their places.
"""

import os
import shutil
import tempfile
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from flowlift.batch.identity import NAMING_FILES
from flowlift.batch.job import Answer, Failure, Job, MadeFile
from flowlift.batch.work import ClipLifter
from flowlift.detect.optional import import_optional, one_line
from flowlift.errors import FlowliftError
from flowlift.temporary import remove_stale, temporary_name

_FILES = (*NAMING_FILES, "model")
"""Settings that may name a file or folder, which has to have the same path on every machine."""


class ClipActor:
    """What runs on the cluster."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._lift = ClipLifter(settings)
        remove_stale(Path(tempfile.gettempdir()))

    def lift(self, job: Job) -> Answer:
        """Do a job; its files come along."""
        scratch = Path(tempfile.gettempdir()) / temporary_name()
        scratch.mkdir(mode=0o700)
        try:
            answer = self._lift(job, scratch)
            if isinstance(answer, Failure):
                return answer
            return replace(answer, files=tuple(map(_carried, answer.files)))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _carried(file: MadeFile) -> MadeFile:
    return file if isinstance(file.content, bytes) else replace(file, content=file.content.read_bytes())


@dataclass(eq=False)
class _Worker:
    """An actor, and what it works on."""

    actor: Any
    job: Job | None = None
    result: Any = None


class RayCrew:
    """Actors of the Ray cluster that this process belongs to or finds (RAY_ADDRESS), else of one on this machine alone.

    `most`: how many, None: one for each of the cluster's processors, but no more than there are `clips`. The cluster
    may have no room for all: who works is who has begun. Ends the cluster's session if it began it. Raises
    MissingExtraError, and FlowliftError where there is no cluster.
    """

    def __init__(self, settings: Mapping[str, Any], *, most: int | None = None, clips: int | None = None) -> None:
        self._ray = import_optional("ray", "--engine ray", "ray")
        self._own = not self._ray.is_initialized()
        if self._own:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
            try:
                self._ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
            except Exception as error:  # of its own, of gRPC's, of the system's
                raise FlowliftError(f"--engine ray: no cluster can be used or started: {one_line(error)}") from error
        wanted = most or max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        self._wanted = wanted if clips is None else min(wanted, clips)
        self._settings = {name: _absolute(value) if name in _FILES else value for name, value in settings.items()}
        self._make = self._ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(ClipActor)
        self._coming: dict[Any, Any] = {}  # what tells that an actor has begun -> the actor
        self._here: list[Any] = []
        self._hired: list[_Worker] = []

    @property
    def size(self) -> int:
        """Actors that have begun, or one who will. The job of one for whom there is no room would wait for ever, while
        others have nothing to do."""
        self._call_in()
        return max(1, len(self._hired) + len(self._here))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for actor in (*self._here, *self._coming.values()):
            self._end(actor)
        if self._own:
            self._ray.shutdown()

    def hire(self) -> Hashable:
        self._call_in()
        while not self._here:
            self._greet(self._ray.wait([*self._coming], num_returns=1)[0])
        worker = _Worker(self._here.pop())
        self._hired.append(worker)
        return worker

    def give(self, worker: Hashable, job: Job) -> None:
        mine = _mine(worker)
        # Other machines have other current folders. What goes to an address has its place below that.
        paths = tuple(path.absolute() for path in job.paths) if job.shows_video else job.paths
        there = replace(job, source=_absolute(job.source), paths=paths)
        mine.job, mine.result = job, mine.actor.lift.remote(there)

    def wait(self, seconds: float | None) -> Sequence[tuple[Hashable, Answer]]:
        """Also none when an actor has begun, who may be hired."""
        busy = {worker.result: worker for worker in self._hired if worker.result is not None}
        ready, _ = self._ray.wait([*busy, *self._coming], num_returns=1, timeout=seconds)
        self._greet(ready)
        return [(busy[result], self._answer(busy[result])) for result in ready if result in busy]

    def dismiss(self, worker: Hashable) -> None:
        mine = _mine(worker)
        self._hired = [other for other in self._hired if other is not mine]
        self._end(mine.actor)

    def _call_in(self) -> None:
        """Ask the cluster for as many actors as are wanted."""
        for _ in range(self._wanted - len(self._hired) - len(self._here) - len(self._coming)):
            actor = self._make.remote(self._settings)
            self._coming[actor.__ray_ready__.remote()] = actor

    def _greet(self, ready: Sequence[Any]) -> None:
        """Those who have begun, or cannot begin: what they answer to a job will tell why."""
        self._here += [self._coming.pop(begun) for begun in ready if begun in self._coming]

    def _end(self, actor: Any) -> None:
        with suppress(self._ray.exceptions.RayError, ValueError):
            self._ray.kill(actor)

    def _answer(self, worker: _Worker) -> Answer:
        result, worker.result = worker.result, None
        try:
            answer: Answer = self._ray.get(result)
        except self._ray.exceptions.RayError as error:  # the actor, its machine, or what it made on the way is gone
            first = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            return Failure(f"its actor was lost: {first}", again=True, lost=True)
        if isinstance(answer, Failure) and worker.job is not None:
            given = str(worker.job.source)
            return replace(answer, error=answer.error.replace(str(_absolute(given)), given))
        return answer


def _mine(worker: Hashable) -> _Worker:
    if not isinstance(worker, _Worker):
        raise TypeError("not a worker of this crew")
    return worker


def _absolute(value: Any) -> Any:
    """A path that is there, from the root; also of FILE::NAME. Anything else as it is."""
    if isinstance(value, str):
        file, mark, name = value.partition("::")
        return f"{Path(file).absolute()}{mark}{name}" if Path(file).exists() else value
    return value
