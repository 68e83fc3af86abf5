"""VideoPose3D's npz of 2D keypoints: object arrays, read through the restricted unpickler."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io.archive import names
from flowlift.io.extent import image_size_or_guess
from flowlift.io.hints import Hints
from flowlift.io.packed_object import read_object
from flowlift.skeleton import Skeleton
from flowlift.skeletons import COCO17, HUMAN36M17

_LAYOUTS = {"coco": COCO17, "h36m": HUMAN36M17}
_H36M_SYMMETRY = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]


def matches(path: Path) -> bool:
    """An archive with `positions_2d` in it."""
    return "positions_2d" in names(path)


def read(path: Path, hints: Hints) -> Keypoints2D:
    """One clip: subject (or video), action and camera, such as `FILE::S1/Walking/0`; a file with one needs no name.

    Raises InputError, with the names, where the clip is not said or unknown.
    """
    positions, metadata = read_object(path, "positions_2d"), read_object(path, "metadata", {})
    if not isinstance(positions, Mapping) or not isinstance(metadata, Mapping):
        raise InputError(f"{path}: positions_2d is not a dictionary of clips")
    clips = dict(_clips(positions))
    name = hints.clip
    if name is None and len(clips) == 1:
        name = next(iter(clips))
    if name not in clips:
        some = ", ".join(list(clips)[:8]) + (", ..." if len(clips) > 8 else "")
        what = "say which clip" if name is None else f"no clip {name!r}"
        raise InputError(f"{path}: {what}: {path}::NAME with NAME one of {some or 'none'}")
    values = clips[name]
    if values.ndim != 3 or values.shape[2] not in (2, 3) or not np.issubdtype(values.dtype, np.number):
        raise InputError(f"{path}: clip {name} has shape {values.shape}, expected (frame, joint, 2)")
    xy = values[:, None, :, :2].astype(np.float64)
    score = values[:, None, :, 2].clip(0, 1) if values.shape[2] == 3 else np.full(xy.shape[:3], np.nan)
    about = metadata.get("video_metadata", {}).get(name.split("/")[0], {})
    size = hints.image_size or ((int(about["w"]), int(about["h"])) if {"w", "h"} <= set(about) else None)
    skeleton = hints.skeleton or _skeleton(metadata, values.shape[1], path)
    size = image_size_or_guess(xy, size, hints.camera_size, str(path))
    return Keypoints2D(xy, score, skeleton, size, hints.fps or about.get("fps"), f"{path.name}::{name}")


def _clips(positions: Mapping[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    for subject, actions in positions.items():
        if not isinstance(actions, Mapping):
            continue
        for action, cameras in actions.items():
            for index, array in enumerate(cameras):
                yield f"{subject}/{action}/{index}", np.asarray(array)


def _skeleton(metadata: Mapping[str, Any], joints: int, path: Path) -> Skeleton:
    layout = str(metadata.get("layout_name", ""))
    if layout in _LAYOUTS and joints == 17:
        return _LAYOUTS[layout]
    symmetry = [[int(joint) for joint in side] for side in metadata.get("keypoints_symmetry", [])]
    if joints == 17:
        return HUMAN36M17 if symmetry == _H36M_SYMMETRY else COCO17
    raise InputError(f"{path}: {joints} joints and no known layout; say which with --skeleton")
