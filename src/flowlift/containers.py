"""The two containers that travel through the program: what was seen in 2D, and what it means in 3D."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from jaxtyping import Bool, Float32, Float64, Shaped

from flowlift.camera import Camera, whole_image_size
from flowlift.errors import InputError
from flowlift.skeleton import Skeleton

Given = Shaped[np.ndarray, "..."]
"""An array as it was given: its shape is checked here, with errors of our own, and stands in the docstring."""

Provenance = Mapping[str, str | int | float | bool | None]


def _unmasked(value: Any, missing: float) -> Any:
    """The array, with `missing` where it was masked."""
    return np.where(value.mask, missing, value.data) if isinstance(value, np.ma.MaskedArray) else value


def _frozen32(value: Shaped[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """A copy; what is float32, read-only and nobody's view already is shared: clips are long."""
    value = _unmasked(value, np.nan)
    if (
        isinstance(value, np.ndarray)
        and value.dtype == np.float32
        and value.flags.owndata
        and not value.flags.writeable
    ):
        return value
    array = np.array(value, dtype=np.float32)
    array.setflags(write=False)
    return array


def _frozen_times(value: Shaped[np.ndarray, " frame"] | None, frames: int) -> Float64[np.ndarray, " frame"] | None:
    if value is None:
        return None
    times = np.array(_unmasked(value, np.nan), dtype=np.float64)
    if times.shape != (frames,):
        raise InputError(f"times must have shape ({frames},), one per frame, got {times.shape}")
    wrong = ~np.isfinite(times) | np.concatenate([[False], ~(np.diff(times) > 0)])
    if wrong.any():
        frame = int(wrong.argmax())
        raise InputError(f"times must rise from frame to frame; that of frame {frame} is {times[frame]:g}")
    times.setflags(write=False)
    return times


def _frozen_marks(
    value: Shaped[np.ndarray, "..."] | None, shape: tuple[int, ...]
) -> Bool[np.ndarray, "frame person joint"] | None:
    """None where nothing is marked, so that both ways to say so are the same."""
    if value is None:
        return None
    given = np.asarray(_unmasked(value, 0))  # masked: nobody says so
    if given.shape != shape:
        raise InputError(f"bridged must have shape {shape} to fit xyz, got {given.shape}")
    marks = given == 1
    if not (marks | (given == 0)).all():
        raise InputError("bridged must hold nothing but True and False")
    marks.setflags(write=False)
    return marks if marks.any() else None


def _frame_times(
    times: Float64[np.ndarray, " frame"] | None, fps: float | None, frames: int
) -> Float64[np.ndarray, " frame"]:
    return times if times is not None else np.arange(frames, dtype=np.float64) / (fps or 1.0)


def frame_rate_of(fps: object) -> float | None:
    """A frame rate as Python's own number, which every format can write."""
    number = fps.item() if isinstance(fps, np.number) else fps
    if number is None:
        return None
    if isinstance(number, bool) or not (isinstance(number, int | float) and np.isfinite(number) and number > 0):
        raise InputError(f"fps must be a positive number, got {fps!r}")
    return number


def _plain_values(provenance: Mapping[str, Any]) -> Provenance:
    """A copy with Python's own values, which every format can write; a number that is not known is None."""
    plain: dict[str, str | int | float | bool | None] = {}
    for name, given in provenance.items():
        value = given.item() if isinstance(given, np.generic) else given
        if isinstance(value, float) and np.isnan(value):
            value = None
        fits = isinstance(value, str | int | None) or (isinstance(value, float) and np.isfinite(value))
        if not (isinstance(name, str) and fits):
            raise InputError(
                f"provenance: {name!r} must be a text, a finite number, True, False or None, got {given!r}"
            )
        plain[name] = as_text(value) if isinstance(value, str) else value
    return plain


def as_text(name: str) -> str:
    """What every format can write: names of files need not be text on every system."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _check_skeleton(skeleton: object) -> None:
    if not isinstance(skeleton, Skeleton):
        raise InputError(f"skeleton must be a Skeleton, such as Skeleton.named('coco17'), got {skeleton!r}")


@dataclass(frozen=True, eq=False)
class Keypoints2D:
    """2D keypoints of one clip (or one image: one frame).

    `xy` (frame, person, joint, 2): pixels, x right, y down, NaN where missing.
    `score` (frame, person, joint): confidence in [0, 1], NaN where the source gives none.
    `image_size`: (width, height) px. `fps`: frames per second. `times` (frame,): seconds, where frames are not
    evenly spaced. A person's identity is the index on the person axis. Arrays are float32 and read-only: copies, unless
    they were so; what is masked is NaN.
    Raises InputError for shapes that do not fit, infinities, or sizes that are not positive.
    """

    xy: Given
    score: Given
    skeleton: Skeleton
    image_size: tuple[int, int]
    fps: float | None = None
    source: str = ""
    times: Given | None = None

    def __post_init__(self) -> None:
        _check_skeleton(self.skeleton)
        xy, score = _frozen32(self.xy), _frozen32(self.score)
        if xy.ndim != 4 or xy.shape[3] != 2:
            raise InputError(f"xy must have shape (frame, person, joint, 2), got {xy.shape}")
        if xy.shape[2] != len(self.skeleton):
            raise InputError(
                f"{xy.shape[2]} joints given, but skeleton {self.skeleton.name!r} has {len(self.skeleton)}"
            )
        if score.shape != xy.shape[:3]:
            raise InputError(f"score must have shape {xy.shape[:3]} to fit xy, got {score.shape}")
        if np.isinf(xy).any() or np.isinf(score).any():
            raise InputError("keypoints hold infinite values; mark missing joints with NaN")
        size = whole_image_size(self.image_size)
        if ((score < 0) | (score > 1)).any():
            raise InputError(f"scores must lie in [0, 1], got {np.nanmin(score):g} to {np.nanmax(score):g}")
        object.__setattr__(self, "fps", frame_rate_of(self.fps))
        if (np.isnan(xy[..., 0]) != np.isnan(xy[..., 1])).any():  # half a place is none
            xy = _frozen32(np.where(np.isnan(xy).any(axis=-1, keepdims=True), np.nan, xy))
        object.__setattr__(self, "xy", xy)
        object.__setattr__(self, "score", score)
        object.__setattr__(self, "image_size", size)
        object.__setattr__(self, "source", as_text(str(self.source or "")))
        object.__setattr__(self, "times", _frozen_times(self.times, xy.shape[0]))

    def __len__(self) -> int:
        return self.xy.shape[0]

    @property
    def people(self) -> int:
        return self.xy.shape[1]

    @property
    def timed(self) -> bool:
        """Whether it is known when the frames were: from their times, or a frame rate."""
        return self.fps is not None or self.times is not None

    @property
    def frame_times(self) -> Float64[np.ndarray, " frame"]:
        """Seconds of each frame: `times`, else frame number / fps (or the bare frame number)."""
        return _frame_times(self.times, self.fps, len(self))

    def frames(self, start: int, stop: int) -> Self:
        """The frames start <= i < stop as keypoints of their own."""
        times = None if self.times is None else self.times[start:stop]
        return replace(self, xy=self.xy[start:stop], score=self.score[start:stop], times=times)

    def take(self, frames: Shaped[np.ndarray, " some"]) -> Self:
        """Some frames, by number, at their own times."""
        times = self.frame_times[frames] if self.timed else None
        return replace(self, xy=self.xy[frames], score=self.score[frames], times=times)


@dataclass(frozen=True, eq=False)
class Poses3D:
    """3D poses of one clip, with their uncertainty.

    `xyz` (frame, person, joint, 3): metres (or `unit`), relative to the root joint, camera frame (x right, y down, z
    forward); NaN rows where nobody was seen. `root` (frame, person, 3): metres, camera frame, or None.
    `cov` (frame, person, joint, 3, 3): covariance of `xyz`, m^2; `root_cov` (frame, person, 3, 3): of `root`, or None.
    `hypotheses` (frame, person, hypothesis, joint, 3): metres, relative to each hypothesis's root, or None.
    `camera`: the camera that was used or assumed. `provenance`: model, version, seed and settings, plain
    values by name. `keypoints`: the 2D that was lifted, in its own skeleton. `bridged` (frame, person, joint): True
    where a joint was not seen but carried over a gap from the frames around it; None: nowhere. Arrays are float32 and
    read-only: copies, unless they were so; what is masked is NaN. Raises InputError for shapes that do not fit, and
    other values in `provenance`.
    """

    xyz: Given
    root: Given | None
    cov: Given
    skeleton: Skeleton
    fps: float | None = None
    camera: Camera | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    hypotheses: Given | None = None
    keypoints: Keypoints2D | None = None
    times: Given | None = None
    bridged: Given | None = None
    root_cov: Given | None = None

    def __post_init__(self) -> None:
        _check_skeleton(self.skeleton)
        xyz = _frozen32(self.xyz)
        if xyz.ndim != 4 or xyz.shape[2:] != (len(self.skeleton), 3):
            raise InputError(
                f"xyz must have shape (frame, person, {len(self.skeleton)}, 3) for skeleton "
                f"{self.skeleton.name!r}, got {xyz.shape}"
            )
        frames, people, joints, _ = xyz.shape
        object.__setattr__(self, "xyz", xyz)
        for name, shape in (
            ("root", (frames, people, 3)),
            ("cov", (frames, people, joints, 3, 3)),
            ("hypotheses", (frames, people, -1, joints, 3)),
            ("root_cov", (frames, people, 3, 3)),
        ):
            value = getattr(self, name)
            if value is None and name != "cov":
                continue
            value = _frozen32(value)
            if value.ndim != len(shape) or any(
                want not in (-1, got) for want, got in zip(shape, value.shape, strict=True)
            ):
                raise InputError(f"{name} must have shape {shape} to fit xyz, got {value.shape}")
            object.__setattr__(self, name, value)
        if self.keypoints is not None and self.keypoints.xy.shape[:2] != (frames, people):
            raise InputError(f"keypoints hold {self.keypoints.xy.shape[:2]} (frames, people), poses {(frames, people)}")
        object.__setattr__(self, "fps", frame_rate_of(self.fps))
        object.__setattr__(self, "times", _frozen_times(self.times, frames))
        object.__setattr__(self, "bridged", _frozen_marks(self.bridged, (frames, people, joints)))
        object.__setattr__(self, "provenance", _plain_values(self.provenance))

    def __len__(self) -> int:
        return self.xyz.shape[0]

    @property
    def people(self) -> int:
        return self.xyz.shape[1]

    @property
    def timed(self) -> bool:
        """Whether it is known when the frames were: from their times, or a frame rate."""
        return self.fps is not None or self.times is not None

    @property
    def frame_times(self) -> Float64[np.ndarray, " frame"]:
        """Seconds of each frame: `times`, else frame number / fps (or the bare frame number)."""
        return _frame_times(self.times, self.fps, len(self))

    @property
    def unit(self) -> str:
        """What lengths are in, where they are not in metres: "body lengths", "model units"; by the provenance."""
        return str(self.provenance.get("unit") or "m")

    @property
    def std(self) -> Float32[np.ndarray, "frame person joint 3"]:
        """Standard deviation of `xyz` along the camera's axes, metres."""
        return np.sqrt(np.diagonal(self.cov, axis1=-2, axis2=-1)).astype(np.float32)

    @property
    def absolute(self) -> Float32[np.ndarray, "frame person joint 3"]:
        """Joint positions in the camera frame, metres: `root` + `xyz`. Raises InputError where root is None."""
        if self.root is None:
            raise InputError("these poses hold no root position: they were lifted without a camera")
        return self.root[:, :, None, :] + self.xyz

    def to_xarray(self) -> Any:
        """The poses as `movement_dataset` makes them an `xarray.Dataset`. Raises MissingExtraError without xarray."""
        from flowlift.movement_dataset import movement_dataset

        return movement_dataset(self)
