"""SHA-256 of files, folders and results: what a result is made from, and whether it is still the same."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped


def of_file(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def of_files(paths: Iterable[Path]) -> str:
    """Of several files, by their names and contents, in the order of their names; where they lie does not count."""
    total = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        total.update(f"{path.name}\n{of_file(path)}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def of_source(path: Path) -> str:
    """Of what was lifted: a file, or the files that lie in a folder."""
    return of_files(file for file in path.iterdir() if file.is_file()) if path.is_dir() else of_file(path)


def of_content(arrays: Mapping[str, Shaped[np.ndarray, "..."]], about: Mapping[str, Any]) -> str:
    """Of named arrays and a description of plain values, whatever file they are in: one NaN is as good as another."""
    total = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        plain = np.where(np.isnan(array), np.array(np.nan, array.dtype), array) if array.dtype.kind == "f" else array
        kind = plain.dtype.newbyteorder("<")
        total.update(f"{name} {kind.str} {plain.shape}\n".encode())
        total.update(np.ascontiguousarray(plain, dtype=kind).tobytes())
    return total.hexdigest()
