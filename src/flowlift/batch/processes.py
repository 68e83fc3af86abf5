"""A crew of processes on this machine. What crashes, hangs or takes all memory in one of them ends there.

Jobs and answers are JSON lines on standard input and output (`flowlift.batch.worker`).
"""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from flowlift.batch.job import Answer, Failure, Job
from flowlift.batch.lines import answer_of, words_of_job

_LAST_WORDS = 300  # characters of what a process said before it ended


@dataclass(eq=False)
class _Worker:
    """A process, what it says on its standard error, and the folder that its current job's files lie in."""

    process: subprocess.Popen[str]
    log: IO[bytes]
    scratch: Path | None = None
    dismissed: bool = False


class ProcessCrew:
    """`size` processes with `threads` threads of computing each. `settings` are `flowlift.lift`'s; `scratch` makes a
    folder for a job's files, where they can be renamed from."""

    def __init__(self, settings: Mapping[str, Any], *, size: int, threads: int, scratch: Callable[[], Path]) -> None:
        self.size = size
        self._settings, self._threads, self._scratch = settings, threads, scratch
        self._answers: queue.SimpleQueue[tuple[_Worker, Answer]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Nothing is left to end: workers are dismissed by who hired them."""

    def hire(self) -> _Worker:
        log = tempfile.TemporaryFile()  # noqa: SIM115 (it goes with the worker)
        process = subprocess.Popen(
            [sys.executable, "-m", "flowlift.batch.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
            env={**os.environ, "OMP_NUM_THREADS": str(self._threads)},
            start_new_session=True,  # Ctrl-C in the terminal is for us; what it starts ends with it
        )
        worker = _Worker(process, log)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        self._tell(worker, {"settings": dict(self._settings)})
        return worker

    def give(self, worker: Hashable, job: Job) -> None:
        mine = _own(worker)
        _clear(mine)
        mine.scratch = self._scratch()
        self._tell(mine, words_of_job(job) | {"scratch": str(mine.scratch)})

    def wait(self, seconds: float | None) -> Sequence[tuple[Hashable, Answer]]:
        answers: list[tuple[Hashable, Answer]] = []
        with suppress(queue.Empty):
            worker, answer = self._answers.get(timeout=seconds)
            if not worker.dismissed:
                answers.append((worker, answer))
        return answers

    def dismiss(self, worker: Hashable) -> None:
        mine = _own(worker)
        mine.dismissed = True
        with suppress(ProcessLookupError, PermissionError):  # it has ended; macOS says so in the second way
            if sys.platform == "win32":
                mine.process.kill()
            else:
                os.killpg(mine.process.pid, signal.SIGKILL)
        mine.process.wait()
        for stream in (mine.process.stdin, mine.log):
            with suppress(OSError):
                stream.close() if stream else None
        _clear(mine)

    def _listen(self, worker: _Worker) -> None:
        """In a thread of its own: pass on what a worker says, and that it has ended."""
        if worker.process.stdout is None:
            raise ValueError("a process without an output")
        with worker.process.stdout as lines:
            for line in lines:
                with suppress(ValueError, LookupError, TypeError):  # what a library printed, from C++
                    self._answers.put((worker, answer_of(json.loads(line))))
        status = worker.process.wait()
        if not worker.dismissed:
            self._answers.put((worker, Failure(_end_in_words(status, worker.log), again=True, lost=True)))

    def _tell(self, worker: _Worker, words: Mapping[str, Any]) -> None:
        if worker.process.stdin is None:
            raise ValueError("a process without an input")
        with suppress(BrokenPipeError):  # it has ended, which its answer says
            worker.process.stdin.write(json.dumps(words) + "\n")
            worker.process.stdin.flush()


def _own(worker: Hashable) -> _Worker:
    if not isinstance(worker, _Worker):
        raise TypeError("not a worker of this crew")
    return worker


def _clear(worker: _Worker) -> None:
    """Remove what is left of its last job's files."""
    if worker.scratch is not None:
        shutil.rmtree(worker.scratch, ignore_errors=True)


def _end_in_words(status: int, log: IO[bytes]) -> str:
    """Why a worker that should not have ended did."""
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        perhaps = ", perhaps for want of memory (try fewer --jobs)" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{perhaps}"
    with suppress(OSError, ValueError):
        log.seek(0)
        lines = log.read().decode("utf-8", "replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        if last:
            return f"its process ended unexpectedly: {last[:_LAST_WORDS]}"
    return f"its process ended unexpectedly, with status {status}"
