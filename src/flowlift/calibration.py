"""Camera calibration files: Pose2Sim, Sports2D and anipose TOML, OpenCV YAML, and our own JSON."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from jaxtyping import Float64

from flowlift.errors import InputError


class CameraValues(TypedDict):
    """Arguments of `Camera.from_matrix`."""

    matrix: object
    image_size: tuple[int, int]
    distortion: object
    rotation: object
    translation: object


def read_camera(path: Path, name: str | None = None) -> CameraValues:
    """One camera of a calibration file, by name where there are several. Rotations are world to camera.

    Raises InputError when the file cannot be read, or the name is missing or unknown; the message lists the names.
    """
    cameras = _read_cameras(path)
    if name is None and len(cameras) == 1:
        return next(iter(cameras.values()))
    known = ", ".join(cameras)
    if name is None:
        raise InputError(f"{path}: it holds {len(cameras)} cameras; say which: {path}::NAME with NAME one of {known}")
    found = _match(cameras, name)
    if found is None:
        raise InputError(f"{path}: it holds no camera {name!r}, only {known}")
    return cameras[found]


def match_camera(path: Path, stem: str) -> str | None:
    """The name of the camera that a video called `stem` fits (cam01 ~ cam_01), or None. Raises InputError."""
    return _match(_read_cameras(path), stem)


def rodrigues(vector: object) -> Float64[np.ndarray, "3 3"]:
    """The rotation matrix of a rotation vector (3,): its direction is the axis, its length the angle in radians."""
    v = np.asarray(vector, dtype=np.float64).reshape(3)
    angle = float(np.linalg.norm(v))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = v / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _match(cameras: Mapping[str, CameraValues], name: str) -> str | None:
    def plain(text: str) -> str:
        return re.sub(r"[^a-z0-9]|(?<![0-9])0+(?=[0-9])", "", text.lower())

    if name in cameras:
        return name
    fitting = [known for known in cameras if plain(known) == plain(name)]
    return fitting[0] if len(fitting) == 1 else None


def _read_cameras(path: Path) -> dict[str, CameraValues]:
    try:
        text = path.read_text(encoding="utf-8")
        cameras = _parse(text)
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot read it as a camera calibration: {_reason(error)}") from error
    if not cameras:
        raise InputError(f"{path}: it describes no camera; expected Pose2Sim or anipose TOML, OpenCV YAML, or JSON")
    return cameras


def _reason(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]


def _parse(text: str) -> dict[str, CameraValues]:
    if text.lstrip().startswith("{"):
        return {"camera": _values(json.loads(text))}
    if "!!opencv-matrix" in text or text.lstrip().startswith("%YAML"):
        return {"camera": _opencv(text)}
    tables = {key: table for key, table in tomllib.loads(text).items() if isinstance(table, dict) and "matrix" in table}
    return {str(table.get("name", key)): _values(table) for key, table in tables.items()}


def _values(table: Mapping[str, Any]) -> CameraValues:
    size = table["image_size"] if "image_size" in table else table["size"]
    rotation, translation = table.get("rotation"), table.get("translation")
    if rotation is not None and np.size(rotation) == 3:
        rotation = rodrigues(rotation)
    return {
        "matrix": table["matrix"],
        "image_size": (round(float(size[0])), round(float(size[1]))),
        "distortion": table.get("distortion", table.get("distortions")),
        "rotation": rotation,
        "translation": None if translation is None else np.asarray(translation, dtype=np.float64).ravel(),
    }


def _opencv(text: str) -> CameraValues:
    """OpenCV's FileStorage YAML, as its calibration example writes it; its matrices are a dialect of their own."""
    matrices = {
        name: np.array(data.replace(",", " ").split(), dtype=np.float64).reshape(int(rows), int(columns))
        for name, rows, columns, data in re.findall(
            r"^(\w+):\s*!!opencv-matrix\s+rows:\s*(\d+)\s+cols:\s*(\d+)\s+dt:\s*\w+\s+data:\s*\[([^\]]*)\]", text, re.M
        )
    }
    numbers = dict(re.findall(r"^(\w+):\s*(\d+)\s*$", text, re.M))
    matrix = next((matrices[key] for key in ("camera_matrix", "Camera_Matrix", "K", "M1") if key in matrices), None)
    if matrix is None:
        raise KeyError("camera_matrix")
    distortion = next(
        (matrices[key] for key in ("distortion_coefficients", "Distortion_Coefficients", "D") if key in matrices), None
    )
    size = (int(numbers["image_width"]), int(numbers["image_height"]))
    return _values({"matrix": matrix, "image_size": size, "distortion": distortion})
