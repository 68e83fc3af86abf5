"""NWB's pose estimation (ndx-pose), whoever wrote it: through h5py, as sleap-io reads only what it wrote itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io.extent import image_size_or_guess
from flowlift.io.hdf5 import is_hdf5, opened
from flowlift.io.hints import Hints
from flowlift.io.naming import joint_name, skeleton_of
from flowlift.io.numbering import check_gaps
from flowlift.io.positions import not_2d
from flowlift.io.room import room_for

_JITTER = 0.1
"""Frames whose times are off an even beat by more of its period have their own times, and no gaps are told."""


def matches(path: Path) -> bool:
    """Any HDF5 file."""
    return is_hdf5(path)


def read(path: Path, hints: Hints) -> Keypoints2D:
    """Each PoseEstimation is a person, each of its series a joint; frames by the series' times, where gaps in an even
    beat are empty frames. A file with several groups of them (videos) needs `FILE::GROUP`.

    Raises InputError for a damaged file, 3D positions or none, MissingExtraError without h5py.
    """
    with opened(path, "damaged NWB", purpose="reading NWB", extra="sleap") as file:
        return _keypoints(_group(file, path, hints), path, hints)


def _group(file: Any, path: Path, hints: Hints) -> list[Any]:
    """The pose estimations of one group, by name."""
    groups: dict[str, list[Any]] = {}

    def visit(name: str, node: Any) -> None:
        if _kind(node) == "PoseEstimation":
            groups.setdefault(name.rpartition("/")[0].rpartition("/")[2], []).append(node)

    file.visititems(visit)
    if not groups:
        raise InputError(f"{path}: it holds no PoseEstimation (of ndx-pose)")
    if hints.clip is None and len(groups) == 1:
        return next(iter(groups.values()))
    if hints.clip in groups:
        return groups[hints.clip]
    what = "say which video" if hints.clip is None else f"no group {hints.clip!r}"
    raise InputError(f"{path}: {what}: {path}::NAME with NAME one of {', '.join(groups)}")


def _keypoints(people: list[Any], path: Path, hints: Hints) -> Keypoints2D:
    series = [_series(person) for person in people]
    named = list(dict.fromkeys(name for each in series for name in each))
    names = [joint_name(name) for name in named]
    edges = [(names[named.index(one)], names[named.index(other)]) for one, other in _edges(people[0], named)]
    skeleton = skeleton_of(names, hints.skeleton, "nwb", edges)
    times = {(i, name): _times(each) for i, joints in enumerate(series) for name, each in joints.items()}
    moments, rate, own = _beat(np.unique(np.concatenate(list(times.values()))), path)
    values = room_for(int(moments[1].max(initial=-1)) + 1, len(people), len(skeleton), 3)
    for (person, name), when in times.items():
        joint = names[named.index(name)]
        if joint in skeleton.joints:
            place = moments[1][np.searchsorted(moments[0], when)]
            values[place, person, skeleton.index(joint)] = _values(series[person][name], len(when), path)
    told = hints.image_size or _size(people[0], values)
    size = image_size_or_guess(values[..., :2], told, hints.camera_size, str(path))
    return Keypoints2D(values[..., :2], values[..., 2].clip(0, 1), skeleton, size, rate, path.name, own)


def _kind(node: Any) -> str:
    return _text(node.attrs.get("neurodata_type", ""))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _series(person: Any) -> dict[str, Any]:
    found = {name: person[name] for name in person if _kind(person[name]) == "PoseEstimationSeries"}
    nodes = [_text(node) for node in _skeleton_of(person).get("nodes", [])]
    ordered = [node for node in nodes if node in found]
    return {name: found[name] for name in (*ordered, *(name for name in found if name not in ordered))}


def _skeleton_of(person: Any) -> Mapping[str, Any]:
    """Nodes and edges: of the linked skeleton or, in older files, of the estimation itself."""
    place = next((part for part in person.values() if _kind(part) == "Skeleton"), person)
    return {name: place[name][()] for name in ("nodes", "edges") if name in place}


def _edges(person: Any, named: list[str]) -> list[tuple[str, str]]:
    told = _skeleton_of(person)
    nodes = [_text(node) for node in told.get("nodes", [])]
    edges = [(nodes[int(one)], nodes[int(other)]) for one, other in told.get("edges", [])]
    return [(one, other) for one, other in edges if one in named and other in named]


def _times(series: Any) -> Float64[np.ndarray, " frame"]:
    if "timestamps" in series:
        return np.asarray(series["timestamps"][()], dtype=np.float64).ravel()
    start = series["starting_time"]
    return float(start[()]) + np.arange(len(series["data"])) / float(start.attrs["rate"])


def _beat(
    times: Float64[np.ndarray, " moment"], path: Path
) -> tuple[
    tuple[Float64[np.ndarray, " moment"], Int64[np.ndarray, " moment"]],
    float | None,
    Float64[np.ndarray, " moment"] | None,
]:
    """Moments with their frames, the rate, and the frames' own times where they keep no beat."""
    if not np.isfinite(times).all():
        raise InputError(f"{path}: damaged NWB: frames without a time")
    if len(times) < 2:
        return (times, np.arange(len(times))), None, None
    period = float(np.median(np.diff(times)))
    beats = (times - times[0]) / period
    places = beats.round().astype(np.int64)
    if np.abs(beats - places).max() > _JITTER:
        return (times, np.arange(len(times))), round(1 / period, 6), times - times[0]
    check_gaps(places.tolist(), path)
    return (times, places), round(1 / period, 6), None


def _values(series: Any, frames: int, path: Path) -> Float64[np.ndarray, "frame 3"]:
    xy = np.asarray(series["data"][()], dtype=np.float64)
    if xy.ndim == 2 and xy.shape[1] == 3:
        raise not_2d(path, "positions")
    if xy.shape != (frames, 2):
        raise InputError(f"{path}: damaged NWB: {frames} times, but positions {xy.shape}")
    score = (
        np.asarray(series["confidence"][()], dtype=np.float64) if "confidence" in series else np.full(frames, np.nan)
    )
    return np.concatenate([xy, score.reshape(frames, 1)], axis=1)


def _size(person: Any, values: Float64[np.ndarray, "frame person joint 3"]) -> tuple[int, int] | None:
    """(width, height) where the file tells; some writers turn them round, which the joints show."""
    if "dimensions" not in person:
        return None
    given = np.asarray(person["dimensions"][()]).reshape(-1)
    if len(given) != 2 or given.min() < 1 or not np.isfinite(values[..., 0]).any():
        return None
    right, bottom = np.nanmax(values[..., :2], axis=(0, 1, 2))
    turned = right > given[0] and right <= given[1] and bottom <= given[0]
    return (int(given[1]), int(given[0])) if turned else (int(given[0]), int(given[1]))
