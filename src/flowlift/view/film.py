"""The video behind a page: named by its address beside the page, or put into it."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from flowlift.errors import InputError
from flowlift.io import is_keypoint_source
from flowlift.io.images import STILLS
from flowlift.io.sound import lead_of_sound

_TYPES = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg"}
_LARGEST = 200_000_000
"""Bytes of a video that a page can hold: browsers stop at half a gigabyte of text."""


@dataclass(frozen=True)
class Film:
    """A video for a page: `address`, a URL relative to the page, or `data`, its bytes, with their media type.

    `start`: the time (s) in the clip that was lifted at which a player begins; 0 for that clip itself, and less where
    its sound begins before its pictures.
    """

    name: str
    type: str
    address: str | None = None
    data: bytes | None = None
    start: float = 0.0


def has_pictures(source: str | Path | int) -> bool:
    """Whether what was lifted is a video file: not keypoints, nor a still image, a folder or a camera."""
    if isinstance(source, int):
        return False
    path = Path(source)
    return path.is_file() and path.suffix.lower() not in STILLS and not is_keypoint_source(path)


def film_beside(video: Path, page: Path, *, start: float = 0.0) -> Film:
    """A video that the page refers to: relative, so that both can be moved together. `start`: the time (s) of its first
    picture in the clip that was lifted.

    Raises InputError where there is no such file.
    """
    _check(video)
    start -= lead_of_sound(video)
    try:
        relative = os.path.relpath(video.resolve(), page.resolve().parent)
    except ValueError:  # another drive
        return Film(video.name, _type(video), address=video.resolve().as_uri(), start=start)
    # With "./" a colon in the name does not end a protocol.
    address = "./" + quote(os.fsencode(Path(relative).as_posix()))  # names need not be text
    return Film(video.name, _type(video), address=address, start=start)


def film_inside(video: Path, *, start: float = 0.0) -> Film:
    """A video that becomes a part of the page; `start` as in `film_beside`.

    Raises InputError where it is missing, or too large.
    """
    _check(video)
    try:
        size = video.stat().st_size
        if size > _LARGEST:
            raise InputError(
                f"{video}: {size / 1e6:.0f} MB are too much for one page (at most {_LARGEST / 1e6:.0f}); "
                f"leave it beside the page"
            )
        data = video.read_bytes()
    except OSError as error:
        raise InputError(f"{video}: cannot be read: {error.strerror or error}") from error
    return Film(video.name, _type(video), data=data, start=start - lead_of_sound(video))


def _check(video: Path) -> None:
    if video.is_dir():
        raise InputError(f"{video}: a folder; a page shows a video, which the images can be made into")
    if not video.is_file():
        raise InputError(f"{video}: there is no such video")


def _type(video: Path) -> str:
    return _TYPES.get(video.suffix.lower(), "video/mp4")
