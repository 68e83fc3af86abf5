"""JSON files, parsed once however many formats look at them."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any


def parse(path: Path) -> Any:
    """The file's content. Raises ValueError when it is not JSON, OSError when it cannot be read."""
    state = path.stat()
    return _parse(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=1)
def _parse(path: Path, _changed: int, _size: int) -> Any:
    try:
        return json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def parse_or_none(path: Path) -> Any:
    """The file's content, None when it is not JSON: for formats that ask whether it is theirs."""
    try:
        return parse(path)
    except ValueError:
        return None
