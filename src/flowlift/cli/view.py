"""`flowlift view`: a result as a page, opened in the browser."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flowlift.errors import InputError, OutputError

_OURS = b'<meta name="generator" content="flowlift">'
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
        The page (.html), or a folder for it; beside the result when not given.
    show
        Open the page in the browser, when run in a terminal.
    """
    from flowlift.cli.browser import open_page

    path = Path(result)
    there = None if embed or video is not None or output is not None else _page_beside(result)
    if there is not None:
        path = there
    elif path.suffix.lower() not in _PAGES:
        path = _write(result, video, embed, output)
    elif video is not None or output is not None:
        raise InputError(f"{path}: this is a page already; make another one from the .npz or .json beside it")
    elif not path.is_file():
        raise InputError(f"{path}: there is no such file")
    print(path)
    if show and sys.stdout.isatty():
        open_page(path)


def _page_beside(result: str) -> Path | None:
    """The page of a result that `lift` wrote after it, which may show the video; None where there is none."""
    from flowlift.io.registry import file_of

    file = file_of(result)
    page = file.with_suffix(".html")
    if file == page or not (file.is_file() and page.is_file() and _is_ours(page)):
        return None
    return page if page.stat().st_mtime_ns >= file.stat().st_mtime_ns else None


def _write(result: str, video: str | None, embed: bool, output: str | None) -> Path:
    from flowlift.containers import Poses3D
    from flowlift.io import load
    from flowlift.view.film import film_beside, film_inside
    from flowlift.view.html import write_html

    if embed and video is None:
        raise InputError("--embed puts a video into the page; name it with --video")
    path = _page_path(result, output)
    film = None
    if video is not None:
        film = film_inside(Path(video)) if embed else film_beside(Path(video), path)
    poses = load(result)
    if not isinstance(poses, Poses3D):
        raise InputError(f"{result}: it holds 2D keypoints; lift them first: flowlift lift {result} -o {path}")
    return write_html(poses, path, title=path.stem, film=film)


def _page_path(result: str, output: str | None) -> Path:
    """Where the page goes. Raises OutputError for another kind of file, or one that flowlift did not write."""
    from flowlift.io.registry import file_of

    name = file_of(result).with_suffix(".html")
    path = name if output is None else Path(output)
    if output is not None and (output.endswith("/") or path.is_dir() or not path.suffix):
        path = path / name.name
    if path.suffix.lower() not in _PAGES:
        raise OutputError(f"{output}: a page is written; name it with .html, or name a folder")
    if output is None and path.is_file() and not _is_ours(path):
        raise OutputError(f"{path}: is there, and flowlift did not write it; name another page with --output")
    return path


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return _OURS in file.read(2000)
