"""Whatever happens to workers: one outcome for each job, nobody left behind, nobody waited for in vain."""

import time
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.batch.job import Answer, Failure, Job, Work
from flowlift.batch.running import run_jobs

GOOD = Work((), 1, 1)
ENDS: dict[str, Answer | None] = {
    "good": GOOD,
    "bad": Failure("bad input"),
    "no memory": Failure("out of memory", again=True),
    "killed": Failure("its process was ended by SIGKILL", again=True, lost=True),
    "hangs": None,
}


class ScriptedCrew:
    """Each job ends as its script says, one ending for each attempt; who was lost or dismissed works no more."""

    def __init__(self, size: int, script: dict[str, list[str]]) -> None:
        self.size = size
        self.script = {name: list(ends) for name, ends in script.items()}
        self.given: Counter[str] = Counter()
        self.alive: dict[int, Job | None] = {}
        self.hired, self.most = 0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        pass

    def hire(self) -> Hashable:
        self.hired += 1
        self.alive[self.hired] = None
        return self.hired

    def give(self, worker: Hashable, job: Job) -> None:
        assert self.alive[worker] is None, "it is still busy"
        self.alive[worker] = job
        self.given[job.name] += 1
        self.most = max(self.most, sum(job is not None for job in self.alive.values()))

    def wait(self, seconds: float | None) -> Sequence[tuple[Hashable, Answer]]:
        for worker, job in self.alive.items():
            answer = None if job is None else ENDS[self.script[job.name][self.given[job.name] - 1]]
            if answer is not None:
                self.alive[worker] = None
                return [(worker, answer)]
        assert seconds is not None, "it would wait for ever"
        time.sleep(seconds)
        return []

    def dismiss(self, worker: Hashable) -> None:
        del self.alive[worker]


def jobs(names: list[str]) -> list[Job]:
    return [Job(f"{name}.mp4", (Path(f"{name}.npz"),), name=name) for name in names]


def last(script: list[str]) -> int:
    """The attempt that settles it: the first that another would not change, else the second."""
    first = ENDS[script[0]]
    return 1 if isinstance(first, Work) or (first is not None and not first.again) else 2


@given(
    st.integers(1, 4),
    st.lists(st.lists(st.sampled_from(sorted(ENDS)), min_size=2, max_size=2), max_size=7),
)
def test_every_job_has_one_outcome(size: int, scripts: list[list[str]]) -> None:
    script = {f"clip{index}": ends for index, ends in enumerate(scripts)}
    crew = ScriptedCrew(size, script)
    outcomes = list(run_jobs(jobs(list(script)), crew, timeout=0.005))
    assert sorted(outcome.job.name for outcome in outcomes) == sorted(script)
    for outcome in outcomes:
        ends = script[outcome.job.name]
        assert outcome.attempts == crew.given[outcome.job.name] == last(ends)
        assert isinstance(outcome.answer, Work) == (ends[outcome.attempts - 1] == "good")
    assert not crew.alive
    assert crew.most <= size


def test_a_worker_keeps_its_model_from_clip_to_clip() -> None:
    crew = ScriptedCrew(2, {str(index): ["good"] for index in range(10)})
    assert len(list(run_jobs(jobs(list(crew.script)), crew))) == 10
    assert crew.hired == 2


def test_a_second_try_comes_after_the_others_have_begun() -> None:
    script = {"first": ["no memory", "good"], "second": ["good"], "third": ["good"]}
    order = [outcome.job.name for outcome in run_jobs(jobs(list(script)), ScriptedCrew(1, script))]
    assert order == ["second", "third", "first"]


def test_who_is_lost_while_idle_is_no_clip_s_failure() -> None:
    class Fragile(ScriptedCrew):
        """Whoever has done a job is lost, and told so before anything else."""

        lost: Hashable | None = None

        def wait(self, seconds: float | None) -> Sequence[tuple[Hashable, Answer]]:
            if self.lost is not None:
                worker, self.lost = self.lost, None
                if self.alive[worker] is None:  # type: ignore[index]
                    return [(worker, ENDS["killed"])]  # type: ignore[list-item]
            ((worker, answer),) = super().wait(seconds)
            self.lost = worker
            return [(worker, answer)]

    crew = Fragile(2, {"first": ["good"], "second": ["good"]})
    outcomes = list(run_jobs(jobs(list(crew.script)), crew))
    assert [outcome.attempts for outcome in outcomes] == [1, 1]
    assert not crew.alive


def test_everybody_goes_when_the_caller_does() -> None:
    crew = ScriptedCrew(3, {str(index): ["good"] for index in range(10)})
    outcomes = run_jobs(jobs(list(crew.script)), crew)
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert not crew.alive


def test_a_late_clip_says_why() -> None:
    crew = ScriptedCrew(1, {"slow": ["hangs", "hangs"]})
    (outcome,) = run_jobs(jobs(["slow"]), crew, timeout=0.05)
    assert isinstance(outcome.answer, Failure)
    assert outcome.answer.error == "given up after 0.05 s (--timeout)"
    assert outcome.seconds == pytest.approx(0.05, abs=0.04)
