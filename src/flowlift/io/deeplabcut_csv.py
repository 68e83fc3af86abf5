"""DeepLabCut's CSV, single and multi-animal."""

import csv
from pathlib import Path

import numpy as np

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io.deeplabcut import Column, keypoints_from_table
from flowlift.io.hints import Hints


def matches(path: Path) -> bool:
    """A table whose first line names the scorer."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as stream:
            return stream.readline().startswith("scorer,")
    except OSError:
        return False


def read(path: Path, hints: Hints) -> Keypoints2D:
    """Read the table. Raises InputError for rows that do not fit the header, or what is no number."""
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        rows = [row for row in csv.reader(stream) if row]
    levels = {row[0]: row[1:] for row in rows[:4] if row[0] in ("scorer", "individuals", "bodyparts", "coords")}
    if "bodyparts" not in levels or "coords" not in levels:
        raise InputError(f"{path}: not DeepLabCut's table: lines `bodyparts` and `coords` are missing")
    individuals = levels.get("individuals", [""] * len(levels["bodyparts"]))
    columns = [Column(*c) for c in zip(individuals, levels["bodyparts"], levels["coords"], strict=True)]
    body = rows[len(levels) :]
    short = next((number for number, row in enumerate(body) if len(row) != len(columns) + 1), None)
    if short is not None:
        raise InputError(f"{path}: frame {short} has {len(body[short]) - 1} values, expected {len(columns)}")
    try:
        values = np.array([[float(cell) if cell else np.nan for cell in row[1:]] for row in body], dtype=np.float64)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    return keypoints_from_table(columns, values.reshape(len(body), len(columns)), path, hints)
