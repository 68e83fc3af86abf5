"""Values of a data set's tables, checked one by one, with errors that say which one is wrong."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from flowlift.errors import InputError


def table(value: Any, where: str) -> Mapping[Any, Any]:
    """The value, if it is a table. Raises InputError for anything else."""
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: a table (dict) is expected, got {_kind(value)}")
    return value


def member(value: Any, key: str, where: str) -> Any:
    """One member of a table. Raises InputError where the value is no table, or has no such key."""
    members = table(value, where)
    if key not in members:
        names = [str(name) for name in members]
        raise InputError(
            f"{where}: {key!r} is missing; it has {', '.join(names[:8]) or 'nothing'}{'...' * (len(names) > 8)}"
        )
    return members[key]


def sequence(value: Any, count: int, where: str) -> list[Any]:
    """A list of `count` things. Raises InputError for anything else."""
    several = value.ndim > 0 if isinstance(value, np.ndarray) else isinstance(value, list | tuple)
    given = list(value) if several else None
    if given is None or len(given) != count:
        raise InputError(f"{where}: a list of {count} is expected, got {_kind(value) if given is None else len(given)}")
    return given


def numbers(
    value: Any, shape: tuple[int | str, ...], where: str, *, missing: bool = False
) -> Float64[np.ndarray, "..."]:
    """The value as float64 of a shape, in which a name ("frame") stands for any size but 0.

    Raises InputError for another shape, for what is no real number, for infinities, and for NaN unless `missing`.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InputError(f"{where}: expected numbers {_said(shape)}: {error}") from error
    if array.dtype.kind not in "fiu":
        raise InputError(f"{where}: expected numbers {_said(shape)}, got {_kind(value)} of type {array.dtype}")
    fits = array.ndim == len(shape) and all(
        got == want if isinstance(want, int) else got > 0 for want, got in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise InputError(f"{where}: expected {_said(shape)}, got {array.shape}")
    with np.errstate(over="ignore"):
        short = array.astype(np.float32)  # as which they will be kept
    if np.isinf(short).any() or (np.isnan(short).any() and not missing):
        raise InputError(f"{where}: it holds values that are not finite")
    return array.astype(np.float64)


def split_of(split: str, splits: tuple[str, ...], name: str) -> str:
    """The split, if the data set has it. Raises InputError where it does not."""
    if split not in splits:
        raise InputError(f"{name} has no split {split!r}; it has {', '.join(splits)}")
    return split


def _said(shape: tuple[int | str, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def _kind(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__
