"""What motion capture lies in a folder or an archive: each trial once, by its conversion; and reading one."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from flowlift.datasets.asf_amc import human36m17_from_acclaim, read_acclaim
from flowlift.datasets.bvh import Motion, read_bvh
from flowlift.datasets.mocap import (
    GENERIC_RIG,
    ICLONE_RIG,
    LOST_BONES,
    SUBJECT_RIG,
    joints_of,
    on_human36m17,
    stature,
)
from flowlift.errors import InputError
from flowlift.io.archive import extract


@dataclass(frozen=True)
class Conversion:
    """A form in which captures are handed on. `rig`: the joints of its BVH files; None: native Acclaim.

    `fps`: about how many frames a second are kept, by the files' own rate. `own_proportions`: whether the bones are as
    long as the captured person's; else a generic figure's.
    """

    name: str
    rig: Mapping[str, str] | None
    fps: float
    own_proportions: bool


SUBJECTS = Conversion("subjects", SUBJECT_RIG, 30.0, True)
ACCLAIM = Conversion("acclaim", None, 30.0, True)
# The dances' headers tell twice the rate that their source tells.
GENERIC = Conversion("generic", GENERIC_RIG, 60.0, False)
ICLONE = Conversion("iclone", ICLONE_RIG, 30.0, False)

CONVERSIONS = (SUBJECTS, ACCLAIM, GENERIC, ICLONE)
"""In the order in which a trial that stands in several is taken: true skeletons first."""

ACCLAIM_FPS = 120.0
_TRIAL = re.compile(r"0*(\d+_\d+)")
_CAPTURES, _ARCHIVED = (".bvh", ".amc"), (".bvh", ".amc", ".asf", ".npz")

LEFT_OUT = {"cmu_actions_h36m17_30fps.npz": "left and right are exchanged in it, and wrists stand above heads"}
EVALUATION = "HDM_"
"""How the files of HDM05 begin, on which results are measured: never trained on."""


@dataclass(frozen=True)
class Take:
    """One trial's file; `name`: its folder's name and its own, without suffix."""

    name: str
    path: Path
    conversion: Conversion


@dataclass(frozen=True)
class Takes:
    """What is read: `taken` once each; `repeated`: trials that stand there in a better conversion; and what is not,
    `left_out`, a line each."""

    taken: tuple[Take, ...]
    repeated: tuple[Take, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Recording:
    """A take at its native `fps`: `xyz` (frame, 17, 3), Y up, about the hip, in statures. Every `stride`-th frame is
    enough."""

    xyz: Float[np.ndarray, "frame 17 3"]
    fps: float
    stride: int


@contextmanager
def opened(source: Path) -> Iterator[Path]:
    """The folder itself, or a temporary one that holds the captures of an archive (.tar, .tar.xz, ...).

    Raises InputError when there is neither, or the archive is damaged or would write elsewhere.
    """
    if source.is_dir():
        yield source
        return
    if not source.exists():
        raise InputError(f"{source}: there is no such folder or archive")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "archive"  # one name, as folders' names belong to those of clips
        extract(source, folder, suffixes=_ARCHIVED, what="an archive of motion capture")
        yield folder


def takes(folder: Path) -> Takes:
    """The captures under a folder, in order of conversion and path.

    Raises InputError for a BVH on another rig, a motion without a skeleton, and where there is no capture.
    """
    files = sorted(_files(folder))
    left_out = [f"{path.name}: {LEFT_OUT[path.name]}" for path in files if path.name in LEFT_OUT]
    captures = [path for path in files if path.suffix.lower() in _CAPTURES]
    if any(path.name.startswith(EVALUATION) for path in captures):
        left_out.append("HDM05: results are measured on it")
    captures = [path for path in captures if not path.name.startswith(EVALUATION)]
    found = [Take(f"{path.parent.name}/{path.stem}", path, _conversion(path)) for path in captures]
    if not found:
        archives = [path.name for path in files if ".tar" in path.suffixes]
        hint = f"; to read {archives[0]}, name that file" if archives else ""
        raise InputError(f"{folder}: no motion capture there (.bvh, or .amc with .asf){hint}")
    found.sort(key=lambda take: CONVERSIONS.index(take.conversion))
    taken: list[Take] = []
    repeated: list[Take] = []
    first: dict[str, Conversion] = {}
    for take in found:
        known = first.setdefault(_trial(take), take.conversion)
        (taken if known is take.conversion else repeated).append(take)
    return Takes(tuple(taken), tuple(repeated), tuple(left_out))


def read_take(take: Take) -> Recording:
    """Every frame of a trial, broken ones too. Raises InputError, naming the file, when it is damaged or no body."""
    conversion = take.conversion
    if conversion.rig is None:
        motion = read_acclaim(_asf_of(take.path), take.path, fps=ACCLAIM_FPS)
    else:
        motion = read_bvh(take.path, lost=LOST_BONES)
    if not 0 < motion.fps < np.inf:
        raise InputError(f"{take.path}: its frame time tells no frame rate ({motion.fps:g} a second)")
    try:
        xyz = _placed(motion, conversion)
    except InputError as error:
        raise InputError(f"{take.path}: {error}") from error
    about = xyz - xyz[:, :1]
    sizes = stature(about[np.isfinite(about).all(axis=(1, 2))])
    if len(sizes) and not np.median(sizes) > 0:
        raise InputError(f"{take.path}: its body has no size")
    unit = float(np.median(sizes)) if len(sizes) else 1.0
    return Recording(about / unit, motion.fps, max(1, round(motion.fps / conversion.fps)))


def _placed(motion: Motion, conversion: Conversion) -> Float[np.ndarray, "frame 17 3"]:
    if conversion.rig is None:
        return human36m17_from_acclaim(motion)
    return on_human36m17(motion, conversion.rig)


def _files(folder: Path) -> Iterator[Path]:
    """Every file that is not hidden; links are followed, each folder is seen once."""
    seen: set[Path] = set()
    for where, folders, names in os.walk(folder, followlinks=True):
        real = Path(where).resolve()
        if real in seen:
            folders.clear()
        else:
            seen.add(real)
            yield from (Path(where) / name for name in names if not name.startswith("."))


def _trial(take: Take) -> str:
    """SUBJECT_TRIAL without leading zeros; a name that is none is that take's alone."""
    named = _TRIAL.fullmatch(take.path.stem)
    return named[1] if named else str(take.path)


def _conversion(path: Path) -> Conversion:
    if path.suffix.lower() == ".amc":
        _asf_of(path)
        return ACCLAIM
    joints = _joints(path)
    for conversion in CONVERSIONS:
        if conversion.rig and {name for name in joints_of(conversion.rig) if not name.endswith(".end")} <= joints:
            return conversion
    raise InputError(f"{path}: its joints belong to no rig that is known: {', '.join(sorted(joints)[:6])}, ...")


def _joints(path: Path) -> frozenset[str]:
    """The names in a BVH's hierarchy, without reading its frames."""
    names: set[str] = set()
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as lines:
            for line in lines:
                words = line.split()
                if words[:1] == ["MOTION"]:
                    break
                if len(words) > 1 and words[0] in ("ROOT", "JOINT"):
                    names.add(words[1])
    except OSError as error:
        raise InputError(f"{path}: cannot read it as BVH: {error}") from error
    if not names:
        raise InputError(f"{path}: cannot read it as BVH: it names no joints")
    return frozenset(names)


def _asf_of(path: Path) -> Path:
    """The skeleton of a trial: the ASF beside it whose name its own begins with."""
    own = [asf for asf in path.parent.glob("*.asf") if path.stem.startswith(f"{asf.stem}_")]
    if not own:
        raise InputError(f"{path}: no ASF skeleton for it beside it")
    return max(own, key=lambda asf: len(asf.stem))
