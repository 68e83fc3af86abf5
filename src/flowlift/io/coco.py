"""COCO keypoints JSON: annotations with their images, or a plain list of results."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io.extent import image_size_or_guess
from flowlift.io.hints import Hints
from flowlift.io.json_file import parse, parse_or_none
from flowlift.skeletons import COCO17

JOINTS = len(COCO17)


def matches(path: Path) -> bool:
    """Annotations with keypoints, or a list of results with keypoints."""
    content = parse_or_none(path)
    if isinstance(content, dict):
        content = content.get("annotations")
    return isinstance(content, list) and bool(content) and isinstance(content[0], dict) and "keypoints" in content[0]


def read(path: Path, hints: Hints) -> Keypoints2D:
    """One frame for each image, in the file's order of images (else of ids); its annotations are the people.

    Annotations: v = 0 is missing, v > 0 counts as certain. Results: the third number is the joint's confidence, scaled
    as it stands. Raises InputError for joints other than COCO's 17, or images of several sizes.
    """
    content = parse(path)
    annotated = isinstance(content, dict)
    entries = content["annotations"] if annotated else content
    images = content.get("images", []) if annotated else []
    if hints.skeleton not in (None, COCO17):
        raise InputError(f"{path}: COCO keypoints are coco17, not {hints.skeleton.name if hints.skeleton else ''}")
    try:
        order = [image["id"] for image in images] or sorted({entry["image_id"] for entry in entries}, key=_natural)
        people = _by_image(entries, order)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged COCO keypoints: {error or type(error).__name__}") from error
    values = np.zeros((len(order), max(1, *(len(each) for each in people)), JOINTS, 3))
    for frame, found in enumerate(people):
        for index, person in enumerate(found):
            values[frame, index] = person
    xy = np.where(values[..., 2:] > 0, values[..., :2], np.nan)
    score = np.ones_like(values[..., 2]) if annotated else values[..., 2].clip(0, 1)
    size = image_size_or_guess(xy, hints.image_size or _one_size(images, path), str(path))
    return Keypoints2D(xy, np.where(np.isfinite(xy[..., 0]), score, np.nan), COCO17, size, hints.fps, path.name)


def _natural(identity: object) -> tuple[int, str]:
    return (identity, "") if isinstance(identity, int) else (0, str(identity))


def _by_image(entries: Iterable[Mapping[str, Any]], order: list[Any]) -> list[list[np.ndarray]]:
    people: dict[Any, list[np.ndarray]] = {identity: [] for identity in order}
    for entry in entries:
        flat = np.array(entry["keypoints"], dtype=np.float64)
        if flat.size != 3 * JOINTS:
            raise ValueError(f"{flat.size} numbers for a person, expected {3 * JOINTS} (x, y, v of {JOINTS} joints)")
        if entry["image_id"] not in people:
            raise ValueError(f"a person in image {entry['image_id']!r}, which the file does not list")
        people[entry["image_id"]].append(flat.reshape(JOINTS, 3))
    return list(people.values())


def _one_size(images: list[Mapping[str, Any]], path: Path) -> tuple[int, int] | None:
    sizes = {(int(image["width"]), int(image["height"])) for image in images if "width" in image and "height" in image}
    if len(sizes) > 1:
        raise InputError(f"{path}: images of {len(sizes)} sizes; one clip has one size, split the file by size")
    return sizes.pop() if sizes else None
