"""Poses and keypoints as an xarray dataset, as `movement` has them: position (time, space, keypoints, individuals)."""

from typing import Any

import numpy as np
from jaxtyping import Float32

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import MissingExtraError

_DIMS = ("time", "space", "keypoints", "individuals")


def movement_dataset(obj: Keypoints2D | Poses3D) -> Any:
    """An `xarray.Dataset` that movement takes for one of its poses datasets.

    `position`: poses in metres (or their `unit`) in the camera frame (x right, y down, z forward), from the camera
    where the root is known, else from the root joint; keypoints in px. `confidence` (time, keypoints, individuals):
    keypoints' scores; of poses, the score of the 2D joint of the same name, NaN where there is none. Poses have their
    `standard_deviation` beside it, in the same unit, shaped as position. Time in seconds, or frame numbers where
    nothing tells the rate. Raises MissingExtraError without xarray.
    """
    try:
        import xarray
    except ImportError as error:
        raise MissingExtraError("an xarray dataset", "movement") from error
    position = _position(obj)
    timed = obj.timed
    variables = {
        "position": (_DIMS, position.transpose(0, 3, 2, 1)),
        "confidence": (("time", "keypoints", "individuals"), _confidence(obj).transpose(0, 2, 1)),
    }
    if isinstance(obj, Poses3D):
        variables["standard_deviation"] = (_DIMS, obj.std.transpose(0, 3, 2, 1))
    return xarray.Dataset(
        variables,
        coords={
            "time": obj.frame_times if timed else np.arange(len(obj)),
            "space": list("xyz"[: position.shape[3]]),
            "keypoints": list(obj.skeleton.joints),
            "individuals": [f"person{person}" for person in range(obj.people)],
        },
        attrs=_attributes(obj, timed=timed),
    )


def _position(obj: Keypoints2D | Poses3D) -> Float32[np.ndarray, "frame person joint space"]:
    if isinstance(obj, Keypoints2D):
        return obj.xy
    return obj.xyz if obj.root is None else obj.absolute


def _confidence(obj: Keypoints2D | Poses3D) -> Float32[np.ndarray, "frame person joint"]:
    seen = obj if isinstance(obj, Keypoints2D) else obj.keypoints
    scores = np.full((len(obj), obj.people, len(obj.skeleton)), np.nan, dtype=np.float32)
    if seen is not None:
        for index, joint in enumerate(obj.skeleton.joints):
            if joint in seen.skeleton.joints:
                scores[:, :, index] = seen.score[:, :, seen.skeleton.index(joint)]
    return scores


def _attributes(obj: Keypoints2D | Poses3D, *, timed: bool) -> dict[str, Any]:
    """movement's attributes, and what is ours: netCDF knows no nested values and no None."""
    ours: dict[str, Any] = {
        "ds_type": "poses",
        "source_software": "flowlift",
        "time_unit": "seconds" if timed else "frames",
        "skeleton": obj.skeleton.name,
        "parents": [parent or "" for parent in obj.skeleton.parents],
    }
    if obj.fps is not None:
        ours["fps"] = obj.fps
    if isinstance(obj, Keypoints2D):
        return {**ours, "space_unit": "px", "image_size": list(obj.image_size), "source_file": obj.source}
    about = {
        f"flowlift_{name}": int(value) if isinstance(value, bool) else value
        for name, value in obj.provenance.items()
        if value is not None
    }
    origin = "root joint" if obj.root is None else "camera"
    return {**ours, "space_unit": obj.unit, "space_axes": "x right, y down, z forward", "space_origin": origin, **about}
