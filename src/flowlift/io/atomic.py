"""Files that appear whole or not at all: written beside, then renamed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowlift.errors import OutputError
from flowlift.temporary import remove_stale, sync_file, sync_names, temporary_name


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A file to write to that takes the place of `path` when the block ends; gone when it fails, or on Ctrl-C.

    The parent folder is made if it is missing. Raises OutputError when the place cannot be written. What a process that
    was killed leaves is removed when something is next written to the folder.
    """
    beside = path.with_name(temporary_name(path.suffix))
    with unwritable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_stale(path.parent)
        try:
            yield beside
            sync_file(beside)
            beside.replace(path)
            sync_names(path.parent)
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def unwritable(path: Path) -> Iterator[None]:
    """Turn what the system says while `path` is written into an OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error


def made_folder(path: Path) -> Path:
    """The folder itself, made if it is missing: called before work whose results go there. Raises OutputError."""
    refuse_file(path)
    with unwritable(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def refuse_file(path: Path) -> None:
    """Raises OutputError for a file where a folder is wanted."""
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path}: is a file; a folder is wanted here")
