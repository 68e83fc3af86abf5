"""Acclaim motion capture: a skeleton (.asf) and a motion (.amc) in, positions of bone ends out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from jaxtyping import Float64

from flowlift.datasets.bvh import Motion, axis_rotation
from flowlift.errors import InputError
from flowlift.skeletons import HUMAN36M17

INCH = 0.0254

_BONE_END = {
    "hip": "rhipjoint lhipjoint",
    "right_hip": "rhipjoint",
    "right_knee": "rfemur",
    "right_ankle": "rtibia",
    "left_hip": "lhipjoint",
    "left_knee": "lfemur",
    "left_ankle": "ltibia",
    "spine": "lowerback",
    "thorax": "lowerneck",
    "nose": "upperneck",
    "head": "head",
    "left_shoulder": "lclavicle",
    "left_elbow": "lhumerus",
    "left_wrist": "lradius",
    "right_shoulder": "rclavicle",
    "right_elbow": "rhumerus",
    "right_wrist": "rradius",
}


@dataclass(frozen=True, eq=False)
class Bone:
    """A bone: `parent` by name ("" for the root), its vector (3,) at rest, its own axes (3, 3), its free rotations.

    Lengths are metres; `degrees_of_freedom` are words such as rx, ry, rz (tx, ty, tz only at the root), in file order.
    """

    name: str
    parent: str
    vector: Float64[np.ndarray, "3"]
    axes: Float64[np.ndarray, "3 3"]
    degrees_of_freedom: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class AcclaimSkeleton:
    """The bones of an .asf, every parent before its children, the root first; metres per unit of length; angle unit."""

    bones: tuple[Bone, ...]
    metres: float
    radians: bool


def read_asf(path: str | Path) -> AcclaimSkeleton:
    """Read an Acclaim skeleton. Raises InputError when the file cannot be read or is not one.

    The header's `length` L says that one unit is 1/L inch (CMU and HDM05: 0.45, so 0.0564 m).
    """
    try:
        sections = _sections(Path(path).read_text(encoding="utf-8", errors="replace"))
        units = {line[0]: line[1] for line in sections["units"] if len(line) > 1}
        length = float(units["length"])
        if not length > 0:
            raise ValueError(f"the unit of length must be positive, got {length}")
        metres, radians = INCH / length, units.get("angle", "deg").startswith("rad")
        table = {bone["name"][0]: bone for bone in _bone_tables(sections["bonedata"])}
        bones = [_root(_fields(sections["root"]), metres, radians)]
        # Lines may name a parent before that parent's own line: walk down from the root.
        children = {line[0]: line[1:] for line in sections["hierarchy"] if line[0] not in ("begin", "end")}
        for above in bones:
            for name in children.pop(above.name, []):
                bones.append(_bone(name, above.name, table.pop(name), metres, radians))
    except KeyError as error:
        raise InputError(f"{path}: cannot read it as an Acclaim skeleton: {error} is missing") from error
    except (OSError, ValueError, IndexError) as error:
        raise InputError(f"{path}: cannot read it as an Acclaim skeleton: {error}") from error
    return AcclaimSkeleton(tuple(bones), metres, radians)


def read_acclaim(asf: str | Path | AcclaimSkeleton, amc: str | Path, *, fps: float = 120.0, stride: int = 1) -> Motion:
    """Every `stride`-th frame of an Acclaim motion: named bone ends in metres (and `root`), the capture's axes.

    The format does not tell the frame rate: `fps` is that of the file (CMU and HDM05: 120).
    Raises InputError when a file cannot be read, or the motion does not fit the skeleton.
    """
    skeleton = asf if isinstance(asf, AcclaimSkeleton) else read_asf(asf)
    if stride < 1:
        raise InputError(f"stride must be at least 1, got {stride}")
    try:
        text = Path(amc).read_text(encoding="utf-8", errors="replace")
        channels = _channels(text, skeleton, stride)
        radians = _in_radians(text, skeleton.radians)
    except (OSError, ValueError) as error:
        raise InputError(f"{amc}: cannot read it as an Acclaim motion: {error}") from error
    names = tuple(bone.name for bone in skeleton.bones)
    return Motion(names, _forward_kinematics(skeleton, channels, radians), fps / stride)


def human36m17_from_acclaim(motion: Motion) -> Float64[np.ndarray, "frame 17 3"]:
    """The 17 Human3.6M joints as bone ends (hip: between both hips), the motion's unit and axes.

    Raises InputError when a bone is missing.
    """
    return np.stack(
        [np.mean([motion.joint(bone) for bone in _BONE_END[j].split()], axis=0) for j in HUMAN36M17.joints], axis=1
    )


def _sections(text: str) -> dict[str, list[list[str]]]:
    sections: dict[str, list[list[str]]] = {}
    current: list[list[str]] = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words and words[0].startswith(":"):
            current = sections.setdefault(words[0][1:].lower(), [])
        elif words:
            current.append(words)
    return sections


def _fields(lines: Sequence[list[str]]) -> dict[str, list[str]]:
    return {line[0]: line[1:] for line in lines}


def _bone_tables(lines: Sequence[list[str]]) -> list[dict[str, list[str]]]:
    tables: list[dict[str, list[str]]] = []
    for line in lines:
        if line[0] == "begin":
            tables.append({})
        elif line[0] != "end":
            tables[-1][line[0]] = line[1:]
    return tables


def _euler(order: str, angles: Float64[np.ndarray, "frame axis"], radians: bool) -> Float64[np.ndarray, "frame 3 3"]:
    """Rotations about fixed axes, the first named first: order "xyz" gives Rz Ry Rx."""
    turn = np.broadcast_to(np.eye(3), (len(angles), 3, 3))
    for axis, values in zip(order.lower(), angles.T, strict=True):
        turn = axis_rotation("xyz".index(axis), np.degrees(values) if radians else values) @ turn
    return turn


def _vector(words: Sequence[str]) -> Float64[np.ndarray, "3"]:
    vector = np.array(words, dtype=np.float64)
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise ValueError(f"expected three numbers, got {' '.join(words)!r}")
    return vector


def _root(fields: dict[str, list[str]], metres: float, radians: bool) -> Bone:
    axes = _euler(fields["axis"][0], _vector(fields["orientation"])[None], radians)[0]
    freedom = tuple(word.lower() for word in fields["order"])
    if sorted(freedom) != ["rx", "ry", "rz", "tx", "ty", "tz"]:
        raise ValueError(f"the root's order must name TX TY TZ RX RY RZ, got {' '.join(freedom)!r}")
    return Bone("root", "", _vector(fields["position"]) * metres, axes, freedom)


def _bone(name: str, parent: str, fields: dict[str, list[str]], metres: float, radians: bool) -> Bone:
    vector = _vector(fields["direction"]) * float(fields["length"][0]) * metres
    axes = _euler(fields["axis"][3], _vector(fields["axis"][:3])[None], radians)[0]
    freedom = tuple(word.lower() for word in fields.get("dof", []))
    if set(freedom) - {"rx", "ry", "rz"}:
        raise ValueError(f"bone {name!r} moves by {' '.join(freedom)}; only rx, ry and rz are read")
    return Bone(name, parent, vector, axes, freedom)


def _channels(text: str, skeleton: AcclaimSkeleton, stride: int) -> dict[str, Float64[np.ndarray, "frame channel"]]:
    """Each moving bone's values, one row a frame; every frame must name the same bones in the same order."""
    lines = [line for line in text.splitlines() if line.strip() and line.lstrip()[0] not in "#:"]
    starts = next((i for i, line in enumerate(lines[1:], 1) if line.strip().isdecimal()), len(lines))
    layout = [(line.split()[0], len(line.split()) - 1) for line in lines[1:starts]]
    freedom = {bone.name: len(bone.degrees_of_freedom) for bone in skeleton.bones}
    if not lines or not lines[0].strip().isdecimal():
        _fail("it has no frames")
    for name, count in layout:
        if name not in freedom or count != freedom[name]:
            _fail(f"{name!r} has {count} values, the skeleton wants {freedom.get(name, 'no such bone')}")
    if lacking := {name for name, count in freedom.items() if count} - dict(layout).keys():
        _fail(f"no values for {', '.join(sorted(lacking))}")
    if len(lines) % starts:
        _fail(f"its last frame is cut off or a frame differs from the first ({len(lines)} lines, {starts} a frame)")
    kept = [line.split() for first in range(0, len(lines), starts * stride) for line in lines[first : first + starts]]
    channels = {}
    for row, (name, count) in enumerate(layout, 1):
        rows = kept[row::starts]
        if any(words[0] != name or len(words) != count + 1 for words in rows):
            _fail(f"{name!r} is missing or has another number of values in some frame")
        values = np.array([words[1:] for words in rows], dtype=np.float64)
        if not np.isfinite(values).all():
            _fail(f"{name!r} has values that are not finite")
        channels[name] = values
    return channels


def _in_radians(text: str, default: bool) -> bool:
    """The motion's own angle unit, where its header names one."""
    header = {line.strip().lower() for line in text.splitlines()[:20]}
    return default if ":degrees" not in header and ":radians" not in header else ":radians" in header


def _fail(what: str) -> NoReturn:
    raise ValueError(what)


def _forward_kinematics(
    skeleton: AcclaimSkeleton, channels: dict[str, Float64[np.ndarray, "frame channel"]], radians: bool
) -> Float64[np.ndarray, "frame bone 3"]:
    frames = len(channels["root"])
    ends: dict[str, Float64[np.ndarray, "frame 3"]] = {"": np.zeros((frames, 3))}
    turns: dict[str, Float64[np.ndarray, "frame 3 3"]] = {"": np.broadcast_to(np.eye(3), (frames, 3, 3))}
    for bone in skeleton.bones:
        freedom = bone.degrees_of_freedom
        values = channels.get(bone.name, np.zeros((frames, 0)))
        angles = [i for i, word in enumerate(freedom) if word[0] == "r"]
        motion = _euler("".join(freedom[i][1] for i in angles), values[:, angles], radians)
        turns[bone.name] = turns[bone.parent] @ (bone.axes @ motion @ bone.axes.T)
        ends[bone.name] = ends[bone.parent] + turns[bone.name] @ bone.vector
        if bone.name == "root":
            shift = [freedom.index(word) for word in ("tx", "ty", "tz")]
            ends["root"] = bone.vector + values[:, shift] * skeleton.metres
    return np.stack([ends[bone.name] for bone in skeleton.bones], axis=1)
