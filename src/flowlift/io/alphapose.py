"""AlphaPose's JSON: a list of people, each with the name of their image, and their identity where it tracks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io.body_counts import body_of
from flowlift.io.extent import image_size_or_guess
from flowlift.io.hints import Hints
from flowlift.io.json_file import parse, parse_or_none
from flowlift.io.numbering import last_number, places
from flowlift.io.tracks import Sighting, stacked, told_apart


def matches(path: Path) -> bool:
    """A list of people who stand in images with names; COCO's results have numbers."""
    content = parse_or_none(path)
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and "keypoints" in first and isinstance(first.get("image_id"), str)


def keeps_people_apart(path: Path) -> bool:
    """Whether everybody has an `idx` of their own."""
    return told_apart((entry["image_id"], _identity(entry)) for entry in parse(path))


def read(path: Path, hints: Hints) -> Keypoints2D:
    """One frame for each number in the images' names, gaps are empty frames. Names that are nothing but numbers count a
    video's frames from 0, or images from 1: those before the first who was seen are empty, too. `idx` is who it is.

    COCO's 17 joints, or Halpe's 26 also where face and hands (136) follow them. Raises InputError for other numbers of
    joints, or what is no list of people.
    """
    entries = parse(path)
    if not all(isinstance(entry, Mapping) and isinstance(entry.get("image_id"), str) for entry in entries):
        raise InputError(f"{path}: damaged: expected a list of people, each with image_id and keypoints")
    names = [Path(entry["image_id"]).stem for entry in entries]
    numbers = [last_number(name) for name in names]
    first = min([1, *numbers]) if all(name.isdecimal() for name in names) else min(numbers)
    at = places([first, *numbers], path)[1:]
    people = [_person(entry, path) for entry in entries]
    counts = {len(person) for person in people}
    if len(counts) > 1:
        raise InputError(f"{path}: people have {' and '.join(map(str, sorted(counts)))} joints; expected one number")
    skeleton = body_of(counts.pop(), hints.skeleton, path)
    sightings = [
        Sighting(frame, _identity(entry), person[: len(skeleton)])
        for frame, entry, person in zip(at, entries, people, strict=True)
    ]
    values = stacked(sightings, max(at) + 1)
    size = image_size_or_guess(values[..., :2], hints.image_size, hints.camera_size, str(path))
    return Keypoints2D(values[..., :2], values[..., 2].clip(0, 1), skeleton, size, hints.fps, path.name)


def _person(entry: Mapping[str, Any], path: Path) -> Float64[np.ndarray, "joint 3"]:
    try:
        flat = np.array(entry.get("keypoints"), dtype=np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged: the keypoints in {entry['image_id']!r} are no numbers") from error
    if not flat.size or flat.size % 3:
        raise InputError(f"{path}: damaged: {flat.size} numbers in {entry['image_id']!r}; expected x, y, score a joint")
    values = flat.reshape(-1, 3)
    return np.where(values[:, 2:] > 0, values, np.nan)


def _identity(entry: Mapping[str, Any]) -> float | None:
    """`idx`, which is a number or a list of one."""
    given = entry.get("idx")
    given = given[0] if isinstance(given, Sequence) and len(given) == 1 else given
    return float(given) if isinstance(given, int | float) else None
