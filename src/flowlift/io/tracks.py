"""People seen in frames, in whatever order a file has them, as one array with a person axis."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64


class Sighting(NamedTuple):
    """One person in one frame: `identity` over time, None where the file tells none; `values` (joint, 3): x, y px and
    score, NaN where missing."""

    frame: int
    identity: Hashable
    values: Float64[np.ndarray, "joint 3"]


def identified(people: Iterable[tuple[Hashable, Hashable]]) -> bool:
    """Whether everybody, told by frame and identity, has an identity that nobody else in the frame has."""
    told = Counter(people)
    return all(identity is not None for _, identity in told) and max(told.values(), default=1) == 1


def stacked(sightings: Sequence[Sighting], frames: int) -> Float64[np.ndarray, "frame person joint 3"]:
    """An identity is a person, in the order of their first frames; people without one follow, in the file's order
    within each frame. Where two in one frame share an identity, it tells nothing and all count as without. NaN where
    nobody is. There must be a sighting."""
    told = Counter((each.frame, each.identity) for each in sightings if each.identity is not None)
    trusted = max(told.values(), default=1) == 1
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
    values = np.full((frames, max(places) + 1, *sightings[0].values.shape), np.nan)
    for each, place in zip(sightings, places, strict=True):
        values[each.frame, place] = each.values
    return values
