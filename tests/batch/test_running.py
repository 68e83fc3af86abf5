"""Whatever happens to workers: one outcome for each job, nobody left behind, nobody waited for in vain."""

from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Self
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from flowlift.batch.job import Answer, Failure, Job, Outcome, Work
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
        self.hired, self.most, self.clock = 0, 0, 0.0

    def run(self, *, timeout: float | None = None) -> list[Outcome]:
        """Do all of the script, by a clock that goes on while nobody has anything to say."""
        with patch("flowlift.batch.running.time", SimpleNamespace(monotonic=lambda: self.clock)):
            return list(run_jobs(jobs(list(self.script)), self, timeout=timeout))

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
        self.clock += seconds
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
    outcomes = crew.run(timeout=5)
    assert sorted(outcome.job.name for outcome in outcomes) == sorted(script)
    for outcome in outcomes:
        ends = script[outcome.job.name]
        assert outcome.attempts == crew.given[outcome.job.name] == last(ends)
        assert isinstance(outcome.answer, Work) == (ends[outcome.attempts - 1] == "good")
    assert not crew.alive
    assert crew.most <= size


def test_a_worker_keeps_its_model_from_clip_to_clip() -> None:
    crew = ScriptedCrew(2, {str(index): ["good"] for index in range(10)})
    assert len(crew.run()) == 10
    assert crew.hired == 2


def test_a_second_try_comes_after_the_others_have_begun() -> None:
    script = {"first": ["no memory", "good"], "second": ["good"], "third": ["good"]}
    order = [outcome.job.name for outcome in ScriptedCrew(1, script).run()]
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
    outcomes = crew.run()
    assert [outcome.attempts for outcome in outcomes] == [1, 1]
    assert not crew.alive


def test_everybody_goes_when_the_caller_does() -> None:
    crew = ScriptedCrew(3, {str(index): ["good"] for index in range(10)})
    outcomes = run_jobs(jobs(list(crew.script)), crew)
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert not crew.alive


def test_a_late_clip_says_why() -> None:
    (outcome,) = ScriptedCrew(1, {"slow": ["hangs", "hangs"]}).run(timeout=60)
    assert isinstance(outcome.answer, Failure)
    assert outcome.answer.error == "given up after 60 s (--timeout)"
    assert outcome.seconds == 60
