"""OpenPose's JSON: one file a frame, people in no fixed order, zeros for what is missing."""

import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D
from flowlift.conversion import check_geometry
from flowlift.errors import InputError
from flowlift.io.extent import image_size_or_guess
from flowlift.io.hints import Hints
from flowlift.io.json_file import parse_or_none
from flowlift.io.numbering import last_number, places
from flowlift.io.room import room_for
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BODY25, BODY25B, COCO18, HALPE26


def matches(path: Path) -> bool:
    """A frame's file, or a folder that begins with some, or holds JSON and no images."""
    return bool(frames_in(path)) or (path.is_dir() and {file.suffix.lower() for file in path.iterdir()} == {".json"})


def frames_in(path: Path) -> list[Path]:
    """The files of a folder that begins with frames, or a frame's file itself; none of anything else."""
    files = _frames(path)
    return files if any(_is_frame(parse_or_none(file)) for file in files[:3]) else []


def read(path: Path, hints: Hints) -> Keypoints2D:
    """Every frame of a folder (gaps in the numbering are empty frames), or one frame. Raises InputError."""
    files = _frames(path)
    numbers = [_number(file) for file in files]
    if len(set(numbers)) < len(files):
        twice = next(number for number, count in Counter(numbers).items() if count > 1)
        one, other = [file.name for file, number in zip(files, numbers, strict=True) if number == twice][:2]
        raise InputError(
            f"{path}: {one} and {other} have the same frame number; give a folder of nothing but one camera's frames"
        )
    at = places(numbers, path)
    frames: list[list[Float64[np.ndarray, "joint 3"]]] = [[] for _ in range(at[-1] + 1)]
    for file, place in zip(files, at, strict=True):
        frames[place] = _people(file)
    counts = {len(person) for people in frames for person in people}
    if len(counts) > 1:
        raise InputError(f"{path}: people have {' and '.join(map(str, sorted(counts)))} joints; expected one number")
    if not counts:
        raise InputError(f"{path}: nobody was found in any of its {len(frames)} frames")
    values = _stack(frames, counts.pop())
    seen = (values[..., 2] > 0) & (values[..., :2] != 0).any(axis=-1)
    xy = np.where(seen[..., None], values[..., :2], np.nan)
    skeleton = _skeleton_by_length(values.shape[2], path, hints)
    size = image_size_or_guess(xy, hints.image_size, hints.camera_size, str(path))
    score = np.where(np.isfinite(xy[..., 0]), values[..., 2].clip(0, 1), np.nan)
    made = Keypoints2D(xy, score, skeleton, size, hints.fps, path.name)
    return made if hints.skeleton else _settle(made, path)


def _frames(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = [file for file in path.iterdir() if file.suffix.lower() == ".json" and not file.name.startswith(".")]
    return sorted(files, key=lambda file: (_number(file), file.name))


def _number(file: Path) -> int:
    return last_number(file.stem)


def _is_frame(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("people"), list)


def _people(file: Path) -> list[Float64[np.ndarray, "joint 3"]]:
    content = parse_or_none(file)
    if not _is_frame(content):
        raise InputError(f'{file}: not a frame of OpenPose: expected JSON with a list "people"')
    people = []
    for person in content["people"]:
        try:
            flat = np.array(person["pose_keypoints_2d" if "pose_keypoints_2d" in person else "pose_keypoints"], float)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f'{file}: a person without a list of numbers "pose_keypoints_2d"') from error
        if not flat.size:  # a face or a hand without a body
            continue
        if flat.ndim != 1 or len(flat) % 3:
            raise InputError(f"{file}: a person has {flat.size} numbers; expected x, y, confidence for each joint")
        people.append(flat.reshape(-1, 3))
    return people


def _stack(
    frames: list[list[Float64[np.ndarray, "joint 3"]]], joints: int
) -> Float64[np.ndarray, "frame person joint 3"]:
    values = np.nan_to_num(room_for(len(frames), max(len(people) for people in frames), joints, 3))
    for frame, people in enumerate(frames):
        for index, person in enumerate(people):
            values[frame, index] = person
    return values


def _skeleton_by_length(joints: int, path: Path, hints: Hints) -> Skeleton:
    if hints.skeleton is not None:
        if len(hints.skeleton) != joints:
            raise InputError(
                f"{path}: {joints} joints a person, but {hints.skeleton.name!r} has {len(hints.skeleton)}; "
                f"choose another --skeleton"
            )
        return hints.skeleton
    known = {len(COCO18): COCO18, len(BODY25): BODY25, len(HALPE26): HALPE26}
    if joints not in known:
        raise InputError(
            f"{path}: {joints} joints a person; expected 18 (COCO), 25 (BODY_25 or BODY_25B) or 26 (Halpe)"
        )
    return known[joints]


def _settle(keypoints: Keypoints2D, path: Path) -> Keypoints2D:
    """BODY_25 and BODY_25B both have 25 joints: the geometry tells which, and a warning says so."""
    if keypoints.skeleton != BODY25:
        return keypoints
    chosen = replace(keypoints, skeleton=BODY25B) if check_geometry(keypoints) else keypoints
    warnings.warn(
        f"{path}: 25 joints are BODY_25 or BODY_25B; by their geometry they are {chosen.skeleton.name}, "
        f"give --skeleton to say so",
        UserWarning,
        stacklevel=2,
    )
    return chosen
