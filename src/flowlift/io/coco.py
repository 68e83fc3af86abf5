"""COCO keypoints JSON: annotations with their images, or a plain list of results."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io.extent import image_size_or_guess
from flowlift.io.hints import Hints
from flowlift.io.json_file import parse, parse_or_none
from flowlift.io.numbering import last_number, places
from flowlift.skeletons import COCO17

JOINTS = len(COCO17)


def matches(path: Path) -> bool:
    """Annotations with keypoints, or a list of results with keypoints."""
    content = parse_or_none(path)
    if isinstance(content, dict):
        content = content.get("annotations")
    return isinstance(content, list) and bool(content) and isinstance(content[0], dict) and "keypoints" in content[0]


def read(path: Path, hints: Hints) -> Keypoints2D:
    """One frame for each image; its annotations are the people, in the file's order.

    Annotations: the file's order of images; v = 0 is missing, v > 0 counts as certain. Results: frames by the number
    in `image_id`, gaps are empty frames; the third number is the joint's confidence. Raises InputError for joints other
    than COCO's 17, or images of several sizes.
    """
    content = parse(path)
    annotated = isinstance(content, dict)
    entries = content["annotations"] if annotated else content
    images = content.get("images", []) if annotated else []
    if not all(isinstance(entry, Mapping) and "image_id" in entry for entry in entries):
        raise InputError(f"{path}: damaged: expected a list of persons, each with image_id and keypoints")
    people = [_person(entry, path) for entry in entries]
    at = _in_order_of_images(entries, images, path) if images else _by_number(entries, path)
    values = _stack(people, at, len(images) or max(at) + 1)
    xy = np.where(values[..., 2:] > 0, values[..., :2], np.nan)
    score = np.ones_like(values[..., 2]) if annotated else values[..., 2].clip(0, 1)
    size = image_size_or_guess(xy, hints.image_size or _one_size(images, path), str(path))
    return Keypoints2D(xy, np.where(np.isfinite(xy[..., 0]), score, np.nan), COCO17, size, hints.fps, path.name)


def _person(entry: Mapping[str, Any], path: Path) -> Float64[np.ndarray, "17 3"]:
    try:
        flat = np.array(entry.get("keypoints"), dtype=np.float64).ravel()
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path}: damaged: the keypoints of a person in image {entry['image_id']!r} are no numbers"
        ) from error
    if flat.size != 3 * JOINTS:
        raise InputError(
            f"{path}: damaged: the keypoints of a person in image {entry['image_id']!r} are {flat.size} numbers; "
            f"expected {3 * JOINTS}: x, y, v of COCO's {JOINTS} joints"
        )
    return flat.reshape(JOINTS, 3)


def _in_order_of_images(entries: Sequence[Any], images: Sequence[Any], path: Path) -> list[int]:
    frame_of = {image["id"]: frame for frame, image in enumerate(images)}
    for entry in entries:
        if entry["image_id"] not in frame_of:
            raise InputError(
                f"{path}: damaged: a person stands in image {entry['image_id']!r}, which `images` does not list"
            )
    return [frame_of[entry["image_id"]] for entry in entries]


def _by_number(entries: Sequence[Any], path: Path) -> list[int]:
    return places([last_number(Path(str(entry["image_id"])).stem) for entry in entries], path)


def _stack(
    people: Sequence[Float64[np.ndarray, "17 3"]], at: Sequence[int], frames: int
) -> Float64[np.ndarray, "frame person 17 3"]:
    """People in their frames, in the order given; zeros where there is nobody."""
    counts = np.zeros(frames, dtype=np.int64)
    values = np.zeros((frames, int(np.bincount(at).max()), JOINTS, 3))
    for person, frame in zip(people, at, strict=True):
        values[frame, counts[frame]] = person
        counts[frame] += 1
    return values


def _one_size(images: Sequence[Mapping[str, Any]], path: Path) -> tuple[int, int] | None:
    sizes = {(int(image["width"]), int(image["height"])) for image in images if "width" in image and "height" in image}
    if len(sizes) > 1:
        raise InputError(f"{path}: images of {len(sizes)} sizes; one clip has one size, split the file by size")
    return sizes.pop() if sizes else None
