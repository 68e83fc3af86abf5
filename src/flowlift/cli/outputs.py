"""Which files a command line asks for, checked before hours of work go into them."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from flowlift.batch.job import Job
from flowlift.cli.inputs import find_inputs
from flowlift.errors import InputError, OutputError
from flowlift.io import WRITERS, is_keypoint_source, writer_for
from flowlift.io.atomic import refuse_file
from flowlift.io.registry import file_of

FOLDER_SUFFIXES = (".npz", ".csv", ".html")
"""What a folder receives for each input: everything, for programs; a table; and a page to look at."""


def plan_jobs(
    inputs: Sequence[str],
    output: str,
    formats: Sequence[str] = (),
    overlay: str | None = None,
    *,
    beside: Sequence[str | None] = (),
) -> list[Job]:
    """Match inputs with output files, and with `overlay`, a video or a folder for videos.

    `formats`: what a folder receives, or (one of them) what a file is, whatever its name says. `output` may be an
    address (s3://...), which paths are then relative to. `beside`: what is read beside the inputs, such as a
    calibration (None: nothing). Raises OutputError where two would meet in one file, or none
    can be written; InputError for an overlay of no video, and a pattern that nothing matches.
    """
    found = find_inputs(inputs, results=[Path(place) for place in (output, overlay) if place])
    suffixes = [writer_for(Path(output), format).suffix for format in dict.fromkeys(formats)] or FOLDER_SUFFIXES
    if _is_file(output, known=bool(formats)):
        if len(found) > 1:
            raise OutputError(f"{output}: one file cannot hold {len(found)} inputs; name a folder, such as out/")
        if len(formats) > 1:
            raise OutputError(f"{output}: one file has one format, not {len(formats)}; name a folder, such as out/")
        jobs = [Job(found[0].source, (Path(output),), next(iter(formats), None), name=found[0].name)]
    else:
        name, count = Counter(each.name for each in found).most_common(1)[0]
        if count > 1:
            raise OutputError(
                f"{output}: several inputs are called {name!r}; lift them into a folder each, or give a pattern in "
                f"quotes, such as 'clips/**/*.mp4', which keeps the folders apart"
            )
        folder = Path() if is_address(output) else Path(output)
        jobs = [
            Job(
                each.source,
                tuple(folder / _place(each.name, suffix) for suffix in suffixes),
                name=each.name,
                shows_video=not is_address(output),
            )
            for each in found
        ]
    if overlay is not None:
        jobs = [replace(job, overlay=_overlay_path(job, overlay, len(jobs))) for job in jobs]
    if not is_address(output):
        read = [*(str(each.source) for each in found), *filter(None, beside)]
        _check_all_writable([path for job in jobs for path in job.files], read)
    elif overlay is not None:
        raise OutputError(f"{output}: --overlay writes to folders of this machine only; leave it out")
    return jobs


def is_address(output: str) -> bool:
    """Whether results go to an address (s3://bucket/folder), not to a file or folder of this machine."""
    return "://" in output


def _place(name: str, suffix: str) -> Path:
    """Where in a folder a clip's file goes. Parquet files are one data set, partitioned by clip as Hive does it."""
    return Path(f"clip={_quoted(name)}", "part.parquet") if suffix == ".parquet" else Path(f"{name}{suffix}")


def _quoted(name: str) -> str:
    """A text that readers of partitions decode to the name. Letters of any script stay: quoted, a name of some thirty
    would be longer than file systems allow. Bytes of a name that are no text are told in ASCII."""
    text = name.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isalnum() else quote(letter, safe="") for letter in text)


def names_folder(output: str) -> bool:
    """Whether a name can only be a folder's: there is one, or it ends in a slash."""
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def _overlay_path(job: Job, overlay: str, inputs: int) -> Path:
    from flowlift.io.video_writing import check_suffix

    source = job.source
    if isinstance(source, int) or is_keypoint_source(source):
        raise InputError(
            f"{source}: --overlay draws onto a video, and this is none (flowlift overlay takes one beside it)"
        )
    path = Path(overlay)
    if names_folder(overlay) or not path.suffix:
        return path / f"{job.name}.mp4"
    if inputs > 1:
        raise OutputError(f"{overlay}: one video cannot show {inputs} inputs; name a folder, such as overlays/")
    check_suffix(path)
    return path


def _is_file(output: str, *, known: bool) -> bool:
    """Whether the name is a file's; `known`: its format need not stand in it. Raises OutputError for a suffix that
    names no format."""
    path = Path(output)
    of_a_format = any(path.name.lower().endswith(suffix) for suffix in WRITERS)
    if is_address(output):
        if not output.endswith("/") and of_a_format:
            raise OutputError(f"{output}: an address is a folder's; leave {path.name} out, and name a --format")
        return False
    if names_folder(output) or not path.suffix:
        return False
    if not known and not of_a_format:
        raise OutputError(
            f"{output}: no writer for {path.suffix!r}; the suffix can be {' '.join(WRITERS)}, "
            f"or end the name of a folder with a slash"
        )
    return True


def check_writable(path: Path, inputs: Sequence[str]) -> None:
    """Raises OutputError for a path that is one of the inputs (FILE of FILE::CLIP), or lies where nothing can be
    written."""
    _check_all_writable([path], inputs)


def check_folder(path: Path) -> None:
    """Raises OutputError for what cannot be, or become, a folder that files are written to."""
    refuse_file(path)
    _check_all_writable([path / "report"], [])


def _check_all_writable(paths: Sequence[Path], inputs: Sequence[str]) -> None:
    taken = {identity for given in inputs if (identity := _identity(file_of(given))) is not None}
    for path in paths:
        if _identity(path) in taken:
            raise OutputError(f"{path}: this is an input, and writing would replace it; choose another name")
        if path.suffix == ".json" and _identity(path.parent) in taken:
            raise OutputError(f"{path}: its folder is an input, of which it would be taken for a frame; choose another")
    for folder, path in {path.parent: path for path in paths}.items():
        there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
        if not there.is_dir():
            raise OutputError(f"{path}: cannot be written, because {there} is a file, not a folder")
        if not os.access(there, os.W_OK | os.X_OK):
            raise OutputError(f"{path}: cannot be written: no permission in {there}")


def _identity(path: Path) -> tuple[int, int] | None:
    """What is the same for all names of one file; None where there is none."""
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    return state.st_dev, state.st_ino
