"""The process that does a job's work: it lifts the upload, or writes the result in another format.

    python -m flowlift.studio.child FOLDER
    python -m flowlift.studio.child FOLDER .SUFFIX

What it has to say are JSON lines on standard output; whatever libraries print goes to the log. It ends itself when
the server that started it is gone.
"""

import json
import os
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from flowlift.clips import Progress
from flowlift.containers import Poses3D
from flowlift.errors import FlowliftError, InputError
from flowlift.io import is_keypoint_source, load, save, stem_of
from flowlift.io.atomic import written_whole
from flowlift.io.video import open_frames
from flowlift.parent import lines_from_parent
from flowlift.pipeline import lift
from flowlift.quiet import own_channel, own_warnings
from flowlift.studio.job import OVERLAY, JobFolder, read_job
from flowlift.studio.options import in_the_form, settings_of
from flowlift.view.film import film_beside, film_inside, has_pictures
from flowlift.view.filming import write_film
from flowlift.view.html import write_html
from flowlift.view.overlay_video import write_overlay

BAD_INPUT = 2
_EVERY = 0.2  # seconds between two reports
_EMBEDDED = 100_000_000  # bytes of a video that goes into a page which is downloaded

Say = Callable[[dict[str, object]], None]


def main(arguments: Sequence[str]) -> int:
    """Do what is asked; the exit status."""
    channel = own_channel()
    lines_from_parent()  # none come: it is how we learn that the server is gone

    def say(values: dict[str, object]) -> None:
        print(json.dumps(values), file=channel, flush=True)

    folder = JobFolder(Path(arguments[0]))
    try:
        with own_warnings() as caught:
            if len(arguments) == 1:
                _lift(folder, say)
            else:
                _write(folder, arguments[1])
        for text in dict.fromkeys(_plain(str(warning.message), folder) for warning in caught):
            say({"warning": text})
        return 0
    except FlowliftError as error:
        say({"error": _plain(str(error), folder)})
    except MemoryError:
        say({"error": "out of memory; try fewer hypotheses, or a part of the clip"})
    except OSError as error:
        say({"error": error.strerror or str(error)})
    return BAD_INPUT


def _lift(folder: JobFolder, say: Say) -> None:
    job = read_job(folder.path)
    if job is None:
        raise InputError("the job is gone")
    (source,) = folder.upload.iterdir()
    options = settings_of(job.options)
    if is_keypoint_source(source):
        options.pop("detector", None)  # the form always names one, for videos
    poses = lift(source, progress=_reporter(say, "lifting"), **options)  # type: ignore[arg-type]
    save(poses, folder.result)
    film = None
    if has_pictures(source):
        report = _reporter(say, "preparing the video")
        write_film(source, folder.film, poses.frame_times, fps=poses.fps, progress=report)
        film = film_beside(folder.film, folder.page, start=float(poses.frame_times[0]))
    write_html(poses, folder.page, title=job.name, film=film)


def _write(folder: JobFolder, suffix: str) -> None:
    """The result in another format: one file in the folder of downloads, zipped where the format makes several."""
    job, poses = read_job(folder.path), load(folder.result)
    if job is None or not isinstance(poses, Poses3D):
        raise InputError("there is no result")
    stem = stem_of(Path(job.name))
    made = folder.downloads / f"{suffix.lstrip('.')}-{os.getpid()}"
    target = made / f"{stem}{suffix}"
    if suffix == ".html":
        small = folder.film.is_file() and folder.film.stat().st_size <= _EMBEDDED
        film = film_inside(folder.film, start=float(poses.frame_times[0])) if small else None
        write_html(poses, target, title=job.name, film=film)
    elif suffix == OVERLAY:
        since = replace(poses, times=poses.frame_times - poses.frame_times[0])  # as the film counts
        write_overlay(open_frames(folder.film), since, target)
    else:
        save(poses, target, format=suffix)
    files = sorted(path for path in made.rglob("*") if path.is_file())
    if files == [target]:
        target.replace(folder.downloads / target.name)
        return
    with written_whole(folder.downloads / f"{target.name}.zip") as beside, zipfile.ZipFile(beside, "w") as archive:
        for file in files:
            archive.write(file, file.relative_to(made))


def _reporter(say: Say, stage: str) -> Progress:
    """A progress report that is not sent more often than anybody looks."""
    last = -1.0

    def report(done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY or done == total:
            last = now
            say({"stage": stage, "done": done, "total": total})

    return report


def _plain(text: str, folder: JobFolder) -> str:
    """A message on one line, in the form's words, without where the server keeps its files."""
    for path in (folder.upload, folder.downloads, folder.path):
        text = text.replace(f"{path}{os.sep}", "").replace(str(path), "the file")
    return in_the_form(" ".join(text.split()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
