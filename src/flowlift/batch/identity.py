"""What a result depends on, in short: the same marks, the same result."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flowlift.batch.job import Job
from flowlift.checksums import of_file
from flowlift.io import split_clip

NAMING_FILES = ("camera", "mapping", "skeleton")
"""Settings that may name a file, whose content counts then."""
_ELSEWHERE = ("model",)
"""Settings that have a mark of their own."""


def mark_of_settings(settings: Mapping[str, Any], job: Job) -> str:
    """Of those of `flowlift.lift`'s settings that are given, of the files that they name, and of what is written."""
    told = {name: value for name, value in settings.items() if name not in _ELSEWHERE and value is not None}
    files = {name: _content(str(told[name])) for name in NAMING_FILES if name in told}
    written = [job.format, *("".join(path.suffixes[-2:]) for path in job.files)]
    written += [] if job.overlay is None else [job.overlay.as_posix()]
    return _short(json.dumps([told, files, written], sort_keys=True, default=str).encode())


def mark_of_input(source: str | int) -> str:
    """Of an input's size and the time of its last change; of a folder, those of all files in it but hidden ones, which
    file managers write; and of the clip that FILE::CLIP names. Empty where there is none."""
    path, clip = split_clip(str(source))
    try:
        files = sorted(filter(_is_seen, path.rglob("*"))) if path.is_dir() else [path]
        states = [(file.relative_to(path).as_posix(), file.stat()) for file in files]
    except OSError:
        return ""
    told = "".join(f"{name} {state.st_size} {state.st_mtime_ns}\n" for name, state in states)
    return _short((told + (clip or "")).encode("utf-8", "surrogateescape"))  # names may hold bytes that are no text


def _is_seen(file: Path) -> bool:
    return not file.name.startswith(".")


def _content(name: str) -> str:
    """The checksum of a file (or of the file in FILE::NAME), or nothing where the name is no file's."""
    file = Path(name.partition("::")[0])
    try:
        return of_file(file)
    except OSError:
        return ""


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
