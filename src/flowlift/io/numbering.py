"""Frames by their numbers: names that end in one, and gaps where nobody was found."""

import re
from collections.abc import Sequence
from pathlib import Path

from flowlift.errors import InputError

_GAP = 100_000
"""Frames without a file that may lie in a clip; with more, the numbers are something else (times, identities)."""


def last_number(name: str) -> int:
    """The last number in a name, 0 where there is none."""
    digits = re.findall(r"[0-9]+", name)
    return int(digits[-1][-18:]) if digits else 0


def places(numbers: Sequence[int], path: Path) -> list[int]:
    """The frame of each number, counted from the smallest. Raises InputError for numbers that jump too far."""
    check_gaps(numbers, path)
    first = min(numbers)
    return [number - first for number in numbers]


def check_gaps(numbers: Sequence[int], path: Path) -> None:
    """Raises InputError for numbers that jump too far."""
    first, last = min(numbers), max(numbers)
    if last - first > len(numbers) + _GAP:
        raise InputError(f"{path}: the frames are numbered from {first} to {last}, but there are only {len(numbers)}")
