"""The camera of one clip, from what its user said about it."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from flowlift.calibration import match_camera
from flowlift.camera import Camera
from flowlift.containers import Poses3D
from flowlift.errors import InputError

CROP = 0.01
"""Share of the image's width or height by which a clip may differ from its calibration: encoders crop a few pixels."""
FAR = 30.0
"""A camera that is so many times as far from its world's origin as from whom it sees was calibrated in another unit:
the origin is where the board lay, or another camera."""
_TOLD = ("m", "body lengths")
_LOST, _ENOUGH = 0.01, 500
"""Of the joints in the image so many may lie in its utmost corners; and so many frames tell."""


def read_camera_for(camera: Camera | str | Path | None, name: str, unit: str | None = None) -> Camera | None:
    """A Camera as it is, or from a calibration file: `FILE::NAME`, else the one called like the source (`name`).

    `unit`: of the file's translations; metres when not given. Raises InputError for a file that cannot be read, or that
    holds several cameras and none of that name, and for a unit of what is no file.
    """
    if camera is None or isinstance(camera, Camera):
        if unit not in ((None,) if camera is None else (None, "m")):
            raise InputError("camera_unit is the unit of a calibration file; there is none (a Camera is in metres)")
        return camera
    path, _, wanted = str(camera).partition("::")
    try:
        return Camera.load(path, wanted or match_camera(Path(path), name), unit or "m")
    except InputError as error:
        raise InputError(f"no camera for {name}: {error}") from error


def choose_camera(
    image_size: tuple[int, int], *, camera: Camera | None = None, fov: float | None = None, focal: float | None = None
) -> Camera | None:
    """The camera for images of this size (width, height); None where nothing is said.

    `camera` was calibrated for these images or scaled copies; `fov` is in degrees across the longer image side;
    `focal` in pixels. Raises InputError when several are given, or the calibration does not fit.
    """
    if sum(value is not None for value in (camera, fov, focal)) > 1:
        raise InputError("camera, fov and focal say the same thing in three ways; give one of them")
    if fov is not None:
        return Camera.from_fov(fov, image_size)
    if focal is not None:
        return Camera.from_focal(focal, image_size)
    return None if camera is None else fit_camera(camera, image_size)


def fit_camera(camera: Camera, image_size: tuple[int, int]) -> Camera:
    """The camera for images that are scaled copies of those it was calibrated with. Raises InputError for others."""
    scale = np.array(image_size) / camera.image_size
    if np.abs(scale - 1).max() <= CROP:
        return replace(camera, image_size=image_size)
    if abs(scale[0] / scale[1] - 1) > CROP:
        raise InputError(f"camera: it was calibrated for images of {camera.image_size} pixels, these have {image_size}")
    # Pixel (u, v) counts from the top-left corner, so everything in pixels scales alike; distortion has no unit.
    matrix = np.diag([*scale, 1.0]) @ camera.matrix
    return replace(camera, matrix=matrix, image_size=image_size)


def check_lens(poses: Poses3D) -> str | None:
    """A warning where a lens, as it was calibrated, shows nothing at more than some of the places in the image where
    joints were seen; else None. Of long clips some frames tell."""
    if poses.keypoints is None or poses.camera is None:
        return None
    xy = poses.keypoints.xy[:: max(1, len(poses) // _ENOUGH)]
    seen = xy[((xy >= 0) & (xy <= poses.keypoints.image_size)).all(axis=-1)]
    lost = np.isnan(poses.camera.rays(seen)).any(axis=-1)
    if not len(seen) or lost.mean() <= _LOST:
        return None
    return (
        f"{100 * lost.mean():.0f} % of the joints in the image lie where the calibrated lens shows nothing, and count "
        "as missing; its distortion may hold for the middle of the image alone, or be of some other camera"
    )


def check_place(poses: Poses3D) -> bool:
    """Whether it is settled that a calibrated camera can stand where it does; False as long as nobody is seen.

    Raises InputError where it is so much further from its world's origin than from whom it sees that its translations
    can hardly be metres.
    """
    if poses.camera is None or poses.camera.translation is None or poses.unit not in _TOLD:
        return True
    away = np.empty(0) if poses.root is None else np.linalg.norm(poses.root, axis=-1)
    away = away[np.isfinite(away)]
    if not len(away):
        return False
    distance = float(np.linalg.norm(poses.camera.translation))
    if distance > FAR * np.median(away):
        raise InputError(
            f"camera: its calibration has it {distance:,.0f} m from its world's origin, and whom it sees is "
            f"{np.median(away):.2g} {poses.unit} away; translations that are not metres need their unit: "
            "--camera-unit (in Python camera_unit) mm, cm or dm; m where they are"
        )
    return True
