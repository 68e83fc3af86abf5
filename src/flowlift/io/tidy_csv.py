"""Tidy CSV: a row for each joint of each person in each frame."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.io.atomic import written_whole
from flowlift.io.positions import camera_frame

INDEX = ("frame", "time", "person", "joint")
_POSES = ("x", "y", "z", "sd_x", "sd_y", "sd_z")
_KEYPOINTS = ("x", "y", "score")


def columns(obj: Keypoints2D | Poses3D) -> tuple[tuple[str, ...], Float32[np.ndarray, "frame person joint column"]]:
    """Names and values of what tidy tables hold beside frame, time, person and joint.

    Poses: metres (or `Poses3D.unit`) in the camera frame (x right, y down, z forward), from the camera where the root
    is known, else from the root joint; sd: standard deviations of the root-relative position; bridged, where some are:
    1 for joints that were carried over a gap, else 0. Keypoints: px.
    """
    if isinstance(obj, Poses3D):
        values = np.concatenate([camera_frame(obj), obj.std], axis=-1)
        if obj.bridged is None:
            return _POSES, values
        return (*_POSES, "bridged"), np.concatenate([values, obj.bridged[..., None].astype(np.float32)], axis=-1)
    return _KEYPOINTS, np.concatenate([obj.xy, obj.score[..., None]], axis=-1)


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """`columns`, with frame, time (s), person and joint before them. Missing: empty; so is the time where nothing
    tells it. Raises OutputError."""
    names, values = columns(obj)
    usual = 6 if isinstance(obj, Poses3D) else 3
    digits = [0 if name == "bridged" else usual for name in names]
    with written_whole(path) as beside, beside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*INDEX, *names])
        writer.writerows(_rows(obj, values, digits))


def _rows(
    obj: Keypoints2D | Poses3D, values: Float32[np.ndarray, "frame person joint column"], digits: Sequence[int]
) -> Iterator[list[object]]:
    times = obj.frame_times if obj.timed else None
    for frame, people in enumerate(values):
        time = "" if times is None else f"{times[frame]:.6f}"
        for person, rows in enumerate(people):
            for joint, row in zip(obj.skeleton.joints, rows.tolist(), strict=True):
                yield [frame, time, person, joint, *_cells(row, digits)]


def _cells(row: Sequence[float], digits: Sequence[int]) -> Iterator[str]:
    return ("" if value != value else f"{value:.{places}f}" for value, places in zip(row, digits, strict=True))


def is_one(path: Path) -> bool:
    """Whether a file is such a table: by its first line."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        return stream.readline(1000).startswith(",".join(INDEX) + ",")
