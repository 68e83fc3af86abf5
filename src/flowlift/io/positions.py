"""Where joints are, as files want it: one origin and one pair of axes for every format that does not keep ours."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Float64

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError, OutputError
from flowlift.ground import on_ground, upright

TO_Y_UP = np.array([1.0, -1.0, -1.0])
"""Camera frame (x right, y down, z forward) to x right, y up, z backward: a half turn about x, its own inverse."""

DEFAULT_RATE = 30.0
"""Frames per second where nothing tells them and a format must."""


_SAME_RATE = 1e-3
"""Times are rounded in files: a rate that differs by less is the one that is told."""


def needs_poses(obj: Keypoints2D | Poses3D, path: Path, what: str) -> Poses3D:
    """The poses. Raises OutputError for 2D keypoints, which `what` (a format's name) cannot hold."""
    if not isinstance(obj, Poses3D):
        raise OutputError(f"{path}: {what} holds 3D positions; 2D keypoints go to .npz, .json or .csv")
    return obj


def needs_people(obj: Keypoints2D | Poses3D, path: Path, what: str) -> Poses3D:
    """`needs_poses` for a format that holds nothing without frames and people. Raises OutputError."""
    poses = needs_poses(obj, path, what)
    if not len(poses) or not poses.people:
        raise OutputError(f"{path}: there are no frames or no people; {what} needs both")
    return poses


def not_2d(path: Path, what: str) -> InputError:
    """The error for 3D in a file of a format that is read in 2D alone; `what`: what the format calls it."""
    return InputError(
        f"{path}: it holds 3D {what} (x, y, z), which are not read from this format; lift the 2D file, or give 3D "
        "poses as npz, JSON, TRC or C3D"
    )


def camera_frame(poses: Poses3D) -> Float32[np.ndarray, "frame person joint 3"]:
    """Metres from the camera, x right, y down, z forward; from the root joint where the root is unknown."""
    return poses.xyz if poses.root is None else poses.absolute


def y_up(poses: Poses3D) -> Float64[np.ndarray, "frame person joint 3"]:
    """`camera_frame`, with x right, y up, z backward: a person who faces the camera faces z, their left is x.

    Poses that were put on the ground (`--ground`) are in its world instead, turned so that y is up.
    """
    place = camera_frame(poses).astype(np.float64)
    world = upright(poses.camera) if poses.camera is not None and poses.root is not None and on_ground(poses) else None
    return place * TO_Y_UP if world is None else place @ world[0].T + world[1]


def about_root(
    place: Float[np.ndarray, "*batch joint 3"], root: int
) -> tuple[Float[np.ndarray, "*batch joint 3"], Float[np.ndarray, "*batch 3"]]:
    """Positions relative to the root joint, and where that is; in frames in which it is not known, to the mean of the
    joints that are: their places are known all the same."""
    known = np.isfinite(place[..., :1])
    count = known.sum(axis=-2).astype(place.dtype)
    middle = np.where(known, place, 0).sum(axis=-2) / np.where(count > 0, count, np.nan)
    origin = np.where(known[..., root, :], place[..., root, :], middle)
    return place - origin[..., None, :], origin


def frame_rate(poses: Poses3D) -> float:
    """Frames per second: the mean of their times where they have their own, else what the poses say, else 30."""
    if poses.times is not None and len(poses) > 1:
        mean = float((len(poses) - 1) / (poses.times[-1] - poses.times[0]))
        return poses.fps if poses.fps is not None and abs(mean / poses.fps - 1) < _SAME_RATE else mean
    return DEFAULT_RATE if poses.fps is None else poses.fps


def seconds(poses: Poses3D) -> Float64[np.ndarray, " frame"]:
    """Each frame's time: its own, else its number over `frame_rate`."""
    return poses.times if poses.times is not None else np.arange(len(poses)) / frame_rate(poses)
