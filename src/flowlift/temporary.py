"""Names of what is being written, and the removal of what a process that was killed left under such names."""

import errno
import os
import platform
import re
import secrets
import shutil
import sys
import time
import zlib
from contextlib import suppress
from pathlib import Path

_START = ".flowlift-"
_NAME = re.compile(r"\.flowlift-(?P<here>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}\.")
_LONG_AGO = 86_400.0  # seconds after which nobody, on whatever machine, is still writing


def temporary_name(suffix: str = "") -> str:
    """A new name for what becomes a file or a folder; it tells which process made it. Hidden, and of a fixed length:
    a name that it is made for may be as long as the file system allows."""
    return f"{_START}{_here()}-{os.getpid()}-{secrets.token_hex(4)}.part{suffix}"


def check_written(count: int, wanted: int) -> None:
    """Raises OSError where fewer bytes were written than were to be: what still fitted on a full disk."""
    if count < wanted:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def sync_file(path: Path) -> None:
    """Have a file's content on the disk before it gets its name: a power cut must not leave a name without content."""
    with path.open("rb" if sys.platform != "win32" else "r+b") as file:
        os.fsync(file.fileno())


def sync_names(folder: Path) -> None:
    """Have a folder's list of names on the disk, where the system can."""
    with suppress(OSError):  # Windows opens no folder; some network file systems do not synchronise one
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def remove_stale(folder: Path) -> None:
    """Remove what processes left half-written in a folder when they were killed; what others are writing stays."""
    with suppress(OSError):  # no such folder, or not ours to clean
        with os.scandir(folder) as entries:  # the quickest: folders of results can be large
            stale = [Path(entry.path) for entry in entries if entry.name.startswith(_START) and _is_stale(entry)]
        for path in stale:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _is_stale(entry: os.DirEntry[str]) -> bool:
    """Of a process that is gone; of another machine's process, which nothing here tells of, when it is a day old."""
    named = _NAME.match(entry.name)
    if named is None:
        return False
    if named["here"] == _here() and sys.platform != "win32" and not _is_alive(int(named["process"])):
        return True
    with suppress(OSError):
        return time.time() - entry.stat(follow_symlinks=False).st_mtime > _LONG_AGO
    return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # somebody else's
        return True
    return True


def _here() -> str:
    """Where process numbers mean the same: a machine, and on Linux a container's own numbering."""
    numbering = ""
    with suppress(OSError):
        numbering = str(Path("/proc/self/ns/pid").readlink())
    return f"{zlib.crc32(f'{platform.node()} {numbering}'.encode()):08x}"
