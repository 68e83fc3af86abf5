"""Model files from the network: verified by checksum, kept in a cache, and a clear line where that cannot be."""

import hashlib
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.request import urlopen

from flowlift.damage import DAMAGE
from flowlift.errors import ModelError
from flowlift.temporary import check_written, remove_stale, sync_file, temporary_name

TIMEOUT = 30.0
"""Seconds without an answer, or between two pieces of one, after which a server is given up."""

_PIECE = 1 << 18


def cache_folder() -> Path:
    """Where downloaded models are kept: FLOWLIFT_CACHE, else the platform's place for caches."""
    if chosen := os.environ.get("FLOWLIFT_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "flowlift" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "flowlift"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flowlift"


def fetch(
    url: str, sha256: str, filename: str, *, mirrors: Sequence[str] = (), member: str | None = None, option: str = ""
) -> Path:
    """The file called `filename` in the cache, downloaded from `url` (else from a mirror) where it is not there yet.

    `sha256`: checksum of the file that is kept. `member`: what is kept is the file of that name inside the zip that
    the url leads to. `option`: how else a user can point to the file, for the message. Several processes may fetch
    the same file at once. Raises ModelError when the file cannot be had, kept, or is not the right one.
    """
    target = cache_folder() / filename
    if cached(filename, sha256):
        return target
    advice = _advice(url, target, member, option)
    with _beside(target) as part:
        _tell(f"downloading {filename} from {url.split('/')[2]} into {target.parent}")
        sender = _download_any((url, *mirrors), part, f"{filename} cannot be downloaded", advice)
        if member is not None:
            _extract(part, member, sender, advice)
        if _checksum(part) != sha256:
            raise ModelError(f"{filename}: what {sender} sent has the wrong checksum and was discarded; {advice}")
        _put(part, target, sha256)
    return target


def cached(filename: str, sha256: str) -> bool:
    """Whether the cache holds the file, whole and unchanged."""
    file = cache_folder() / filename
    return file.is_file() and _checksum(file) == sha256


def _advice(url: str, target: Path, member: str | None, option: str) -> str:
    take = f"get {url}" if member is None else f"get {url}, take {member} out of it"
    there = " (the one that is there has another checksum)" if target.exists() else ""
    return f"{take} and place it as {target}{there}" + (f", or name the file with {option}" if option else "")


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A file of its own beside the target, gone in the end. Raises ModelError where the folder cannot be written."""
    part = target.with_name(temporary_name())
    remove_stale(target.parent)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.touch(exist_ok=False)
    except OSError as error:
        raise ModelError(
            f"{target.parent}: models cannot be kept here ({error.strerror}); set FLOWLIFT_CACHE to another folder"
        ) from error
    try:
        yield part
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _download_any(urls: Sequence[str], part: Path, complaint: str, advice: str) -> str:
    """Download from the first of the urls that works, and tell which it was."""
    reasons = []
    for url in urls:
        try:
            _download(url, part)
            return url
        except (OSError, HTTPException) as error:
            reasons.append(_reason(error))
    raise ModelError(f"{complaint} ({reasons[0]}); {advice}")


def _download(url: str, part: Path) -> None:
    """Raises OSError or HTTPException for what goes wrong on the network, ModelError for what does on the disk."""
    size = 0
    with urlopen(url, timeout=TIMEOUT) as answer, part.open("wb", buffering=0) as file:
        while piece := answer.read(_PIECE):
            size += len(piece)
            _write(file, piece, part)
        expected = answer.headers.get("Content-Length")
    if expected is not None and size != int(expected):
        raise ConnectionError(f"the answer ended after {size} of {expected} bytes")


def _write(file: BinaryIO, piece: bytes, part: Path) -> None:
    try:
        check_written(file.write(piece), len(piece))
    except OSError as error:
        raise ModelError(f"{part.parent}: the download cannot be written: {error.strerror or error}") from error


def _reason(error: Exception) -> str:
    """In words: urllib wraps the error of the socket, whose own text is the better one."""
    cause = getattr(error, "reason", None)
    if isinstance(cause, OSError):
        return cause.strerror or str(cause)
    return str(error) or type(error).__name__


def _extract(part: Path, member: str, sender: str, advice: str) -> None:
    """Replace a zip by the file in it that has this name, in whatever folder."""
    whole = part.with_suffix(".member")
    try:
        with zipfile.ZipFile(part) as archive:
            inside = next(name for name in archive.namelist() if name.rsplit("/", 1)[-1] == member)
            with archive.open(inside) as source, whole.open("wb") as file:
                shutil.copyfileobj(source, file, _PIECE)
        whole.replace(part)
    except OSError as error:
        raise ModelError(f"{part.parent}: the download cannot be written: {error.strerror or error}") from error
    except DAMAGE as error:
        raise ModelError(f"{sender} sent no zip with {member} in it; {advice}") from error
    finally:
        whole.unlink(missing_ok=True)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _put(part: Path, target: Path, sha256: str) -> None:
    try:
        sync_file(part)
        part.replace(target)
    except OSError as error:  # Windows refuses while another process, which was faster, reads it
        if not cached(target.name, sha256):
            raise ModelError(f"{target}: the download cannot be kept: {error.strerror or error}") from error


def _tell(line: str) -> None:
    """A word for who waits at a terminal; nothing elsewhere."""
    if sys.stderr is not None and sys.stderr.isatty():
        print(f"flowlift: {line}", file=sys.stderr)
