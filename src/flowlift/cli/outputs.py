"""Which files a command line asks for, checked before hours of work go into them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from flowlift.errors import InputError, OutputError
from flowlift.io import WRITERS, is_keypoint_source, writer_for

FOLDER_SUFFIXES = (".npz", ".csv", ".html")
"""What a folder receives for each input: everything, for programs; a table; and a page to look at."""


@dataclass(frozen=True)
class Job:
    """One input (a path, or a camera's number), the files that its poses go to, and the video that shows them.

    `format`: of files whose names do not say it.
    """

    source: str | int
    paths: tuple[Path, ...]
    format: str | None = None
    overlay: Path | None = None


def plan_jobs(inputs: Sequence[str], output: str, formats: Sequence[str] = (), overlay: str | None = None) -> list[Job]:
    """Match inputs with output files, and with `overlay`, a video or a folder for videos.

    `formats`: what a folder receives, or (one of them) what a file is, whatever its name says. Raises OutputError where
    two would meet in one file, or none can be written; InputError for an overlay of no video.
    """
    sources = [_source(given) for given in inputs]
    suffixes = [writer_for(Path(output), format).suffix for format in dict.fromkeys(formats)] or FOLDER_SUFFIXES
    if _is_file(output, known=bool(formats)):
        if len(sources) > 1:
            raise OutputError(f"{output}: one file cannot hold {len(sources)} inputs; name a folder, such as out/")
        if len(formats) > 1:
            raise OutputError(f"{output}: one file has one format, not {len(formats)}; name a folder, such as out/")
        jobs = [Job(sources[0], (Path(output),), next(iter(formats), None))]
    else:
        stems = [_stem(source) for source in sources]
        twice = next((stem for stem in stems if stems.count(stem) > 1), None)
        if twice is not None:
            raise OutputError(f"{output}: several inputs are called {twice!r}; lift them into a folder each")
        jobs = [
            Job(source, tuple(Path(output) / f"{stem}{suffix}" for suffix in suffixes))
            for source, stem in zip(sources, stems, strict=True)
        ]
    if overlay is not None:
        jobs = [replace(job, overlay=_overlay_path(job.source, overlay, len(jobs))) for job in jobs]
    for path in (path for job in jobs for path in (*job.paths, job.overlay) if path is not None):
        check_writable(path, inputs)
    return jobs


def _overlay_path(source: str | int, overlay: str, inputs: int) -> Path:
    from flowlift.io.video_writing import check_suffix

    if isinstance(source, int) or is_keypoint_source(source):
        raise InputError(
            f"{source}: --overlay draws onto a video, and this is none (flowlift overlay takes one beside it)"
        )
    path = Path(overlay)
    if overlay.endswith(("/", os.sep)) or path.is_dir() or not path.suffix:
        return path / f"{_stem(source)}.mp4"
    if inputs > 1:
        raise OutputError(f"{overlay}: one video cannot show {inputs} inputs; name a folder, such as overlays/")
    check_suffix(path)
    return path


def _source(given: str) -> str | int:
    """A bare number is a camera, unless a file has that name."""
    return int(given) if given.isdecimal() and not Path(given).exists() else given


def _stem(source: str | int) -> str:
    if isinstance(source, int):
        return f"camera{source}"
    path = Path(source).resolve()
    return path.name if path.is_dir() else path.stem


def _is_file(output: str, *, known: bool) -> bool:
    """Whether the name is a file's; `known`: its format need not stand in it. Raises OutputError for a suffix that
    names no format."""
    path = Path(output)
    if output.endswith(("/", os.sep)) or path.is_dir() or not path.suffix:
        return False
    if not known and not any(path.name.lower().endswith(suffix) for suffix in WRITERS):
        raise OutputError(
            f"{output}: no writer for {path.suffix!r}; the suffix can be {' '.join(WRITERS)}, "
            f"or end the name of a folder with a slash"
        )
    return True


def check_writable(path: Path, inputs: Sequence[str]) -> None:
    """Raises OutputError for a path that is one of the inputs, or lies where nothing can be written."""
    for given in inputs:
        if path.exists() and Path(given).exists() and path.samefile(given):
            raise OutputError(f"{path}: this is an input, and writing would replace it; choose another name")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir():
        raise OutputError(f"{path}: cannot be written, because {folder} is a file, not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: cannot be written: no permission in {folder}")
