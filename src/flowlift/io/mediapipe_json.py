"""MediaPipe pose landmarks, dumped as JSON: 33 landmarks a person, normalised to the image."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io.hints import Hints
from flowlift.io.json_file import parse, parse_or_none
from flowlift.skeletons import MEDIAPIPE33

JOINTS = len(MEDIAPIPE33)
_KEYS = ("pose_landmarks", "poseLandmarks", "landmarks")


def matches(path: Path) -> bool:
    """Frames of landmarks with x and y, as a list or under `frames`."""
    return any(_landmark(frame) for frame in _frames(parse_or_none(path)))


def read(path: Path, hints: Hints) -> Keypoints2D:
    """A list of frames, or {"frames": [...], "image_size": [w, h], "fps": ...}; a frame is a list of landmarks (or of
    people's lists), or holds it as `pose_landmarks`; an empty one is a frame without anybody.

    Raises InputError for another number of landmarks, or where the image size is neither in the file nor given.
    """
    content = parse(path)
    about = content if isinstance(content, dict) else {}
    size = hints.image_size or about.get("image_size")
    if size is None:
        raise InputError(f"{path}: MediaPipe's landmarks are fractions of the image; give its size: --image-size W H")
    try:
        frames = [[_person(person) for person in _people(frame)] for frame in _frames(content)]
        width, height = (int(side) for side in size)
        fps = hints.fps or (float(about["fps"]) if about.get("fps") else None)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged landmarks: {error}") from error
    values = np.full((len(frames), max(1, *(len(people) for people in frames)), JOINTS, 3), np.nan)
    for frame, people in enumerate(frames):
        for index, person in enumerate(people):
            values[frame, index] = person
    return Keypoints2D(values[..., :2] * [width, height], values[..., 2], MEDIAPIPE33, (width, height), fps, path.name)


def _frames(content: Any) -> list[Any]:
    frames = content.get("frames") if isinstance(content, dict) else content
    return frames if isinstance(frames, list) else []


def _people(frame: Any) -> list[Any]:
    if isinstance(frame, dict):
        frame = next((frame[key] for key in _KEYS if key in frame), None)
    if not frame:
        return []
    return list(frame) if isinstance(frame[0], list) else [frame]


def _landmark(frame: Any) -> bool:
    try:
        people = _people(frame)
    except (TypeError, KeyError, IndexError):
        return False
    return bool(people) and isinstance(people[0], list) and isinstance(people[0][0], dict) and "x" in people[0][0]


def _person(landmarks: list[Any]) -> Float64[np.ndarray, "33 3"]:
    if len(landmarks) != JOINTS:
        raise ValueError(f"{len(landmarks)} landmarks, expected {JOINTS}")
    return np.array([[p["x"], p["y"], p.get("visibility", np.nan)] for p in landmarks], dtype=np.float64)
