"""COCO keypoints JSON: annotations with their images, or a plain list of results."""

import warnings
from collections.abc import Mapping, Sequence, Set
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io.body_counts import BODIES, body_of
from flowlift.io.extent import image_size_or_guess
from flowlift.io.hints import Hints
from flowlift.io.json_file import parse, parse_or_none
from flowlift.io.naming import joint_name, skeleton_of
from flowlift.io.numbering import last_number, places
from flowlift.io.tracks import Sighting, stacked, told_apart


def matches(path: Path) -> bool:
    """Annotations with keypoints, or a list of results with keypoints."""
    content = parse_or_none(path)
    if isinstance(content, dict):
        content = content.get("annotations")
    return isinstance(content, list) and bool(content) and isinstance(content[0], dict) and "keypoints" in content[0]


def keeps_people_apart(path: Path) -> bool:
    """Whether everybody has a `track_id` of their own."""
    content = parse(path)
    entries = content["annotations"] if isinstance(content, dict) else content
    return told_apart((entry["image_id"], entry.get("track_id")) for entry in entries)


def read(path: Path, hints: Hints) -> Keypoints2D:
    """One frame for each image; `track_id` is who it is, else its annotations are the people in the file's order.

    Annotations: the file's order of images; v = 0 is missing, v > 0 counts as certain; joints as the category names
    them. Results: frames by the number in `image_id`, gaps are empty frames; the third number is the joint's
    confidence. Without names: a known body of so many joints. Raises InputError for other numbers of joints, several
    kinds of bodies, or images of several sizes.
    """
    content = parse(path)
    annotated = isinstance(content, dict)
    entries = content["annotations"] if annotated else content
    images = content.get("images", []) if annotated else []
    if not all(isinstance(entry, Mapping) and "image_id" in entry for entry in entries):
        raise InputError(f"{path}: damaged: expected a list of persons, each with image_id and keypoints")
    names, edges = _named(content, entries, path) if annotated else ([], [])
    counts = {3 * joints for joints in ([len(names)] if names else BODIES)} | {3 * len(hints.skeleton or ())} - {0}
    people = [_person(entry, counts, path) for entry in entries]
    if len({len(person) for person in people}) > 1:
        raise InputError(f"{path}: its persons have different numbers of joints")
    if names:
        skeleton = skeleton_of(names, hints.skeleton, "coco", edges)
        order = [names.index(joint) for joint in skeleton.joints]
    else:
        skeleton = body_of(len(people[0]), hints.skeleton, path)
        order = list(range(len(skeleton)))
    at = _in_order_of_images(entries, images, path) if images else _by_number(entries, path)
    _tell_of_order(images, hints.fps, path)
    sightings = [
        Sighting(frame, entry.get("track_id"), person[order])
        for frame, entry, person in zip(at, entries, people, strict=True)
    ]
    values = stacked(sightings, len(images) or max(at) + 1)
    xy = np.where(values[..., 2:] > 0, values[..., :2], np.nan)
    score = np.ones_like(values[..., 2]) if annotated else values[..., 2].clip(0, 1)
    size = image_size_or_guess(xy, hints.image_size or _one_size(images, path), hints.camera_size, str(path))
    return Keypoints2D(xy, np.where(np.isfinite(xy[..., 0]), score, np.nan), skeleton, size, hints.fps, path.name)


def _named(
    content: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], path: Path
) -> tuple[list[str], list[tuple[str, str]]]:
    """Joints and edges of the category that the annotations have; none where it names none."""
    used = {entry.get("category_id") for entry in entries}
    categories = [each for each in content.get("categories", []) if each["id"] in used and each.get("keypoints")]
    if len({tuple(each["keypoints"]) for each in categories}) > 1:
        told = ", ".join(str(each.get("name", each["id"])) for each in categories)
        raise InputError(f"{path}: it holds several kinds of bodies ({told}); split the file by category")
    if not categories:
        return [], []
    names = [joint_name(str(name)) for name in categories[0]["keypoints"]]
    links = categories[0].get("skeleton") or []  # counted from 1
    return names, [(names[int(one) - 1], names[int(other) - 1]) for one, other in links]


def _person(entry: Mapping[str, Any], counts: Set[int], path: Path) -> Float64[np.ndarray, "joint 3"]:
    try:
        flat = np.array(entry.get("keypoints"), dtype=np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path}: damaged: the keypoints of a person in image {entry['image_id']!r} are no numbers"
        ) from error
    if flat.size not in counts:
        expected = " or ".join(map(str, sorted(counts)))
        raise InputError(
            f"{path}: damaged: the keypoints of a person in image {entry['image_id']!r} are {flat.size} numbers; "
            f"expected {expected}: x, y, v of each joint"
        )
    return flat.reshape(-1, 3)


def _in_order_of_images(entries: Sequence[Any], images: Sequence[Any], path: Path) -> list[int]:
    frame_of = {image["id"]: frame for frame, image in enumerate(images)}
    for entry in entries:
        if entry["image_id"] not in frame_of:
            raise InputError(
                f"{path}: damaged: a person stands in image {entry['image_id']!r}, which `images` does not list"
            )
    return [frame_of[entry["image_id"]] for entry in entries]


def _tell_of_order(images: Sequence[Mapping[str, Any]], fps: float | None, path: Path) -> None:
    """Warn where images that are said to be a clip are not listed as the numbers in their names have them."""
    names = [Path(str(image.get("file_name", ""))).stem for image in images]
    numbers = [last_number(name) for name in names if any(letter.isdecimal() for letter in name)]
    if fps is None or len(numbers) < len(names) or all(later - one == 1 for one, later in pairwise(numbers)):
        return
    one, other = next(pair for pair, (a, b) in zip(pairwise(names), pairwise(numbers), strict=True) if b - a != 1)
    warnings.warn(
        f"{path}: its images are taken to follow one another as they are listed, {fps:g} a second, but {other} comes "
        f"after {one}",
        UserWarning,
        stacklevel=2,
    )


def _by_number(entries: Sequence[Any], path: Path) -> list[int]:
    return places([last_number(Path(str(entry["image_id"])).stem) for entry in entries], path)


def _one_size(images: Sequence[Mapping[str, Any]], path: Path) -> tuple[int, int] | None:
    sizes = {(int(image["width"]), int(image["height"])) for image in images if "width" in image and "height" in image}
    if len(sizes) > 1:
        raise InputError(f"{path}: images of {len(sizes)} sizes; one clip has one size, split the file by size")
    return sizes.pop() if sizes else None
