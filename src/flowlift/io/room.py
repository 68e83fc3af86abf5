"""Room for people who are seen now and then: many of them, each in a few of many frames, ask for far more memory than
their file."""

import math

import numpy as np
from jaxtyping import Float64

from flowlift.errors import InputError

LARGEST = 1 << 32
"""Bytes of an array that people are put into."""


def room_for(frames: int, people: int, *each: int) -> Float64[np.ndarray, "frame person ..."]:
    """An array of NaN. Raises InputError for more people and frames than memory is taken for."""
    if 8 * math.prod((frames, people, *each)) > LARGEST:
        raise InputError(
            f"it tells {people:,} people of {each[0]:,} joints in {frames:,} frames, more than are kept apart; "
            "are they the same ones, found again and again?"
        )
    return np.full((frames, people, *each), np.nan)
