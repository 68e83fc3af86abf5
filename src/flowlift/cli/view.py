"""`flowlift view`: a result as a page, opened in the browser."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flowlift.errors import InputError, OutputError

_PAGES = (".html", ".htm")


def view(
    result: str,
    /,
    *,
    video: str | None = None,
    embed: Annotated[bool, Parameter(negative="")] = False,
    output: Annotated[str | None, Parameter(name=["--output", "-o"])] = None,
    show: Annotated[bool, Parameter(name="--open", negative="--no-open")] = True,
) -> None:
    """Show a result: one page with the 2D beside the 3D, its uncertainty and joint angles over time.

    Parameters
    ----------
    result
        Poses that flowlift wrote (.npz or .json), other 3D poses that it reads, or a page that is there already.
    video
        The video that was lifted, to be shown behind the 2D. The page refers to it: keep the two together.
    embed
        Put the video into the page instead: larger, but a single file.
    output
        The page (.html), or a folder for it. When not given it is beside the result: the one that is there already if
        it shows this result, else a new one.
    show
        Open the page in the browser, when run in a terminal.
    """
    from flowlift.cli.browser import open_page

    path = Path(result)
    if path.suffix.lower() not in _PAGES:
        path = _page_of(result, video, embed, output)
    elif embed or video is not None or output is not None:
        raise InputError(f"{path}: this is a page already; make another one from the .npz or .json beside it")
    elif not path.is_file():
        raise InputError(f"{path}: there is no such file")
    print(path)
    if show and sys.stdout.isatty():
        open_page(path)


def _page_of(result: str, video: str | None, embed: bool, output: str | None) -> Path:
    """The page that shows a result: one that is there, unless another is asked for, or one that is written."""
    from flowlift.containers import Poses3D
    from flowlift.io import load
    from flowlift.io.packing import content_sum
    from flowlift.io.registry import file_of
    from flowlift.view.film import film_beside, film_inside
    from flowlift.view.html import write_html

    if embed and video is None:
        raise InputError("--embed puts a video into the page; name it with --video")
    file = file_of(result)
    given = None if output is None else _given_place(output, file)
    poses = load(result)
    if not isinstance(poses, Poses3D):
        there = given or file.with_suffix(".html")
        raise InputError(f"{result}: it holds 2D keypoints; lift them first: flowlift lift {result} -o {there}")
    content = content_sum(poses)
    path = given or _place_beside(file, content)
    if given is None and video is None and _shows(path, file, content):
        return path
    film = None
    if video is not None:
        film = film_inside(Path(video)) if embed else film_beside(Path(video), path)
    return write_html(poses, path, title=path.stem, film=film, suffix=file.suffix if given is None else None)


def _given_place(output: str, file: Path) -> Path:
    """Where the page goes that --output asks for. Raises OutputError for another kind of file."""
    from flowlift.cli.outputs import names_folder

    path = Path(output)
    if names_folder(output) or not path.suffix:
        path = path / file.with_suffix(".html").name
    if path.suffix.lower() not in _PAGES:
        raise OutputError(f"{output}: a page is written; name it with .html, or name a folder")
    return path


def _place_beside(file: Path, content: str) -> Path:
    """Where a result's page lies: under the result's name, or where the page of something else does, under its whole
    name. Raises OutputError where that is no page of ours."""
    from flowlift.view.mark import mark_of

    usual, other = file.with_suffix(".html"), file.with_name(f"{file.name}.html")
    mark = mark_of(usual)
    if not usual.exists() or _shows(usual, file, content) or (mark is not None and mark.suffix == file.suffix):
        return usual
    if other.exists() and mark_of(other) is None:
        raise OutputError(f"{other}: is there, and flowlift did not write it; name another page with --output")
    return other


def _shows(page: Path, file: Path, content: str) -> bool:
    """Whether a page is there and shows what a file holds, by its checksum."""
    from flowlift.view.mark import mark_of

    mark = mark_of(page)
    if mark is None or mark.content is not None:
        return mark is not None and mark.content == content
    # Of before pages told what they show: `lift` wrote them beside these two, and after them.
    return file.suffix.lower() in (".npz", ".json") and page.stat().st_mtime_ns >= file.stat().st_mtime_ns
