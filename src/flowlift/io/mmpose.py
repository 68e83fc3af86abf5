"""MMPose's predictions: JSON of frames, each with its instances."""

from collections.abc import Mapping
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
from flowlift.io.naming import joint_name, skeleton_of
from flowlift.io.numbering import places
from flowlift.io.positions import not_2d
from flowlift.io.tracks import Sighting, stacked, told_apart
from flowlift.skeleton import Skeleton


def matches(path: Path) -> bool:
    """Frames with `instances`, under `instance_info` or alone; or one image's instances."""
    content = parse_or_none(path)
    if isinstance(content, dict):
        return isinstance(content.get("instance_info"), list)
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and ("instances" in first or "keypoint_scores" in first)


def keeps_people_apart(path: Path) -> bool:
    """Whether everybody has a `track_id` of their own."""
    frames = enumerate(_frames(parse(path)))
    return told_apart((number, _identity(each)) for number, frame in frames for each in frame["instances"])


def read(path: Path, hints: Hints) -> Keypoints2D:
    """Frames by `frame_id`, gaps are empty frames; `track_id` is who it is. Joints by the names in `meta_info`, else by
    their number. Raises InputError for 3D predictions, nobody in any frame, or what is no prediction."""
    content = parse(path)
    about = content.get("meta_info", {}) if isinstance(content, dict) else {}
    frames = _frames(content)
    if not all(isinstance(frame, Mapping) and isinstance(frame.get("instances"), list) for frame in frames):
        raise InputError(f"{path}: damaged: expected frames, each with its instances")
    numbers = [_number(frame, index, path) for index, frame in enumerate(frames)]
    at = places(numbers, path) if numbers else []
    sightings = [
        Sighting(place, _identity(instance), _person(instance, number, path))
        for place, number, frame in zip(at, numbers, frames, strict=True)
        for instance in frame["instances"]
    ]
    if not sightings:
        raise InputError(f"{path}: nobody was found in any of its {len(frames)} frames")
    counts = {len(each.values) for each in sightings}
    if len(counts) > 1:
        raise InputError(f"{path}: people have {' and '.join(map(str, sorted(counts)))} joints; expected one number")
    skeleton, order = _skeleton(about, counts.pop(), hints, path)
    values = stacked(sightings, max(at) + 1)[:, :, order]
    size = image_size_or_guess(values[..., :2], hints.image_size, hints.camera_size, str(path))
    return Keypoints2D(values[..., :2], values[..., 2].clip(0, 1), skeleton, size, hints.fps, path.name)


def _frames(content: Any) -> Any:
    frames = content["instance_info"] if isinstance(content, dict) else content
    if frames and isinstance(frames[0], dict) and "instances" not in frames[0]:
        return [{"frame_id": 0, "instances": frames}]  # one image's
    return frames


def _number(frame: Mapping[str, Any], index: int, path: Path) -> int:
    number = frame.get("frame_id", index)
    if not isinstance(number, int):
        raise InputError(f"{path}: damaged: frame_id must be a number, got {number!r}")
    return number


def _identity(instance: Any) -> int | str | None:
    given = instance.get("track_id") if isinstance(instance, Mapping) else None
    return given if isinstance(given, int | str) and given != -1 else None


def _person(instance: Any, number: int, path: Path) -> Float64[np.ndarray, "joint 3"]:
    try:
        xy = np.array(instance["keypoints"], dtype=np.float64)
        scores = np.array(instance["keypoint_scores"], dtype=np.float64).ravel()
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: damaged: an instance of frame {number} lacks numbers in keypoints or keypoint_scores"
        ) from error
    if xy.ndim == 2 and xy.shape[1] == 3:
        raise not_2d(path, "predictions")
    if xy.ndim != 2 or xy.shape[1] != 2 or len(scores) != len(xy):
        raise InputError(f"{path}: damaged: frame {number} has keypoints {xy.shape} and {len(scores)} scores")
    absent = (scores <= 0) & (xy == 0).all(axis=1)
    return np.where(absent[:, None], np.nan, np.concatenate([xy, scores[:, None]], axis=1))


def _skeleton(about: Any, joints: int, hints: Hints, path: Path) -> tuple[Skeleton, list[int]]:
    """The skeleton, and each of its joints' place among the keypoints."""
    named = about.get("keypoint_id2name") if isinstance(about, Mapping) else None
    if not isinstance(named, Mapping) or len(named) != joints:
        skeleton = body_of(joints, hints.skeleton, path)
        return skeleton, list(range(len(skeleton)))
    names = [joint_name(str(named[key])) for key in sorted(named, key=int)]
    links = about.get("skeleton_links") or []
    edges = [(names[int(one)], names[int(other)]) for one, other in links]
    dataset = about.get("dataset_name")
    skeleton = skeleton_of(names, hints.skeleton, dataset if isinstance(dataset, str) else "mmpose", edges)
    return skeleton, [names.index(joint) for joint in skeleton.joints]
