"""C3D, the file of motion capture laboratories, written through ezc3d: millimetres, y up."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.detect.optional import import_optional
from flowlift.errors import OutputError
from flowlift.io.atomic import unwritable, written_whole
from flowlift.io.marker_names import marker_names
from flowlift.io.positions import frame_rate, needs_people, seconds, y_up
from flowlift.temporary import check_written

_MILLIMETRES = 1000.0
_STEP, _FINE_STEP = 1.0, 0.001
"""Of residuals, which are whole steps: in millimetres, and in units that are longer."""
_MISSING = -1.0
"""The residual of a point that was not seen."""
_MOST_STEPS = 255.0
"""A residual is one byte."""
_A_LIST = 255
"""So many labels stand in POINT:LABELS; the next in LABELS2, and so on."""
_LONGEST_LABEL = 127
"""Bytes: a length is one byte, and a list of that many such labels has to be skipped with two."""
_MOST_FRAMES = 65_535
_MOST_TOLD = 2**32
"""Frames that the header counts to, and the parameters of long captures."""
_INTEGER = 2
"""The type of a parameter that holds whole numbers."""
_BYTES_A_POINT = 16


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """Points from the camera (from the root where it is unknown), x right, y up, z backward, which X_SCREEN and
    Y_SCREEN say too. A point's residual is its standard deviation (of one axis, mean over the three) in whole
    millimetres, at most 255, and -1 where it is missing. Several people: `person0:LKnee`. Frames are evenly spaced,
    numbered by the time of the first: uneven times are lost. Poses that are not in metres keep their unit, and say so.

    Raises OutputError for 2D keypoints or an unwritable place, MissingExtraError without ezc3d.
    """
    poses = needs_people(obj, path, "C3D")
    ezc3d = import_optional("ezc3d", "writing C3D", "c3d")
    if len(poses) > _MOST_FRAMES:
        raise OutputError(f"{path}: C3D counts {_MOST_FRAMES} frames at most, not {len(poses)}; write it in parts")
    scale = _MILLIMETRES if poses.unit == "m" else 1.0
    place = (y_up(poses) * scale).reshape(len(poses), -1, 3)
    variance = np.diagonal(poses.cov, axis1=-2, axis2=-1).astype(np.float64).mean(axis=-1)
    spread = np.sqrt(variance).reshape(len(poses), -1) * scale
    missing = np.isnan(place).any(axis=-1)
    file = ezc3d.c3d()
    point, rate = file["parameters"]["POINT"], frame_rate(poses)
    point["RATE"]["value"] = [rate]
    first = round(float(seconds(poses)[0]) * rate)  # the file's frames count from 1, ezc3d's from 0
    if 0 <= first < _MOST_FRAMES - len(poses):
        file["header"]["points"]["first_frame"] = first
    elif 0 < first < _MOST_TOLD - len(poses):
        _tell_frames(file, first + 1, first + len(poses))
    point["UNITS"]["value"] = ["mm" if poses.unit == "m" else poses.unit]
    step = _STEP if poses.unit == "m" else _FINE_STEP
    point["SCALE"]["value"] = [-step]  # negative: points are real numbers, and this is for the residuals alone
    labels = _labels(poses)
    longest = max(labels, key=_bytes_of)
    if _bytes_of(longest) > _LONGEST_LABEL:
        raise OutputError(
            f"{path}: C3D names points in {_LONGEST_LABEL} bytes at most, and {longest[:30]!r}... takes "
            f"{_bytes_of(longest)}; give the joint a shorter name"
        )
    point["LABELS"]["value"] = labels[:_A_LIST]
    for part in range(1, -(-len(labels) // _A_LIST)):
        file.add_parameter("POINT", f"LABELS{part + 1}", labels[part * _A_LIST : (part + 1) * _A_LIST])
    for name, axis in (("X_SCREEN", "+X"), ("Y_SCREEN", "+Y")):
        file.add_parameter("POINT", name, [axis])
    file["data"]["points"] = np.concatenate([place, np.ones_like(place[..., :1])], axis=-1).transpose(2, 1, 0)
    steps = np.nan_to_num(spread / step).round().clip(0, _MOST_STEPS) + 0.25  # ezc3d rounds down
    residuals = np.where(missing, _MISSING, steps * step)
    file["data"]["meta_points"]["residuals"] = residuals.T[None]
    with unwritable(path):
        content = _bytes(file, missing.size * _BYTES_A_POINT)
    with written_whole(path) as beside:
        beside.write_bytes(content)


def _bytes(file: Any, least: int) -> bytes:
    """The file's content, by way of a file of our own: ezc3d says nothing where it cannot write, or the disk is full,
    and wants its own suffix. Raises OSError where fewer than `least` bytes arrived."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "points.c3d"
        file.write(str(place))
        content = place.read_bytes()
    check_written(len(content), least)
    return content


def _tell_frames(file: Any, first: int, last: int) -> None:
    """The numbers of the first and the last frame where the header cannot: two words each, the lower one first."""
    for name, frame in (("ACTUAL_START_FIELD", first), ("ACTUAL_END_FIELD", last)):
        words = np.array([frame % 2**16, frame // 2**16], np.uint16).view(np.int16)
        file.add_parameter("TRIAL", name, words.tolist())
        told = file["parameters"]["TRIAL"][name]
        told["type"], told["value"] = _INTEGER, words  # ezc3d makes floats of lists


def _bytes_of(label: str) -> int:
    return len(label.encode())


def _labels(poses: Poses3D) -> list[str]:
    names = marker_names(poses.skeleton.joints)
    if poses.people == 1:
        return list(names)
    return [f"person{person}:{name}" for person in range(poses.people) for name in names]
