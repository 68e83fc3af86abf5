"""Who works on clips: processes of this machine, or actors of a cluster, behind one protocol."""

from collections.abc import Hashable, Sequence
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from flowlift.batch.job import Answer, Job


@runtime_checkable
class Crew(Protocol):
    """For a `with` block. Workers, each of whom does one job at a time and keeps its model in between.

    A worker is whatever `hire` gives. One that crashes or is killed answers with a `Failure` that is `lost`.
    """

    @property
    def size(self) -> int:
        """How many may work at the same time, by now."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def hire(self) -> Hashable:
        """A new worker."""

    def give(self, worker: Hashable, job: Job) -> None:
        """Have a worker begin a job. What it made before has to be in its place by now: it is removed."""

    def wait(self, seconds: float | None) -> Sequence[tuple[Hashable, Answer]]:
        """Answers as they come: at least one, or none after some seconds (None: however long it takes), or when more
        may work by now."""

    def dismiss(self, worker: Hashable) -> None:
        """End a worker at once, whatever it is doing, with what it made."""
