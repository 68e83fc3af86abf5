"""One job after another, each in a process of its own: what goes wrong there, or is cancelled, ends there."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from flowlift.studio.job import ENDED, Job, JobFolder, Jobs, Progress

_PATIENCE = 3.0  # seconds between asking a process to end and ending it
_LOG_TAIL = 400  # characters of the log that tell of an end that nobody foresaw
_WRITING = 600.0  # seconds that writing a format may take


@dataclass
class Said:
    """What a process has said so far."""

    progress: Progress = field(default_factory=Progress)
    error: str = ""
    warnings: list[str] = field(default_factory=list)


class Queue:
    """Works through the queued jobs; `progress` tells how far the running ones are."""

    def __init__(self, jobs: Jobs, workers: int) -> None:
        self.jobs = jobs
        self._workers = workers
        self._said: dict[str, Said] = {}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._more = asyncio.Event()
        self._writing = asyncio.Semaphore(2)

    def start(self) -> None:
        """Begin, with what an earlier server left undone."""
        for job in self.jobs:
            if job.state == "running":
                self.jobs.change(job, "queued")
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        self._more.set()

    async def stop(self) -> None:
        """End the processes; their jobs begin anew when the server does."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self) -> None:
        """There is a new job."""
        self._more.set()

    def progress(self, job: Job) -> Progress:
        said = self._said.get(job.id)
        return said.progress if said else Progress()

    async def cancel(self, job: Job) -> Job:
        """Its state afterwards: cancelled, unless it had ended already."""
        job = self.jobs.get(job.id) or job
        if job.state not in ENDED:
            job = self.jobs.change(job, "cancelled")
            if process := self._processes.get(job.id):
                await _end(process)
        return job

    async def write(self, job: Job, suffix: str) -> str:
        """Have a result written in another format; what went wrong, or nothing."""
        said = Said()
        async with self._writing:
            process = await _child(self.jobs.folder(job), suffix)
            try:
                status = await asyncio.wait_for(_listen(process, said), _WRITING)
            except TimeoutError:
                return "it took too long"
            finally:
                await _end(process)
        return said.error or ("" if status == 0 else _last_words(self.jobs.folder(job)))

    async def _work(self) -> None:
        while True:
            job = next((job for job in self.jobs if job.state == "queued"), None)
            if job is None:
                self._more.clear()
                await self._more.wait()
                continue
            try:
                await self._run(self.jobs.change(job, "running"))
            except OSError as error:
                self._finish(job, f"the work could not be started: {error.strerror or error}", Said())

    async def _run(self, job: Job) -> None:
        said = self._said[job.id] = Said(Progress("starting"))
        try:
            process = self._processes[job.id] = await _child(self.jobs.folder(job))
            try:
                if not self._is_wanted(job):  # cancelled while the process began
                    return
                status = await _listen(process, said)
            finally:
                await _end(process)
            words = said.error or ("" if status == 0 else _last_words(self.jobs.folder(job)))
            self._finish(job, words, said)
        finally:
            self._said.pop(job.id, None)
            self._processes.pop(job.id, None)

    def _finish(self, job: Job, words: str, said: Said) -> None:
        if self._is_wanted(job):
            self.jobs.change(job, "failed" if words else "done", words, tuple(said.warnings))

    def _is_wanted(self, job: Job) -> bool:
        """Neither cancelled nor removed meanwhile."""
        now = self.jobs.get(job.id)
        return now is not None and now.state == "running"


async def _child(folder: JobFolder, *arguments: str) -> asyncio.subprocess.Process:
    with folder.log.open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *_command(str(folder.path), *arguments),
            stdin=asyncio.subprocess.PIPE,  # closed when this process ends, however it does: then the child ends too
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal is for the server
        )


def _command(*arguments: str) -> Sequence[str]:
    return sys.executable, "-m", "flowlift.studio.child", *arguments


async def _listen(process: asyncio.subprocess.Process, said: Said) -> int:
    """Take in what it says until it ends; its exit status."""
    if process.stdout is None:
        raise ValueError("a process without an output")
    async for line in process.stdout:
        with suppress(ValueError, TypeError, AttributeError):
            _take_in(json.loads(line), said)
    return await process.wait()


def _take_in(words: dict[str, object], said: Said) -> None:
    if "error" in words:
        said.error = str(words["error"])
    elif "warning" in words:
        said.warnings.append(str(words["warning"]))
    else:
        said.progress = Progress(**words)  # type: ignore[arg-type]


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process with all that it started: politely, then not."""
    for stop in (_terminate, _kill):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            stop(process)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _PATIENCE)


def _terminate(process: asyncio.subprocess.Process) -> None:
    if sys.platform == "win32":
        process.terminate()
    else:
        os.killpg(process.pid, signal.SIGTERM)


def _kill(process: asyncio.subprocess.Process) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


def _last_words(folder: JobFolder) -> str:
    """The end of the log, for an end that nobody foresaw."""
    try:
        lines = folder.log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        lines = []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f"it ended unexpectedly: {last[:_LOG_TAIL]}" if last else "it ended unexpectedly"
