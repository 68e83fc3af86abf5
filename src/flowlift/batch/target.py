"""Where results go: a folder of this machine, or (`flowlift.batch.remote`) any address that fsspec writes to."""

import errno
import os
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol, runtime_checkable

from flowlift.batch.job import MadeFile
from flowlift.batch.manifest import MANIFEST, Row, line_of, rows_of, text_of
from flowlift.checksums import of_file
from flowlift.io.atomic import made_folder, unwritable, written_whole
from flowlift.temporary import check_written, remove_stale, sync_file, sync_names, temporary_name

_PATIENCE = 10.0
"""Seconds to wait for a manifest that is being tidied up: much longer than that takes."""


@runtime_checkable
class Target(Protocol):
    """A place for results, and its manifest."""

    @property
    def rows(self) -> Mapping[str, Row]:
        """What the manifest says, by clip."""

    def scratch(self) -> Path:
        """A new folder of this machine for files that are being made."""

    def name_of(self, path: Path) -> str:
        """What a manifest calls a file."""

    def put(self, files: Iterable[MadeFile]) -> dict[str, tuple[int, str]]:
        """Files to their places, each whole or not at all; what a manifest says of them. Raises OutputError."""

    def holds(self, row: Row) -> bool:
        """Whether the files of a row are there, with the sizes that it tells."""

    def remove(self, files: Mapping[str, tuple[int, str]]) -> None:
        """Remove files that a row named, those that are as it told. Raises OutputError."""

    def add(self, row: Row) -> None:
        """Add a row to the manifest, now. Raises OutputError."""

    def close(self) -> None:
        """Leave a manifest with one row for each clip. Raises OutputError."""


class FolderTarget:
    """A folder. Rows are appended to its manifest as they come, and on the disk at once; a line that was cut off is
    nobody's row. Raises OutputError where it cannot be made."""

    def __init__(self, folder: Path) -> None:
        self._folder = made_folder(folder)
        remove_stale(folder)
        self._lock = _lock(folder)
        self._file = folder / MANIFEST
        with unwritable(self._file):
            content = self._file.read_bytes() if self._file.exists() else b""
            self._stream = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            if content and not content.endswith(b"\n"):
                os.write(self._stream, b"\n")
        self._rows = rows_of(content)

    @property
    def rows(self) -> Mapping[str, Row]:
        return self._rows

    def scratch(self) -> Path:
        folder = self._folder / temporary_name()
        with unwritable(self._folder):
            folder.mkdir()
        return folder

    def name_of(self, path: Path) -> str:
        return Path(os.path.relpath(path, self._folder)).as_posix()

    def put(self, files: Iterable[MadeFile]) -> dict[str, tuple[int, str]]:
        told = {}
        for file in files:
            _put(file)
            told[self.name_of(file.path)] = (file.size, file.sha256)
        return told

    def holds(self, row: Row) -> bool:
        with suppress(OSError):
            return all((self._folder / path).stat().st_size == size for path, (size, _) in row.files.items())
        return False

    def remove(self, files: Mapping[str, tuple[int, str]]) -> None:
        for name, (size, digest) in files.items():
            path = self._folder / name
            with unwritable(path):
                if path.is_file() and path.stat().st_size == size and of_file(path) == digest:
                    path.unlink()

    def add(self, row: Row) -> None:
        self._rows[row.clip] = row
        line = line_of(row)
        with unwritable(self._file):
            check_written(os.write(self._stream, line), len(line))  # one write: lines of several runs do not mix
            os.fsync(self._stream)

    def close(self) -> None:
        os.close(self._stream)
        try:
            if _is_only_one(self._lock):
                content = self._file.read_bytes()
                tidy = text_of(rows_of(content).values())
                if content != tidy:
                    with written_whole(self._file) as beside:
                        beside.write_bytes(tidy)
        finally:
            if self._lock is not None:
                os.close(self._lock)


def _put(file: MadeFile) -> None:
    """By a rename where that can be, else by a copy that takes its place when it is whole."""
    with unwritable(file.path):
        file.path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(file.content, Path):
            try:
                sync_file(file.content)
                file.content.replace(file.path)
                sync_names(file.path.parent)
                return
            except OSError as error:
                if error.errno != errno.EXDEV:  # another disk
                    raise
    with written_whole(file.path) as beside:
        if isinstance(file.content, bytes):
            beside.write_bytes(file.content)
        else:
            shutil.copyfile(file.content, beside)


def _lock(folder: Path) -> int | None:
    """Tell other runs that the folder's manifest is in use, where the system can. Waits while another tidies it up."""
    if sys.platform != "win32":
        import fcntl

        with suppress(OSError):
            opened = os.open(folder, os.O_RDONLY)
            until = time.monotonic() + _PATIENCE
            while True:
                try:
                    fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
                    return opened
                except OSError as error:
                    if not isinstance(error, BlockingIOError) or time.monotonic() > until:
                        os.close(opened)
                        return None
                time.sleep(0.02)
    return None


def _is_only_one(lock: int | None) -> bool:
    """Whether no other run uses the manifest: what it appends would go to a file that has lost its name."""
    if lock is not None and sys.platform != "win32":
        import fcntl

        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False
