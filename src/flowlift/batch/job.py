"""One clip to lift, and what can come of it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Job:
    """One input (a path, or a camera's number), the files that its poses go to, and the video that shows them.

    `format`: of files whose names do not say it. `name`: what tables call it. `shows_video`: whether a page may refer
    to the video that was lifted; not where the page goes elsewhere.
    """

    source: str | int
    paths: tuple[Path, ...]
    format: str | None = None
    overlay: Path | None = None
    name: str = ""
    shows_video: bool = True

    @property
    def files(self) -> tuple[Path, ...]:
        """All that is to be written."""
        return self.paths if self.overlay is None else (*self.paths, self.overlay)


@dataclass(frozen=True)
class MadeFile:
    """A finished file that is not in its place yet. `path`: its place; `content`: where it lies now, or its bytes."""

    path: Path
    content: Path | bytes
    size: int
    sha256: str


@dataclass(frozen=True)
class Work:
    """A job that was done. `notes`: what its user should know, as (kind, text)."""

    files: tuple[MadeFile, ...]
    frames: int
    people: int
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Failure:
    """A job that was not done. `again`: whether another try may go better. `lost`: who worked on it is no more."""

    error: str
    again: bool = False
    lost: bool = False


Answer = Work | Failure


@dataclass(frozen=True)
class Outcome:
    """What became of a job in the end. `seconds`: of its last attempt."""

    job: Job
    answer: Answer
    attempts: int
    seconds: float
