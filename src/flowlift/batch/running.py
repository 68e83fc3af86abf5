"""Jobs in, outcomes out: everybody in a crew kept busy, nobody waited for in vain."""

import time
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from flowlift.batch.crew import Crew
from flowlift.batch.job import Failure, Job, Outcome

_LONGEST = 86_400.0
"""Seconds of one wait: of much longer ones systems say that there is no such time."""


@dataclass(frozen=True)
class _Given:
    """A job that somebody works on; `since`: by the monotonic clock."""

    job: Job
    attempt: int
    since: float


def run_jobs(jobs: Iterable[Job], crew: Crew, *, timeout: float | None = None, attempts: int = 2) -> Iterator[Outcome]:
    """One outcome for each job, as they end. The files of one have to be in their place before the next is asked for.

    A worker that crashes, is killed, or needs more than `timeout` seconds for a job is replaced. Such a job is tried
    again when all others have been begun (with more memory, perhaps), up to `attempts` times altogether. When the
    caller stops, so does everybody.
    """
    waiting = deque((job, 1) for job in jobs)
    busy: dict[Hashable, _Given] = {}
    idle: list[Hashable] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < crew.size:
                worker = idle.pop() if idle else crew.hire()
                job, attempt = waiting.popleft()
                busy[worker] = _Given(job, attempt, time.monotonic())
                crew.give(worker, job)
            answers = list(crew.wait(_patience(busy, timeout)))
            answered = {worker for worker, _ in answers}
            late = Failure(f"given up after {timeout:g} s (--timeout)", again=True, lost=True) if timeout else None
            answers += [(worker, late) for worker in _overdue(busy, timeout) if late and worker not in answered]
            for worker, answer in answers:
                given = busy.pop(worker, None)
                if isinstance(answer, Failure) and answer.lost:
                    crew.dismiss(worker)
                    idle = [other for other in idle if other is not worker]
                else:
                    idle.append(worker)
                if given is None:  # it was lost while it had nothing to do
                    continue
                if isinstance(answer, Failure) and answer.again and given.attempt < attempts:
                    waiting.append((given.job, given.attempt + 1))
                else:
                    yield Outcome(given.job, answer, given.attempt, time.monotonic() - given.since)
    finally:
        for worker in (*busy, *idle):
            crew.dismiss(worker)


def _patience(busy: Mapping[Hashable, _Given], timeout: float | None) -> float | None:
    """Seconds until the first of them is overdue, or to look again."""
    if timeout is None:
        return None
    left = min(given.since for given in busy.values()) + timeout - time.monotonic()
    return min(max(0.0, left), _LONGEST)


def _overdue(busy: Mapping[Hashable, _Given], timeout: float | None) -> list[Hashable]:
    now = time.monotonic()
    return [] if timeout is None else [worker for worker, given in busy.items() if now >= given.since + timeout]
