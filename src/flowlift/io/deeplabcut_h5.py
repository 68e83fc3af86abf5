"""DeepLabCut's h5: the pandas table `df_with_missing`. Read through h5py: PyTables unpickles what it finds, and a
damaged file can crash it."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError, MissingExtraError
from flowlift.io.atomic import written_whole
from flowlift.io.deeplabcut import Column, by_number, keypoints_from_table
from flowlift.io.deeplabcut_table import table_of
from flowlift.io.hdf5 import mentions, opened
from flowlift.io.hints import Hints
from flowlift.io.restricted import loads

_MOST_COLUMNS = 1000
"""HDF5 has 64 KiB for what pandas says of a table's columns."""


def matches(path: Path) -> bool:
    """HDF5 that pandas wrote."""
    return mentions(path, b"pandas_type")


def read(path: Path, hints: Hints) -> Keypoints2D:
    """Read the table, in pandas' "table" or "fixed" layout.

    Raises InputError for another HDF5 file, MissingExtraError without h5py.
    """
    return keypoints_from_table(*read_table(path), path, hints)


def read_table(path: Path) -> tuple[list[Column], Float64[np.ndarray, "frame column"]]:
    """Its columns, 2D or 3D, and their values. Raises InputError, MissingExtraError."""
    with opened(path, "not DeepLabCut's table", purpose="reading DeepLabCut's h5", extra="dlc") as file:
        group = _group(file, path)
        columns, values = _table_layout(group) if "table" in group else _fixed_layout(group)
        index = np.asarray(group["table"]["index"] if "table" in group else group.get("axis1", ()))
        numbered = index.shape == (len(values),) and np.issubdtype(index.dtype, np.integer)
        return columns, by_number(values, index.tolist(), path) if numbered else values


def _group(file: Any, path: Path) -> Any:
    groups: list[Any] = []

    def visit(name: str, node: Any) -> None:
        if hasattr(node, "keys") and ("table" in node or "block0_values" in node):
            groups.append(node)

    file.visititems(visit)
    named = [group for group in groups if group.name.endswith("/df_with_missing")] or groups
    if len(named) != 1:
        raise InputError(f"{path}: expected one table, df_with_missing; found {len(named)}")
    return named[0]


def _columns(labels: Any) -> list[Column]:
    """Labels are tuples of (scorer[, individual], bodypart, coordinate)."""
    columns = []
    for label in labels:
        parts = [part.decode() if isinstance(part, bytes) else str(part) for part in label]
        if len(parts) not in (3, 4):
            raise ValueError(f"columns have {len(parts)} levels, expected scorer[, individuals], bodyparts, coords")
        columns.append(Column(parts[1] if len(parts) == 4 else "", parts[-2], parts[-1]))
    return columns


def _table_layout(group: Any) -> tuple[list[Column], Float64[np.ndarray, "frame column"]]:
    rows, told = group["table"][()], group["table"].attrs
    names = [name for name in rows.dtype.names if name != "index"]
    labels: list[Any] = []
    for name in names:
        labels += list(loads(bytes(told[f"{name}_kind"])))
    values = np.concatenate([np.atleast_2d(rows[name].reshape(len(rows), -1)) for name in names], axis=1)
    return _columns(labels), values.astype(np.float64)


def _fixed_layout(group: Any) -> tuple[list[Column], Float64[np.ndarray, "frame column"]]:
    """Columns of one kind of number lie together in a block, with their labels beside them."""
    blocks = [name.removesuffix("_values") for name in group if name.startswith("block") and name.endswith("_values")]
    labels = [label for block in blocks for label in _labels(group, f"{block}_items")]
    values = np.concatenate([np.asarray(group[f"{block}_values"][()], np.float64) for block in blocks], axis=1)
    order = [labels.index(label) for label in _labels(group, "axis0")]
    return _columns([labels[at] for at in order]), values[:, order]


def _labels(group: Any, axis: str) -> list[tuple[Any, ...]]:
    count = sum(name.startswith(f"{axis}_level") for name in group)
    levels = [group[f"{axis}_level{i}"][()].tolist() for i in range(count)]
    codes = [group[f"{axis}_label{i}"][()].tolist() for i in range(count)]
    return [tuple(level[code] for level, code in zip(levels, each, strict=True)) for each in zip(*codes, strict=True)]


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """`table_of` as DeepLabCut's own tools write it; in pandas' other layout where it has too many columns for theirs.
    Raises OutputError, and MissingExtraError without pandas."""
    try:
        import pandas
        import tables  # noqa: F401  # pandas asks for it by name
    except ImportError as error:
        raise MissingExtraError("writing DeepLabCut's h5", "dlc") from error
    levels, values = table_of(obj)
    columns = pandas.MultiIndex.from_arrays(list(levels.values()), names=list(levels))
    # Made in memory: on a full disk PyTables raises what is no OSError, and HDF5 talks on stderr.
    with pandas.HDFStore("poses.h5", mode="w", driver="H5FD_CORE", driver_core_backing_store=0) as store:
        layout: Literal["table", "fixed"] = "table" if values.shape[1] <= _MOST_COLUMNS else "fixed"
        store.put("df_with_missing", pandas.DataFrame(values, columns=columns), format=layout)
        file: Any = store.root._v_file
        content = file.get_file_image()
    with written_whole(path) as beside:
        beside.write_bytes(content)
