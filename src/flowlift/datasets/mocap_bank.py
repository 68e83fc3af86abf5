"""Motion capture -> a bank of distinct poses on the 17 Human3.6M joints, for training, and a part held out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int64, UInt8

from flowlift.datasets.mocap import bone_lengths, with_bone_lengths
from flowlift.datasets.mocap_cleaning import FAULTS, faults
from flowlift.datasets.mocap_takes import CONVERSIONS, Conversion, Take, Takes, opened, read_take, takes
from flowlift.errors import InputError
from flowlift.skeletons import HUMAN36M17

HELD_OUT = ("/49_", "/12_", "/16_", "martial/10", "indian/15", "salsa/30")
"""Clips that are never trained on: three subjects, and one clip of each dance; they choose and calibrate."""
APART, HELD_OUT_APART = 0.025, 0.035
"""How far distinct poses lie apart, mean joint distance in statures: in training, and held out."""

Progress = Callable[[int, int | None], None]
"""Told (frames done, frames in all or None)."""


@dataclass(frozen=True, eq=False)
class Clip:
    """The good frames of a take: `xyz` (frame, 17, 3), Y up, about the hip, in statures. `read`: how many frames it
    had at that rate; `dropped`: how many of them were left out for each of FAULTS."""

    take: Take
    xyz: Float32[np.ndarray, "frame 17 3"]
    read: int
    dropped: tuple[int, ...]

    @property
    def held_out(self) -> bool:
        return any(name in self.take.name for name in HELD_OUT)


@dataclass(frozen=True)
class SourceCount:
    """What became of one conversion: files, trials among them that stood in a better one, frames read of the others,
    frames dropped for each of FAULTS, distinct poses kept."""

    name: str
    clips: int
    repeated: int
    read: int
    dropped: tuple[int, ...]
    train: int = 0
    val: int = 0


@dataclass(frozen=True, eq=False)
class Part:
    """Poses `xyz` (pose, 17, 3), Y up, about the hip, in statures; `source`: the place of each one's in the bank's."""

    xyz: Float32[np.ndarray, "pose 17 3"]
    source: UInt8[np.ndarray, " pose"]


@dataclass(frozen=True, eq=False)
class Bank:
    """Distinct poses to train on, and held out; where they are from; and what was left out, a line each."""

    train: Part
    val: Part
    sources: tuple[SourceCount, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Captured:
    """Every clip of a folder, cleaned, and what there was."""

    clips: tuple[Clip, ...]
    found: Takes


def build_bank(source: Path) -> Bank:
    """Distinct poses of every clip in a folder or archive. Raises InputError."""
    return bank_of(read_clips(source))


def read_clips(source: Path, *, progress: Progress | None = None) -> Captured:
    """Clean every clip of a folder or an archive. Raises InputError where there is none, and for a damaged file."""
    clips: list[Clip] = []
    with opened(source) as folder:
        found = takes(folder)
        for take in found.taken:
            clips.append(clean_clip(take))
            if progress is not None:
                progress(sum(clip.read for clip in clips), None)
    if not any(len(clip.xyz) for clip in clips):
        raise InputError(f"{source}: no frame of its {len(clips)} clips shows a pose: all are broken")
    return Captured(tuple(clips), found)


def clean_clip(take: Take) -> Clip:
    """A take without its broken frames, which are found at its full rate. Raises InputError."""
    recording = read_take(take)
    wrong = faults(recording.xyz, fps=recording.fps)
    at = slice(None, None, recording.stride)
    good = recording.xyz[at][~wrong.any[at]].astype(np.float32)
    dropped = tuple(int(getattr(wrong, fault)[at].sum()) for fault in FAULTS)
    return Clip(take, good, len(recording.xyz[at]), dropped)


def bank_of(captured: Captured, *, progress: Progress | None = None) -> Bank:
    """The distinct poses of some clips, generic figures on the bones of the mean of the captured persons."""
    used = [conversion for conversion in CONVERSIONS if any(t.conversion is conversion for t in _all(captured.found))]
    clips = _on_human_bones(captured.clips)
    total = sum(len(clip.xyz) for clip in clips)
    parts = []
    for held_out, apart in ((False, APART), (True, HELD_OUT_APART)):
        those = [clip for clip in clips if clip.held_out is held_out]
        xyz = np.concatenate([np.empty((0, 17, 3), dtype=np.float32), *(clip.xyz for clip in those)])
        counts = [len(clip.xyz) for clip in those]
        source = np.repeat([used.index(clip.take.conversion) for clip in those], counts).astype(np.uint8)
        before = total - len(xyz) if held_out else 0
        kept = distinct(xyz, apart=apart, progress=_after(progress, before, total))
        parts.append(Part(xyz[kept], source[kept]))
    train, val = parts
    sources = tuple(_count(conversion, captured) for conversion in used)
    sources = tuple(
        replace(source, train=int((train.source == i).sum()), val=int((val.source == i).sum()))
        for i, source in enumerate(sources)
    )
    return Bank(train, val, sources, captured.found.left_out)


def distinct(
    xyz: Float32[np.ndarray, "frame 17 3"], *, apart: float, progress: Progress | None = None
) -> Int64[np.ndarray, " kept"]:
    """Indices of poses that lie at least `apart` (mean joint distance, the input's unit) from every one kept before.

    Heading is ignored: poses are turned so that the hips face one way.
    """
    poses = facing_one_way(xyz)
    limbs = np.stack([poses[:, limb].mean(axis=1) for limb in _LIMBS], axis=1)
    kept = np.empty((0, 17, 3), dtype=np.float32)
    kept_limbs = np.empty((0, len(_LIMBS), 3), dtype=np.float32)
    indices: list[int] = []
    for index, (pose, limb) in enumerate(zip(poses, limbs, strict=True)):
        count = len(indices)
        if progress is not None and index % 1000 == 0:
            progress(index, len(xyz))
        # Most poses are like one that was just kept. Of the others only those can be near whose limbs are, on average:
        # a mean of distances is no less than the distance of means.
        if _near(kept[max(0, count - _RECENT) : count], pose, apart):
            continue
        away = kept_limbs[:count] - limb
        close = np.sqrt((away * away).sum(axis=-1)) @ _LIMB_SHARE < apart + _ROUNDING
        if _near(kept[:count][close], pose, apart):
            continue
        if count == len(kept):
            kept, kept_limbs = _longer(kept), _longer(kept_limbs)
        kept[count], kept_limbs[count] = pose, limb
        indices.append(index)
    return np.array(indices, dtype=np.int64)


def facing_one_way(xyz: Float32[np.ndarray, "frame 17 3"]) -> Float32[np.ndarray, "frame 17 3"]:
    """Each pose turned about Y until its left hip lies at +X of its right one."""
    right, left = HUMAN36M17.index("right_hip"), HUMAN36M17.index("left_hip")
    across = xyz[:, left] - xyz[:, right]
    angle = np.arctan2(across[:, 2], across[:, 0])
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return np.stack([c * xyz[..., 0] + s * xyz[..., 2], xyz[..., 1], c * xyz[..., 2] - s * xyz[..., 0]], axis=-1)


_RECENT, _ROUNDING = 32, 1e-5
_PAIRED = [
    HUMAN36M17.indices([f"{side}_{joint}" for joint in limb])
    for side in ("left", "right")
    for limb in (("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist"))
]
_LIMBS = [*_PAIRED, [joint for joint in range(17) if not any(joint in limb for limb in _PAIRED)]]
_LIMB_SHARE = np.array([len(limb) / 17 for limb in _LIMBS], dtype=np.float32)


def _near(kept: Float32[np.ndarray, "kept 17 3"], pose: Float32[np.ndarray, "17 3"], apart: float) -> bool:
    return bool((np.linalg.norm(kept - pose, axis=-1).mean(axis=-1) < apart).any())


def _longer(kept: Float[np.ndarray, "kept point 3"]) -> Float[np.ndarray, "more point 3"]:
    return np.concatenate([kept, np.empty((max(1024, len(kept)), *kept.shape[1:]), dtype=kept.dtype)])


def _on_human_bones(clips: tuple[Clip, ...]) -> list[Clip]:
    good = [clip for clip in clips if len(clip.xyz)]
    persons = [bone_lengths(clip.xyz) for clip in good if clip.take.conversion.own_proportions and not clip.held_out]
    if not persons:
        return good
    mean = np.mean(persons, axis=0)
    return [
        clip
        if clip.take.conversion.own_proportions
        else replace(clip, xyz=with_bone_lengths(clip.xyz, mean).astype(np.float32))
        for clip in good
    ]


def _all(found: Takes) -> tuple[Take, ...]:
    return found.taken + found.repeated


def _count(conversion: Conversion, captured: Captured) -> SourceCount:
    clips = [clip for clip in captured.clips if clip.take.conversion is conversion]
    files = sum(take.conversion is conversion for take in _all(captured.found))
    dropped = tuple(sum(clip.dropped[i] for clip in clips) for i in range(len(FAULTS)))
    return SourceCount(conversion.name, files, files - len(clips), sum(clip.read for clip in clips), dropped)


def _after(progress: Progress | None, before: int, total: int) -> Progress | None:
    return None if progress is None else lambda done, _: progress(before + done, total)
