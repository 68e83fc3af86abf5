"""Settings as Python's own numbers, which every format can write."""

import operator

import numpy as np

from flowlift.errors import InputError


def whole(name: str, given: object) -> int:
    """A whole number. Raises InputError for others."""
    try:
        return operator.index(given)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(f"{name} must be a whole number, got {given!r}") from None


def check_rate(fps: float | None) -> None:
    """Raises InputError for frames a second that cannot be; None is not told."""
    if fps is not None and not 0 < fps < float("inf"):
        raise InputError(f"the frame rate must be a positive number, got {fps}")


def real(name: str, given: object) -> float | None:
    """A number, or None as it is. Raises InputError for others, such as texts and lists."""
    number = given.item() if isinstance(given, np.number) else given
    if isinstance(number, bool) or not isinstance(number, int | float | None):
        raise InputError(f"{name} must be a number, got {given!r}")
    return number
