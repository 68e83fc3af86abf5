"""A session: an animal's recording on a skeleton's joints, in its own body lengths; what mapped to what is told."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64

from flowlift.checksums import of_file
from flowlift.datasets.recording import Recording, read_recordings
from flowlift.errors import InputError
from flowlift.joint_words import words_of
from flowlift.lifting.stature import ANIMAL_LENGTHS
from flowlift.skeleton import MIN_JOINTS, Skeleton
from flowlift.units import METRES

ALIKE = 5.0
"""Bodies of one training set differ by less than this factor, or one of them is in another unit."""
STRETCHED = 0.5
"""A bone that is longer than its median by more than this share of the body ends in a joint that was not found."""
UPS = ("x", "y", "z", "-x", "-y", "-z")


@dataclass(frozen=True, eq=False)
class Session:
    """`xyz` (frame, joint, 3): world, Y up where `up` is known, in body lengths; NaN where unknown. `length`: of the
    body, in the file's `unit`. `mapped`: each joint and the name it has in the file. `unused`: the file's other names.
    `broken`: joints that stood too far away to be true, and count as not found. `sha256` of the file.
    """

    name: str
    xyz: Float32[np.ndarray, "frame joint 3"]
    length: float
    unit: str | None
    fps: float | None
    up: str | None
    mapped: tuple[tuple[str, str], ...]
    unused: tuple[str, ...]
    broken: int
    sha256: str

    @property
    def usable(self) -> Int64[np.ndarray, " some"]:
        """Numbers of the frames that show half of the joints or more."""
        there = np.isfinite(self.xyz).all(axis=-1)
        return np.flatnonzero(there.sum(axis=1) >= max(MIN_JOINTS, there.shape[1] / 2))


def read_sessions(
    paths: Sequence[Path], skeleton: Skeleton, *, unit: str | None = None, up: str | None = None
) -> list[Session]:
    """Every animal of some files, on a skeleton's joints. `unit`: of files that do not say. `up` (x, -y, ...): of files
    whose format does not say; of all where every one's does.

    Files of one name are called by their folders, too. Raises InputError for a skeleton of too few joints, and for
    files that lack joints, show none of a joint, cannot be in the unit that is told, or all say another one.
    """
    if unit is not None and unit not in METRES:
        raise InputError(f"the unit must be one of {', '.join(METRES)}, got {unit!r}")
    if up is not None and up not in UPS:
        raise InputError(f"up must be one of {', '.join(UPS)}, got {up!r}")
    if not paths:
        raise InputError("no recording is given")
    if len(skeleton) < MIN_JOINTS:
        raise InputError(f"the skeleton {skeleton.name!r} has {len(skeleton)} joints; a pose needs {MIN_JOINTS}")
    found: list[tuple[Path, str, Recording]] = []
    for path, folders in zip(paths, _folders(paths), strict=True):
        recordings, checksum = read_recordings(path, joints=len(skeleton)), of_file(path)
        if checksum in {other for _, other, _ in found}:
            raise InputError(f"{path}: the same recording is given twice")
        found += [(path, checksum, replace(each, name=folders + each.name)) for each in recordings]
    path, _, first = found[0]
    if unit is not None and all(each.unit not in (None, unit) for _, _, each in found):
        raise InputError(f"{path}: it says that its unit is {first.unit}, not {unit}; leave the unit out")
    told = all(each.up is not None for _, _, each in found)
    sessions = [
        _session(each, path, skeleton, each.unit or unit, (up or each.up) if told else (each.up or up), checksum)
        for path, checksum, each in found
    ]
    _check_alike(sessions)
    return sessions


def _folders(paths: Sequence[Path]) -> list[str]:
    """What stands before the names of files: of those that share a name, as many folders as tell them apart. Raises
    InputError for two in one folder."""
    places = [(path.stem, path.parent.resolve().parts[1:]) for path in paths]
    first: dict[tuple[str, tuple[str, ...]], Path] = {}
    for path, place in zip(paths, places, strict=True):
        if (twin := first.setdefault(place, path)) != path:
            raise InputError(f"{path}: is called as {twin.name} is, beside it; rename one of the two")
    found = []
    for stem, own in places:
        others = [folders for name, folders in places if name == stem and folders != own]
        counts = range(1, len(own) + 2) if others else ()
        count = next((n for n in counts if all(own[-n:] != other[-n:] for other in others)), 0)
        found.append("".join(f"{folder}/" for folder in own[max(len(own) - count, 0) :]))
    return found


def in_words(session: Session, skeleton: Skeleton) -> list[str]:
    """What a session holds, and what mapped to what."""
    renamed = [f"{theirs} -> {ours}" for ours, theirs in session.mapped if ours != theirs]
    missing = float(np.isnan(session.xyz[..., 0]).mean())
    along = " - ".join(skeleton.size_chain)
    unit = session.unit or "of the file's unit, which is not told"
    lines = [
        f"{session.name}: {len(session.xyz):,} frames, {len(session.usable):,} usable, {missing:.1%} of joints missing",
        f"  body length {session.length:.4g} {unit} ({along}), up: {session.up or 'unknown'}",
        f"  joints: {', '.join(ours for ours, theirs in session.mapped if ours == theirs) or 'none by the same name'}",
    ]
    if renamed:
        lines.append(f"  renamed: {', '.join(renamed)}")
    if session.unused:
        lines.append(f"  not used: {', '.join(session.unused)}")
    if session.broken:
        lines.append(f"  {session.broken:,} joints stood too far from their body and count as missing")
    return lines


def _session(
    recording: Recording, path: Path, skeleton: Skeleton, unit: str | None, up: str | None, checksum: str
) -> Session:
    picked, mapped = _matched(recording, skeleton, path)
    unused = tuple(name for i, name in enumerate(recording.joints or ()) if i not in picked)
    xyz = recording.xyz[:, picked]
    nowhere = (xyz == 0).all(axis=-1)  # of several joints at once, as gaps are filled
    nowhere &= nowhere.sum(axis=1, keepdims=True) > 1
    xyz = np.where(np.isfinite(xyz).all(axis=-1, keepdims=True) & ~nowhere[..., None], xyz, np.nan)
    never = [
        joint for joint, seen in zip(skeleton.joints, np.isfinite(xyz[..., 0]).any(axis=0), strict=True) if not seen
    ]
    if never:
        raise InputError(f"{path}: {recording.name} never shows {', '.join(never)}: every value is missing")
    length = body_length(xyz, skeleton)
    if not length > 0:
        raise InputError(f"{path}: no frame shows all of {', '.join(skeleton.size_chain)}: no body length to tell")
    _check_unit(length, unit, path)
    xyz, broken = without_stretched(xyz / length, skeleton)
    session = Session(
        name=recording.name,
        xyz=(xyz @ turn_up(up).T).astype(np.float32),
        length=length,
        unit=unit,
        fps=recording.fps,
        up=up,
        mapped=mapped,
        unused=unused,
        broken=broken,
        sha256=checksum,
    )
    if not len(session.usable):
        raise InputError(f"{path}: no frame of {recording.name} shows half of the joints")
    return session


def _matched(recording: Recording, skeleton: Skeleton, path: Path) -> tuple[list[int], tuple[tuple[str, str], ...]]:
    """Where each joint stands in the recording: by its name; without names by its place."""
    if recording.joints is None:
        if recording.xyz.shape[1] != len(skeleton):
            raise InputError(
                f"{path}: it holds {recording.xyz.shape[1]} joints without names, {skeleton.name!r} has {len(skeleton)}"
            )
        return list(range(len(skeleton))), tuple((joint, f"number {i + 1}") for i, joint in enumerate(skeleton.joints))
    places = _places(skeleton.joints, recording.joints)
    lacking = [joint for joint, found in zip(skeleton.joints, places, strict=True) if not found]
    if lacking:
        raise InputError(
            f"{path}: it has no joint {', '.join(lacking)} of the skeleton {skeleton.name!r}; "
            f"it has {', '.join(recording.joints)}"
        )
    twice = [joint for joint, found in zip(skeleton.joints, places, strict=True) if len(found) > 1]
    if twice:
        raise InputError(f"{path}: several of its joints could be {twice[0]}")
    picked = [found[0] for found in places]
    shared = [joint for joint, place in zip(skeleton.joints, picked, strict=True) if picked.count(place) > 1]
    if shared:
        raise InputError(
            f"{path}: its {recording.joints[picked[skeleton.joints.index(shared[0])]]} could be any of "
            f"the skeleton's {', '.join(shared)}"
        )
    return picked, tuple((joint, recording.joints[i]) for joint, i in zip(skeleton.joints, picked, strict=True))


def _places(joints: Sequence[str], names: Sequence[str]) -> list[list[int]]:
    """Where a joint of each name stands; failing that, one whose name has the same words (LKnee is left_knee) and is no
    other joint's."""
    same = [[i for i, name in enumerate(names) if _bare(name) == _bare(joint)] for joint in joints]
    taken = {i for found in same for i in found}
    return [
        found or [i for i, name in enumerate(names) if i not in taken and words_of(name) == words_of(joint)]
        for joint, found in zip(joints, same, strict=True)
    ]


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def body_length(xyz: Float64[np.ndarray, "frame joint 3"], skeleton: Skeleton) -> float:
    """The median over frames of the length along the skeleton's size chain; NaN where no frame shows all of it."""
    chain = xyz[:, skeleton.indices(skeleton.size_chain)]
    lengths = np.linalg.norm(np.diff(chain, axis=1), axis=-1).sum(axis=-1)
    known = lengths[np.isfinite(lengths)]
    return float(np.median(known)) if len(known) else float("nan")


def without_stretched(
    xyz: Float64[np.ndarray, "frame joint 3"], skeleton: Skeleton
) -> tuple[Float64[np.ndarray, "frame joint 3"], int]:
    """Poses in body lengths without the joints that no bone reaches: of a bone that is far too long, the end that has
    more such bones, else the one further from the root. And how many that were."""
    parents, children = (np.array(side) for side in zip(*skeleton.bones, strict=True))
    lengths = np.linalg.norm(xyz[:, parents] - xyz[:, children], axis=-1)
    known = np.isfinite(lengths)
    usual = np.array([np.median(row[ok]) if ok.any() else 0.0 for row, ok in zip(lengths.T, known.T, strict=True)])
    stretched = known & (np.nan_to_num(lengths) > usual + STRETCHED)
    bad = np.zeros(xyz.shape[:2], dtype=np.int64)
    for bone, (parent, child) in enumerate(skeleton.bones):
        bad[:, parent] += stretched[:, bone]
        bad[:, child] += stretched[:, bone]
    gone = np.zeros(xyz.shape[:2], dtype=bool)
    for bone, (parent, child) in enumerate(skeleton.bones):
        worse = np.where(bad[:, parent] > bad[:, child], parent, child)
        gone[np.flatnonzero(stretched[:, bone]), worse[stretched[:, bone]]] = True
    return np.where(gone[..., None], np.nan, xyz), int((gone & np.isfinite(xyz[..., 0])).sum())


def turn_up(up: str | None) -> Float64[np.ndarray, "3 3"]:
    """The rotation that takes the axis that points up to Y; none where it is not known."""
    if up is None:
        return np.eye(3)
    axis = "xyz".index(up[-1])
    rows = np.zeros((3, 3))
    sign = -1.0 if up[0] == "-" else 1.0
    rows[0, (axis + 2) % 3], rows[1, axis], rows[2, (axis + 1) % 3] = sign, sign, 1.0
    return rows


def _check_unit(length: float, unit: str | None, path: Path) -> None:
    if unit is None or unit.lower() not in METRES:
        return
    metres, (least, most) = length * METRES[unit.lower()], ANIMAL_LENGTHS
    if not least <= metres <= most:
        raise InputError(f"{path}: its body would be {metres:.3g} m long: its unit is not {unit}")


def _check_alike(sessions: Sequence[Session]) -> None:
    def metres(session: Session) -> float:
        return session.length * METRES.get((session.unit or "").lower(), 1.0)

    short, long = min(sessions, key=metres), max(sessions, key=metres)
    if metres(long) > ALIKE * metres(short):
        raise InputError(
            f"the body of {long.name} is {metres(long) / metres(short):.3g} times as long as that of {short.name}: "
            "are they in the same unit?"
        )
