"""Camera calibration files: Pose2Sim, Sports2D and anipose TOML, OpenCV's YAML, XML and JSON, and our own JSON."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import numpy as np
from jaxtyping import Float64

from flowlift.camera import Camera
from flowlift.errors import InputError
from flowlift.units import METRES

Table = Mapping[str, Any]

_FRAMES = "_json"
"""What Pose2Sim puts after a camera's name for the folder of its frames."""
_BROKEN = (OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError)
"""What reading a damaged file can raise."""

# OpenCV's matrices, as FileStorage writes them; neither its YAML nor its XML needs more of those languages than this.
_YAML_MATRIX = r"^(\w+):\s*!!opencv-matrix\s+rows:\s*(\d+)\s+cols:\s*(\d+)\s+dt:\s*\S+\s+data:\s*\[([^\]]*)\]"
_YAML_NUMBER = r"^(\w+):\s*(\d+)\s*$"
_XML_MATRIX = (
    r'<(\w+)\s+type_id="opencv-matrix">\s*<rows>\s*(\d+)\s*</rows>\s*<cols>\s*(\d+)\s*</cols>\s*'
    r"<dt>[^<]*</dt>\s*<data>([^<]*)</data>"
)
_XML_NUMBER = r"<(\w+)>\s*(\d+)\s*</\1>"


class CameraValues(TypedDict):
    """Arguments of `Camera.from_matrix`."""

    matrix: object
    image_size: tuple[int, int]
    distortion: object
    rotation: object
    translation: object


class _Entry(NamedTuple):
    names: set[str]
    table: Table


def read_camera(path: Path, name: str | None = None, unit: str = "m") -> CameraValues:
    """One camera of a calibration file, by name where there are several. Rotations are world to camera.

    `unit`: of the file's translations, which no format tells: Pose2Sim writes m, anipose what its board was measured in
    (mm mostly). Raises InputError for an unknown unit, and when the file cannot be read, describes what cannot be a
    camera, or has none of that name; the message lists them.
    """
    if unit not in METRES:
        raise InputError(f"the unit of a calibration must be one of {', '.join(METRES)}, got {unit!r}")
    cameras = _read_cameras(path)
    known = ", ".join(cameras)
    if name is None and len(cameras) > 1:
        raise InputError(f"{path}: it holds {len(cameras)} cameras; say which: {path}::NAME with NAME one of {known}")
    found = next(iter(cameras)) if name is None else _match(cameras, name)
    if found is None:
        raise InputError(f"{path}: it holds no camera {name!r}, only {known}")
    try:
        values = _values(cameras[found].table, METRES[unit])
        Camera.from_matrix(**values)
    except (InputError, *_BROKEN) as error:
        raise InputError(f"{path}: cannot read camera {found!r} from it: {_reason(error)}") from error
    return values


def camera_names(path: Path) -> tuple[str, ...]:
    """The names of a calibration file's cameras. Raises InputError."""
    return tuple(_read_cameras(path))


def match_camera(path: Path, stem: str) -> str | None:
    """The name of the camera that a video called `stem` fits (cam01 ~ cam_01), or Pose2Sim's folder of its frames
    (cam01_json); or None. Raises InputError."""
    cameras = _read_cameras(path)
    return _match(cameras, stem) or _match(cameras, stem.removesuffix(_FRAMES))


def rodrigues(vector: object) -> Float64[np.ndarray, "3 3"]:
    """The rotation matrix of a rotation vector (3,): its direction is the axis, its length the angle in radians."""
    v = np.asarray(vector, dtype=np.float64).reshape(3)
    angle = float(np.linalg.norm(v))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = v / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _match(cameras: Mapping[str, _Entry], name: str) -> str | None:
    """The one camera of that name or, failing that, the one whose name has the same words and numbers."""
    for alike in (str, _words):
        fitting = [label for label, entry in cameras.items() if alike(name) in map(alike, (label, *entry.names))]
        if fitting and alike(name):
            return fitting[0] if len(fitting) == 1 else None
    return None


def _words(name: str) -> tuple[str, ...]:
    """Its words in lower case, and its numbers without leading zeros: Cam-01 and cam_1 are the same."""
    return tuple(word.lstrip("0") or word for word in re.findall(r"[^\W\d_]+|\d+", name.lower()))


def _read_cameras(path: Path) -> dict[str, _Entry]:
    """Every camera under its `name`, or its section's where two have the same. Sections are names, too, unless they
    count the file's cameras from 0, as anipose's do: its second, cam_1, may well be the camera called 2."""
    try:
        tables = dict(_tables(path.read_text(encoding="utf-8-sig")))
        names = [str(table.get("name", section)) for section, table in tables.items()]
        labels = names if len(set(names)) == len(names) else list(tables)
        counted = [_words(section) == ("cam", str(place)) for place, section in enumerate(tables)]
        cameras = {
            label: _Entry({name} if all(counted) else {section, name}, table)
            for label, name, (section, table) in zip(labels, names, tables.items(), strict=True)
        }
    except _BROKEN as error:
        raise InputError(f"{path}: cannot read it as a camera calibration: {_reason(error)}") from error
    if not cameras:
        raise InputError(f"{path}: it describes no camera; expected TOML (Pose2Sim, anipose), OpenCV YAML, or JSON")
    return cameras


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    text = error.strerror if isinstance(error, OSError) else str(error)
    return text.splitlines()[0] if text else type(error).__name__


def _tables(text: str) -> Iterator[tuple[str, Table]]:
    """(section, table) of each camera that a file describes; what has no matrix is no camera."""
    start = text.lstrip()
    if start.startswith("%YAML") or "!!opencv-matrix" in text:
        yield "camera", _opencv(_matrices(text, _YAML_MATRIX, _YAML_NUMBER))
        return
    if "<opencv_storage>" in text:
        yield "camera", _opencv(_matrices(text, _XML_MATRIX, _XML_NUMBER))
        return
    document = json.loads(text) if start.startswith("{") else tomllib.loads(text)
    if any(isinstance(value, dict) and "type_id" in value for value in document.values()):
        document = _opencv({key: _json_matrix(value) for key, value in document.items()})
    if "matrix" in document:
        yield "camera", document
        return
    yield from ((key, table) for key, table in document.items() if isinstance(table, dict) and "matrix" in table)


def _values(table: Table, metres: float) -> CameraValues:
    if table.get("fisheye"):
        raise ValueError("fisheye lenses are not supported; undistort the video, and give the new camera's matrix")
    rotation, translation = table.get("rotation"), table.get("translation")
    if rotation is not None and np.size(rotation) == 3:
        rotation = rodrigues(rotation)
    return {
        "matrix": table["matrix"],
        "image_size": _image_size(table["size"] if "size" in table else table["image_size"]),
        "distortion": table.get("distortion", table.get("distortions")),
        "rotation": rotation,
        "translation": None if translation is None else metres * np.asarray(translation, dtype=np.float64).ravel(),
    }


def _image_size(value: object) -> tuple[int, int]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"image size must be [width, height] in pixels, got {value!r}")
    return round(float(value[0])), round(float(value[1]))


def _opencv(document: Table) -> Table:
    """Our names for what OpenCV's calibration programs call differently from version to version."""
    named = {key.lower(): value for key, value in document.items()}
    return {
        "matrix": named["camera_matrix" if "camera_matrix" in named or "k" not in named else "k"],
        "image_size": (named["image_width"], named["image_height"]),
        "distortion": named.get("distortion_coefficients", named.get("d")),
        "fisheye": named.get("fisheye_model"),
    }


def _matrices(text: str, matrix: str, number: str) -> Table:
    numbers = {name: int(value) for name, value in re.findall(number, text, re.M)}
    return numbers | {name: _array(*found) for name, *found in re.findall(matrix, text, re.M)}


def _array(rows: str, columns: str, data: str) -> Float64[np.ndarray, "rows columns"]:
    return np.array(data.replace(",", " ").split(), dtype=np.float64).reshape(int(rows), int(columns))


def _json_matrix(value: Any) -> Any:
    if not isinstance(value, dict) or "type_id" not in value:
        return value
    return np.array(value["data"], dtype=np.float64).reshape(value["rows"], value["cols"])
