"""Files that detectors need: fetched once, verified, kept in a cache."""

import hashlib
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from flowlift.errors import ModelError

TIMEOUT = 30.0
_BLOCK = 1 << 20


def cache_folder() -> Path:
    """FLOWLIFT_CACHE, else the platform's place for caches."""
    if "FLOWLIFT_CACHE" in os.environ:
        return Path(os.environ["FLOWLIFT_CACHE"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "flowlift"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "flowlift"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "flowlift"


def fetch(url: str, sha256: str | None, filename: str) -> Path:
    """The cached file, fetched from `url` if it is not there; its checksum is verified each time.

    With no known `sha256`, that of the first download is noted beside the file, and any later change is refused.
    Raises ModelError when it cannot be fetched (saying what to place where), or its checksum is wrong.
    """
    file = cache_folder() / filename
    noted = file.with_name(file.name + ".sha256")
    if not file.is_file():
        _download(url, sha256, file)
    found = _checksum(file)
    expected = sha256 or (noted.read_text().strip() if noted.is_file() else None)
    if expected is None:
        noted.write_text(found + "\n")
    elif found != expected:
        raise ModelError(f"{file}: its checksum is {found}, expected {expected}; delete it and try again")
    return file


def _download(url: str, sha256: str | None, file: Path) -> None:
    beside = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer, beside.open("wb") as stream:
            length = answer.headers.get("Content-Length")
            while block := answer.read(_BLOCK):
                stream.write(block)
        if length is not None and beside.stat().st_size != int(length):
            raise ModelError(
                f"{url}: the download broke off after {beside.stat().st_size} of {length} bytes; try again"
            )
        if sha256 is not None and _checksum(beside) != sha256:
            raise ModelError(f"{url}: the download's checksum is {_checksum(beside)}, expected {sha256}; not kept")
        beside.replace(file)
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise ModelError(
            f"cannot fetch a model ({reason}); without a network, get {url} elsewhere and place it at {file}"
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def _checksum(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
