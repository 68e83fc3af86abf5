"""A rerun recording (.rrd): joints with their bones and ellipsoids of uncertainty, the camera, and the 2D it saw."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Float64

from flowlift.containers import Keypoints2D, Poses3D, as_text
from flowlift.detect.optional import import_optional
from flowlift.io.atomic import written_whole
from flowlift.io.positions import camera_frame
from flowlift.io.quaternions import quaternions
from flowlift.skeleton import Skeleton
from flowlift.view.style import SIDES, bone_sides, joint_sides

_RADIUS = 0.015
"""Of a joint's point, metres."""


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """Metres in the camera frame (x right, y down, z forward), from the camera where the root is known. Each person has
    `personN/joints`, `/bones` and `/one_sd` (ellipsoids of one standard deviation), empty where nobody is; 2D keypoints
    are `camera/personN`. Timelines: `frame`, and `time` where something tells it.

    Raises OutputError, and MissingExtraError without rerun-sdk.
    """
    rerun = import_optional("rerun", "writing a rerun recording", "rerun")
    recording = rerun.RecordingStream("flowlift", recording_id=as_text(path.stem))
    stream = recording.binary_stream()
    recording.log("/", rerun.ViewCoordinates.RDF, static=True)
    seen = obj if isinstance(obj, Keypoints2D) else obj.keypoints
    if seen is not None:
        _log_camera(rerun, recording, obj, seen.image_size)
    times = obj.frame_times if obj.timed else None
    place = camera_frame(obj) if isinstance(obj, Poses3D) else None
    for frame in range(len(obj)):
        recording.set_time("frame", sequence=frame)
        if times is not None:
            recording.set_time("time", duration=float(times[frame]))
        for person in range(obj.people):
            if isinstance(obj, Poses3D) and place is not None:
                body = place[frame, person], obj.cov[frame, person]
                _log_body(rerun, recording, f"person{person}", obj.skeleton, *body)
            if seen is not None:
                at = np.isfinite(seen.xy[frame, person, :, 0])
                points = rerun.Points2D(seen.xy[frame, person, at], colors=_colors(joint_sides(seen.skeleton), at))
                recording.log(f"camera/person{person}", points)
    content = stream.read(flush=True)
    with written_whole(path) as beside:
        beside.write_bytes(content)


def _log_camera(rerun: Any, recording: Any, obj: Keypoints2D | Poses3D, size: tuple[int, int]) -> None:
    camera = obj.camera if isinstance(obj, Poses3D) else None
    if camera is None:
        return
    pinhole = rerun.Pinhole(image_from_camera=camera.matrix, resolution=size, camera_xyz=rerun.ViewCoordinates.RDF)
    recording.log("camera", pinhole, static=True)


def _log_body(
    rerun: Any,
    recording: Any,
    name: str,
    skeleton: Skeleton,
    place: Float32[np.ndarray, "joint 3"],
    cov: Float32[np.ndarray, "joint 3 3"],
) -> None:
    at = np.isfinite(place).all(axis=-1)
    labels = [joint for joint, there in zip(skeleton.joints, at, strict=True) if there]
    colors = _colors(joint_sides(skeleton), at)
    points = rerun.Points3D(place[at], radii=_RADIUS, colors=colors, labels=labels, show_labels=False)
    recording.log(f"{name}/joints", points)
    whole = np.array([at[parent] and at[child] for parent, child in skeleton.bones], dtype=bool)
    strips = [place[[*bone]] for bone, there in zip(skeleton.bones, whole, strict=True) if there]
    recording.log(f"{name}/bones", rerun.LineStrips3D(strips, colors=_colors(bone_sides(skeleton), whole)))
    known = at & np.isfinite(cov).all(axis=(-1, -2))
    half_sizes, turns = _ellipsoids(cov[known].astype(np.float64))
    recording.log(f"{name}/one_sd", rerun.Ellipsoids3D(centers=place[known], half_sizes=half_sizes, quaternions=turns))


def _colors(sides: tuple[str, ...], which: Bool[np.ndarray, " each"]) -> list[tuple[int, int, int]]:
    return [SIDES[side] for side, there in zip(sides, which, strict=True) if there]


def _ellipsoids(
    cov: Float64[np.ndarray, "joint 3 3"],
) -> tuple[Float64[np.ndarray, "joint 3"], Float64[np.ndarray, "joint 4"]]:
    """Half axes, m, and the quaternions (x, y, z, w) that turn them into place."""
    variance, axes = np.linalg.eigh(cov)
    axes[..., 0] *= np.sign(np.linalg.det(axes))[..., None]
    return np.sqrt(variance.clip(0)), quaternions(axes)
