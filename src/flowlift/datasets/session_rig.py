"""A session's own cameras: a calibration in its axes and body lengths, where what it saw lies in the images."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64

from flowlift.calibration import camera_names
from flowlift.camera import Camera
from flowlift.datasets.session import Session, turn_up
from flowlift.errors import InputError

FITS, HALF = 0.9, 0.5
"""Of a recording's joints, so many are seen by two of its cameras, since each was triangulated; and so many at least,
or the calibration is another recording's."""
LEAST = 0.1
"""Every camera sees so many of them: arenas have cameras that see a part."""
TINY = 4.0
"""Pixels: no body's length was recorded by a camera that has it so short in its image."""
_ORDERS = ("xyz", "zxy", "yzx")


@dataclass(frozen=True, eq=False)
class Rig:
    """A session's own cameras in its axes and body lengths: `rotation` (camera, 3, 3), `translation` (camera, 3).
    `axes`: which of the recording's axes the calibration's x, y and z are, such as "zxy". `sure`: whether the
    images tell: about a world's origin in the middle of all cameras, axes in any order are seen."""

    names: tuple[str, ...]
    rotation: Float64[np.ndarray, "camera 3 3"]
    translation: Float64[np.ndarray, "camera 3"]
    axes: str
    sure: bool = True


@dataclass(frozen=True, eq=False)
class _Fit:
    """A rig; whether each camera has each known joint of each frame in its image; a body's length in each, px."""

    rig: Rig
    inside: Bool[np.ndarray, "camera joint"]
    length: tuple[float, ...]

    @property
    def seen(self) -> float:
        """The share of the joints that two cameras see, or the only one."""
        return float((self.inside.sum(axis=0) >= min(2, len(self.inside))).mean())


def rig_of(session: Session, cameras: Mapping[str, Camera]) -> Rig:
    """Calibrated cameras, translations in the file's unit, as the session's. Where they do not see its joints, and one
    other order of its axes makes them, that one is taken: Pose2Sim's recordings have y up, its calibrations z.

    Raises InputError where they don't fit.
    """
    as_it_is, *others = (_fit(session, cameras, axes) for axes in _ORDERS)
    better = [fit for fit in others if fit.seen >= FITS]
    found = better[0] if as_it_is.seen < FITS and len(better) == 1 else as_it_is
    why = "is the calibration of another recording, in another unit, or of other axes than the recording's x, y, z?"
    for camera, inside, length in zip(cameras, found.inside, found.length, strict=True):
        if inside.mean() < LEAST:
            raise InputError(f"camera {camera} has {inside.mean():.0%} of {session.name}'s joints in its image: {why}")
        if length < TINY:
            raise InputError(f"camera {camera} has {session.name}'s body {length:.2g} pixels long: {why}")
    if found.seen < HALF:
        where = "two cameras' images" if len(cameras) > 1 else "its camera's image"
        raise InputError(f"{found.seen:.0%} of {session.name}'s joints are in {where}: {why}")
    return replace(found.rig, sure=all(fit is found or fit.seen < FITS for fit in (as_it_is, *others)))


def in_words(rig: Rig) -> str:
    """The cameras, and which axes were taken for the calibration's, where they aren't the recording's or needn't be."""
    names = f"cameras: {', '.join(rig.names)}"
    if rig.axes != "xyz":
        return f"{names}; their x, y, z are the recording's {', '.join(rig.axes)}"
    return names if rig.sure else f"{names}; their x, y, z are taken for the recording's, but other orders fit as well"


def read_cameras(path: Path) -> dict[str, Camera]:
    """Every camera of a calibration file. Raises InputError."""
    return {name: Camera.load(path, name) for name in camera_names(path)}


def _fit(session: Session, cameras: Mapping[str, Camera], axes: str) -> _Fit:
    to_world = np.eye(3)[["xyz".index(axis) for axis in axes]] @ turn_up(session.up).T
    rotations, translations, inside, length = [], [], [], []
    for name, camera in cameras.items():
        if camera.rotation is None or camera.translation is None:
            raise InputError(f"camera {name}: the calibration does not say where it stands")
        rotations.append(camera.rotation @ to_world)
        translations.append(camera.translation / session.length)
        points = session.xyz[session.usable] @ rotations[-1].T + translations[-1]
        px = camera.project(points)
        known = np.isfinite(points[..., 2])
        inside.append(np.all((px > 0) & (px < np.array(camera.image_size)), axis=-1)[known])
        length.append(float(camera.matrix[0, 0] / np.median(np.linalg.norm(points[known], axis=-1))))
    return _Fit(Rig(tuple(cameras), np.stack(rotations), np.stack(translations), axes), np.stack(inside), tuple(length))
