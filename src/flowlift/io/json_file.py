"""JSON files, parsed once however many formats look at them."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from flowlift.errors import InputError


def parse(path: Path) -> Any:
    """The file's content. Raises InputError when it is not JSON, OSError when it cannot be read."""
    try:
        state = path.stat()
        return _parse(path, state.st_mtime_ns, state.st_size)
    except RecursionError as error:
        raise InputError(f"{path}: not JSON: it is nested too deeply") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON, or cut off: {str(error)[:200]}") from error


def parse_or_none(path: Path) -> Any:
    """The file's content, None when it is not JSON: for formats that ask whether it is theirs."""
    try:
        return parse(path)
    except InputError:
        return None


def forget() -> None:
    """Let go of the last file's content."""
    _parse.cache_clear()


@lru_cache(maxsize=1)
def _parse(path: Path, _changed: int, _size: int) -> Any:
    return json.loads(path.read_bytes())
