"""Files that appear whole or not at all: written beside, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowlift.errors import OutputError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A file to write to that takes the place of `path` when the block ends; gone when it fails, or on Ctrl-C.

    The parent folder is made if it is missing. Raises OutputError when the place cannot be written.
    """
    beside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
