"""MediaPipe pose landmarks, dumped as JSON: 33 landmarks a person, normalised to the image."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io.hints import Hints
from flowlift.io.json_file import parse, parse_or_none
from flowlift.io.room import room_for
from flowlift.skeletons import MEDIAPIPE33

JOINTS = len(MEDIAPIPE33)
_KEYS = ("pose_landmarks", "poseLandmarks", "landmarks")


def matches(path: Path) -> bool:
    """Frames of landmarks, as a list or under `frames`."""
    content = parse_or_none(path)
    if isinstance(content, dict):
        return isinstance(content.get("frames"), list) or any(key in content for key in _KEYS)
    if not isinstance(content, list):
        return False
    return any(_is_frame(frame) for frame in content)


def read(path: Path, hints: Hints) -> Keypoints2D:
    """A list of frames, or {"frames": [...], "image_size": [w, h], "fps": ...}; a frame is a list of landmarks (or of
    people's lists), or holds it as `pose_landmarks`; an empty one is a frame without anybody. A landmark is
    {"x", "y", "visibility"} or [x, y, z, visibility]; one frame may stand alone.

    Raises InputError for another number of landmarks, or where the image size is neither in the file nor given.
    """
    content = parse(path)
    about = content if isinstance(content, dict) else {}
    width, height = hints.image_size or _size(about.get("image_size") or hints.camera_size, path)
    frames = [[_person(person, path) for person in _people(frame, path)] for frame in _frames(content)]
    if not frames:
        raise InputError(f"{path}: it holds no frames")
    values = room_for(len(frames), max(1, max(map(len, frames))), JOINTS, 3)
    for frame, people in enumerate(frames):
        for index, person in enumerate(people):
            values[frame, index] = person
    xy, score = values[..., :2] * [width, height], values[..., 2].clip(0, 1)
    return Keypoints2D(xy, score, MEDIAPIPE33, (width, height), hints.fps or _fps(about.get("fps"), path), path.name)


def _size(given: Any, path: Path) -> tuple[int, int]:
    if given is None:
        raise InputError(f"{path}: landmarks are fractions of the image, whose size is missing; give --image-size")
    try:
        width, height = (int(side) for side in given)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: image_size must be [width, height] in pixels, got {given!r}") from error
    return width, height


def _fps(given: Any, path: Path) -> float | None:
    if given is None:
        return None
    if not isinstance(given, int | float):
        raise InputError(f"{path}: fps must be a number, got {given!r}")
    return float(given)


def _frames(content: Any) -> list[Any]:
    if isinstance(content, dict):
        return list(content["frames"]) if "frames" in content else [content]
    alone = bool(content) and isinstance(content[0], dict) and "x" in content[0]
    return [content] if alone else list(content)


def _is_frame(frame: Any) -> bool:
    if isinstance(frame, dict):
        return "x" in frame or any(key in frame for key in _KEYS)
    return isinstance(frame, list)


def _people(frame: Any, path: Path) -> list[Any]:
    """The people of a frame, each a list of landmarks."""
    if isinstance(frame, dict):
        frame = next((frame[key] for key in _KEYS if key in frame), None)
    if frame is None or frame == []:
        return []
    if not isinstance(frame, list):
        raise InputError(f"{path}: a frame is neither a list of landmarks nor holds one as pose_landmarks")
    several = isinstance(frame[0], list) and not (frame[0] and isinstance(frame[0][0], int | float))
    return [person for person in frame if person] if several else [frame]


def _person(landmarks: Any, path: Path) -> Float64[np.ndarray, "33 3"]:
    if not isinstance(landmarks, list) or len(landmarks) != JOINTS:
        count = len(landmarks) if isinstance(landmarks, list) else 0
        raise InputError(f"{path}: {count} landmarks for a person; MediaPipe's pose has {JOINTS}")
    try:
        return np.array([_landmark(landmark) for landmark in landmarks], dtype=np.float64)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{path}: a landmark without numbers x and y: {error}") from error


def _landmark(given: Any) -> tuple[Any, Any, Any]:
    if isinstance(given, Mapping):
        return given["x"], given["y"], given.get("visibility", np.nan)
    return given[0], given[1], given[3] if len(given) > 3 else np.nan
