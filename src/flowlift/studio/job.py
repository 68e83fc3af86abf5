"""Jobs and the folder that each of them has: the list outlives the server because the folders are the list."""

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from flowlift.io.atomic import written_whole
from flowlift.studio.options import Value
from flowlift.temporary import remove_stale

State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")

_ID = re.compile(r"[0-9a-f]{16}")
_ABOUT = "job.json"

OVERLAY = ".mp4"
"""What is downloaded as a video: the poses drawn onto it."""


@dataclass(frozen=True)
class Progress:
    """How far a job is: `stage` in words, `done` of `total` frames (None: not known)."""

    stage: str = ""
    done: int = 0
    total: int | None = None


@dataclass(frozen=True)
class Job:
    """A file to lift. `name`: what its user calls it. `message`: why it failed. `created`: seconds since 1970."""

    id: str
    name: str
    options: Mapping[str, Value]
    created: float
    state: State = "queued"
    message: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobFolder:
    """Where a job's files are."""

    path: Path

    @property
    def upload(self) -> Path:
        """The folder that holds nothing but the file that was dropped; it goes when the job has ended."""
        return self.path / "upload"

    @property
    def result(self) -> Path:
        return self.path / "result.npz"

    @property
    def page(self) -> Path:
        return self.path / "page.html"

    @property
    def film(self) -> Path:
        return self.path / "film.mp4"

    @property
    def downloads(self) -> Path:
        return self.path / "downloads"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"


class Jobs:
    """All jobs by id, oldest first; every change is on the disk before it is told."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not folder.exists():
            folder.mkdir(parents=True)
            folder.chmod(0o700)  # videos of people are nobody else's
        found = {path: read_job(path) for path in folder.iterdir() if _ID.fullmatch(path.name)}
        for path, job in found.items():
            if job is None:
                shutil.rmtree(path, ignore_errors=True)  # it broke off before it was a job
            else:
                remove_stale(path)
                remove_stale(JobFolder(path).downloads)
        self._jobs = {job.id: job for job in sorted(filter(None, found.values()), key=lambda job: job.created)}

    def __iter__(self) -> Iterator[Job]:
        return iter(tuple(self._jobs.values()))

    def get(self, name: str) -> Job | None:
        return self._jobs.get(name)

    def folder(self, job: Job) -> JobFolder:
        return JobFolder(self._folder / job.id)

    def reserve(self) -> tuple[str, JobFolder]:
        """An id and an empty folder for a job that is not there yet."""
        name = secrets.token_hex(8)
        folder = JobFolder(self._folder / name)
        folder.upload.mkdir(parents=True)
        return name, folder

    def discard(self, folder: JobFolder) -> None:
        """Give up a reserved folder."""
        shutil.rmtree(folder.path, ignore_errors=True)

    def add(self, name: str, file: str, options: Mapping[str, Value]) -> Job:
        """The job of a reserved folder, once its upload is whole."""
        return self._put(Job(name, file, options, time.time()))

    def change(self, job: Job, state: State, message: str = "", warnings: tuple[str, ...] = ()) -> Job:
        """Its new state; when it ends, what was uploaded goes."""
        if state in ENDED:
            shutil.rmtree(self.folder(job).upload, ignore_errors=True)
        return self._put(replace(job, state=state, message=message, warnings=warnings))

    def remove(self, job: Job) -> None:
        """Forget a job, with all its files."""
        self._jobs.pop(job.id, None)
        shutil.rmtree(self.folder(job).path, ignore_errors=True)

    def _put(self, job: Job) -> Job:
        with written_whole(self.folder(job).path / _ABOUT) as beside:
            beside.write_text(json.dumps(asdict(job)), encoding="utf-8")
        self._jobs[job.id] = job
        return job


def read_job(path: Path) -> Job | None:
    """The job of a folder; None where there is none, or it is damaged."""
    try:
        about = json.loads((path / _ABOUT).read_text(encoding="utf-8"))
        job = Job(**{**about, "warnings": tuple(about["warnings"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return job if job.id == path.name else None
