"""BVH motion capture: a hierarchy with rotations in, joint positions out (forward kinematics)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64

from flowlift.damage import refused_if_damaged
from flowlift.errors import InputError

_AXES = {"X": 0, "Y": 1, "Z": 2}


@dataclass(frozen=True, eq=False)
class Motion:
    """Positions of named joints over time: `xyz` (frame, joint, 3) in the file's own unit and axes."""

    joints: tuple[str, ...]
    xyz: Float64[np.ndarray, "frame joint 3"]
    fps: float

    def joint(self, name: str) -> Float64[np.ndarray, "frame 3"]:
        """One joint's path. Raises InputError for a name that the file lacks."""
        if name not in self.joints:
            raise InputError(f"no joint {name!r} in this capture; it has {', '.join(self.joints)}")
        return self.xyz[:, self.joints.index(name)]


@dataclass
class _Joint:
    name: str
    parent: int
    offset: Float64[np.ndarray, "3"]
    channels: tuple[str, ...] = ()


NOTHING_LOST: Mapping[str, str] = MappingProxyType({})


def read_bvh(path: str | Path, *, stride: int = 1, lost: Mapping[str, str] = NOTHING_LOST) -> Motion:
    """Read every `stride`-th frame of a BVH file; a bone's free end is called `<joint>.end`.

    `lost`: joints whose bone the conversion dropped, each with the joint whose offset stands in for it where the
    file's own is 0. Raises InputError when the file cannot be read or is not BVH.
    """
    with refused_if_damaged(f"{path}: cannot read it as BVH"):
        head, _, tail = Path(path).read_text(encoding="utf-8-sig", errors="replace").partition("MOTION")
        joints = _hierarchy(head.split())
        _stand_in(joints, lost)
        lines = tail.split("\n")
        count = next(int(line.split(":")[1]) for line in lines if line.strip().startswith("Frames:"))
        at = next(i for i, line in enumerate(lines) if line.strip().startswith("Frame Time:"))
        fps = 1.0 / float(lines[at].split(":")[1])
        values = np.array(" ".join(lines[at + 1 :]).split(), dtype=np.float64).reshape(count, -1)
        if not joints or values.shape[1] != sum(len(joint.channels) for joint in joints):
            raise ValueError("the frames do not fit the hierarchy")
    return Motion(tuple(joint.name for joint in joints), _forward_kinematics(joints, values[::stride]), fps / stride)


def _hierarchy(tokens: list[str]) -> list[_Joint]:
    joints: list[_Joint] = []
    above: list[int] = []
    i = 0
    while i < len(tokens):
        word = tokens[i]
        if word in ("ROOT", "JOINT", "End"):
            parent = above[-1] if above else -1
            name = f"{joints[parent].name}.end" if word == "End" else tokens[i + 1]
            joints.append(_Joint(name, parent, np.zeros(3)))
            i += 2
        elif word == "{":
            above.append(len(joints) - 1)
            i += 1
        elif word == "}":
            above.pop()
            i += 1
        elif word == "OFFSET":
            joints[-1].offset = np.array(tokens[i + 1 : i + 4], dtype=np.float64)
            i += 4
        elif word == "CHANNELS":
            count = int(tokens[i + 1])
            joints[-1].channels = tuple(tokens[i + 2 : i + 2 + count])
            for channel in joints[-1].channels:
                if channel[1:] not in ("position", "rotation") or channel[0].upper() not in _AXES:
                    raise ValueError(f"an unknown channel {channel!r}")
            i += 2 + count
        else:
            i += 1
    return joints


def _stand_in(joints: list[_Joint], lost: Mapping[str, str]) -> None:
    by_name = {joint.name: joint for joint in joints}
    for name, like in lost.items():
        if name in by_name and like in by_name and not by_name[name].offset.any():
            by_name[name].offset = by_name[like].offset


def axis_rotation(axis: int, degrees: Float64[np.ndarray, " frame"]) -> Float64[np.ndarray, "frame 3 3"]:
    """Rotation matrices about the x, y or z axis (0, 1, 2)."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.zeros((len(degrees), 3, 3))
    j, k = (axis + 1) % 3, (axis + 2) % 3
    matrix[:, axis, axis] = 1
    matrix[:, j, j], matrix[:, j, k], matrix[:, k, j], matrix[:, k, k] = c, -s, s, c
    return matrix


def _forward_kinematics(
    joints: list[_Joint], values: Float64[np.ndarray, "frame channel"]
) -> Float64[np.ndarray, "frame joint 3"]:
    frames = len(values)
    xyz = np.empty((frames, len(joints), 3))
    turned: list[Float64[np.ndarray, "frame 3 3"]] = []
    at = 0
    for index, joint in enumerate(joints):
        turn = np.broadcast_to(np.eye(3), (frames, 3, 3))
        shift = np.broadcast_to(joint.offset, (frames, 3)).copy()
        moved = False
        for channel in joint.channels:
            axis = _AXES[channel[0].upper()]
            if channel.endswith("position"):
                shift = shift if moved else np.zeros((frames, 3))  # position channels replace the offset
                moved = True
                shift[:, axis] = values[:, at]
            else:
                turn = turn @ axis_rotation(axis, values[:, at])
            at += 1
        if joint.parent < 0:
            xyz[:, index] = shift
            turned.append(turn)
        else:
            above = turned[joint.parent]
            xyz[:, index] = xyz[:, joint.parent] + np.einsum("fij,fj->fi", above, shift)
            turned.append(above @ turn)
    return xyz
