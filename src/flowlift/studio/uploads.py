"""Taking in a file: its name is only ever a name, its kind one that is lifted, its size limited while it arrives."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

from flowlift.errors import InputError
from flowlift.io import READERS
from flowlift.io.images import STILLS

VIDEOS = (
    ".mp4",
    ".m4v",
    ".mov",
    ".avi",
    ".mkv",
    ".webm",
    ".ogv",
    ".mpg",
    ".mpeg",
    ".mts",
    ".m2ts",
    ".ts",
    ".wmv",
    ".3gp",
)


class TooLargeError(InputError):
    """More bytes than are taken."""


def accepted() -> tuple[str, ...]:
    """Suffixes of what can be dropped: videos, images, keypoint files."""
    keypoints = {suffix for reader in READERS.values() for suffix in reader.suffixes if suffix.startswith(".")}
    return (*VIDEOS, *STILLS, *sorted(keypoints - set(STILLS)))


def safe_name(given: str) -> str:
    """A plain file name made of what somebody calls a file. Raises InputError for a kind that is not lifted."""
    name = re.split(r"[\\/]", given)[-1]
    stem, dot, ending = name.rpartition(".")
    suffix = f"{dot}{ending.lower()}"
    if suffix not in accepted():
        raise InputError(f"{name or 'the file'}: not a kind of file that is lifted; it can be {' '.join(accepted())}")
    plain = re.sub(r"[^\w .()+-]", "_", stem).strip(". ")[:100].strip(". ")
    return (plain or "file") + suffix


async def receive(body: AsyncIterator[bytes], target: Path, *, limit: int) -> None:
    """Write what arrives. Raises TooLargeError as soon as it is more than `limit` bytes, InputError for nothing."""
    size = 0
    with target.open("xb") as file:
        async for piece in body:
            size += len(piece)
            check_size(size, limit=limit)
            file.write(piece)
    if not size:
        raise InputError("the file is empty")


def check_size(size: int, *, limit: int) -> None:
    """Raises TooLargeError for more bytes than `limit`."""
    if size > limit:
        raise TooLargeError(f"the file is larger than {limit / 1e6:g} MB, which this studio takes at most")
