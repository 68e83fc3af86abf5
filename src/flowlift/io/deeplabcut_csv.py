"""DeepLabCut's CSV, single and multi-animal, tracked or labelled by hand, and in 3D when it is written."""

import csv
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError
from flowlift.io.atomic import written_whole
from flowlift.io.deeplabcut import Column, by_number, keypoints_from_table
from flowlift.io.deeplabcut_table import table_of
from flowlift.io.hints import Hints

_LEVELS = ("scorer", "individuals", "bodyparts", "coords")


def matches(path: Path) -> bool:
    """A table whose first line names the scorer."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        return stream.readline(1000).replace('"', "").startswith("scorer,")


def read(path: Path, hints: Hints) -> Keypoints2D:
    """Read the table. Raises InputError for rows that do not fit the header, or what is no number."""
    return keypoints_from_table(*read_table(path), path, hints)


def read_table(path: Path) -> tuple[list[Column], Float64[np.ndarray, "frame column"]]:
    """Its columns, 2D or 3D, and their values. Raises InputError."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except csv.Error as error:
        raise InputError(f"{path}: not a CSV table: {error}") from error
    header = {row[0]: row for row in rows[:4] if row[0] in _LEVELS}
    if "bodyparts" not in header or "coords" not in header:
        raise InputError(f"{path}: not DeepLabCut's table: the lines `bodyparts` and `coords` are missing")
    # Labels made by hand have three columns of folder, clip and image instead of one of frame numbers.
    first = next((column for column, cell in enumerate(header["coords"]) if column and cell), 1)
    levels = {name: row[first:] for name, row in header.items()}
    width = len(levels["coords"])
    if any(len(level) != width for level in levels.values()):
        raise InputError(f"{path}: the header's lines have different lengths: {sorted({*map(len, header.values())})}")
    individuals = levels.get("individuals", [""] * width)
    columns = [Column(*cells) for cells in zip(individuals, levels["bodyparts"], levels["coords"], strict=True)]
    body = rows[len(header) :]
    values = _values(body, first, width, path)
    numbered = first == 1 and all(row[0].strip().isdecimal() for row in body)
    return columns, by_number(values, [int(row[0]) for row in body], path) if numbered else values


def _values(body: list[list[str]], first: int, width: int, path: Path) -> Float64[np.ndarray, "frame column"]:
    values = np.full((len(body), width), np.nan)
    for frame, row in enumerate(body):
        cells = row[first:]
        if len(cells) != width:
            raise InputError(f"{path}: row {frame} below the header has {len(cells)} values, expected {width}")
        try:
            values[frame] = [float(cell) if cell else np.nan for cell in cells]
        except ValueError as error:
            raise InputError(f"{path}: row {frame} below the header: {error}") from error
    return values


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """`table_of` as CSV; missing: empty. Raises OutputError."""
    levels, values = table_of(obj)
    with written_whole(path) as beside, beside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows([name, *cells] for name, cells in levels.items())
        for frame, row in enumerate(values.tolist()):
            writer.writerow([frame, *("" if value != value else f"{value:.9g}" for value in row)])
