"""The work on one clip: lifted, and written to files. Whoever does it, where it is done, it is done here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowlift.batch.job import Answer, Failure, Job, MadeFile, Work
from flowlift.checksums import of_file
from flowlift.clips import open_source
from flowlift.containers import Poses3D
from flowlift.errors import FlowliftError
from flowlift.io import save, writer_for
from flowlift.lifter import Lifter
from flowlift.pipeline import lift
from flowlift.quiet import own_warnings
from flowlift.view.film import film_beside, has_pictures
from flowlift.view.html import write_html
from flowlift.view.overlay_video import write_overlay


@dataclass
class ClipLifter:
    """Does jobs with `flowlift.lift`'s settings. The model is loaded for the first, and kept."""

    settings: Mapping[str, Any]
    lifter: Lifter | None = None

    def __call__(self, job: Job, scratch: Path) -> Answer:
        """Do a job; its files lie in the folder `scratch`. Whatever goes wrong is an answer, too."""
        try:
            self.lifter = self.lifter or Lifter.load(self.settings["model"], device=self.settings["device"])
            return _done(job, {**self.settings, "model": self.lifter}, scratch)
        except FlowliftError as error:
            return Failure(_with_places(str(error), job, scratch))
        except MemoryError:
            return Failure("out of memory; try fewer --jobs, fewer --hypotheses, or a part of the clip", again=True)
        except OSError as error:
            return Failure(f"{error.filename or job.source}: {error.strerror or error}", again=True)
        except Exception as error:  # a fault of ours or of a library's: the other clips are worth their results
            return Failure(f"{job.source}: {type(error).__name__}: {error}", again=True)


def _done(job: Job, settings: Mapping[str, Any], scratch: Path) -> Work:
    with own_warnings() as caught:
        poses = lift(job.source, **settings)
        files = _write(poses, job, settings, scratch)
    notes = [("warning", str(warning.message)) for warning in caught]
    if "joints" in poses.provenance:
        notes.append(("joints", str(poses.provenance["joints"])))
    return Work(files, len(poses), poses.people, tuple(dict.fromkeys(notes)))


def write_poses(poses: Poses3D, job: Job, path: Path, *, at: Path | None = None) -> None:
    """Write one of a job's files in the format that its name or the job says; `at`: somewhere else, for the time being.

    A page shows the video that was lifted, where it was one. Raises OutputError, MissingExtraError.
    """
    if writer_for(path, job.format).suffix == ".html" and has_pictures(job.source):
        film = film_beside(Path(str(job.source)), path) if job.shows_video else None
        write_html(poses, at or path, title=path.stem, film=film)
    else:
        save(poses, at or path, format=job.format)


def _write(poses: Poses3D, job: Job, settings: Mapping[str, Any], scratch: Path) -> tuple[MadeFile, ...]:
    """Every file of a job. A format may make several of one, called otherwise: each gets a folder to itself."""
    made = []
    for index, path in enumerate(job.files):
        folder = scratch / str(index)
        if path == job.overlay:
            frames = open_source(job.source, settings["start"], settings["end"], settings["fps"])
            write_overlay(frames, poses, folder / path.name)
        else:
            write_poses(poses, job, path, at=folder / path.name)
        made += [_made(file, path.parent / file.relative_to(folder)) for file in sorted(folder.rglob("*"))]
    return tuple(file for file in made if file is not None)


def _with_places(text: str, job: Job, scratch: Path) -> str:
    """A message that names files by their places, not by where they are being made."""
    for index, path in enumerate(job.files):
        text = text.replace(str(scratch / str(index)), str(path.parent))
    return text


def _made(file: Path, path: Path) -> MadeFile | None:
    if not file.is_file():
        return None
    return MadeFile(path, file, file.stat().st_size, of_file(file))
