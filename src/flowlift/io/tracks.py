"""People seen in frames, in whatever order a file has them, as one array with a person axis."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from flowlift.io.room import room_for


class Sighting(NamedTuple):
    """One person in one frame: `identity` over time, None where the file tells none; `values` (joint, 3): x, y px and
    score, NaN where missing."""

    frame: int
    identity: Hashable
    values: Float64[np.ndarray, "joint 3"]


def told_apart(sightings: Iterable[tuple[Hashable, Hashable]]) -> bool:
    """Whether (frame, identity) tell who everybody is: all have an identity, and no two in a frame the same."""
    told = Counter(sightings)
    return all(identity is not None for _, identity in told) and max(told.values(), default=1) == 1


def stacked(sightings: Sequence[Sighting], frames: int) -> Float64[np.ndarray, "frame person joint 3"]:
    """An identity is a person, in the order of their first frames; people without one follow, in the file's order
    within each frame. Where two in one frame share an identity, it tells nothing and all count as without. NaN where
    nobody is. There must be a sighting. Raises InputError for more people and frames than memory is taken for."""
    trusted = told_apart((each.frame, each.identity) for each in sightings if each.identity is not None)
    persons: dict[Hashable, int] = {}
    for each in sorted(sightings, key=lambda each: each.frame):
        if trusted and each.identity is not None:
            persons.setdefault(each.identity, len(persons))
    others: Counter[int] = Counter()
    places = []
    for each in sightings:
        if trusted and each.identity is not None:
            places.append(persons[each.identity])
        else:
            places.append(len(persons) + others[each.frame])
            others[each.frame] += 1
    values = room_for(frames, max(places) + 1, *sightings[0].values.shape)
    for each, place in zip(sightings, places, strict=True):
        values[each.frame, place] = each.values
    return values
