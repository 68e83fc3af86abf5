"""BVH, written: a hierarchy with rest offsets, and each frame's positions and rotations; metres, y up."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import OutputError
from flowlift.io.person_files import write_each
from flowlift.io.positions import frame_rate, needs_poses
from flowlift.io.rig import Rig, rigs

_CHANNELS = "Xposition Yposition Zposition Zrotation Xrotation Yrotation"
_TIP = 0.25
"""A free end lies beyond the last joint by so much of the bone before it."""


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """Motion as `rig` has it. Every joint has position channels, which stand in the place of its OFFSET, as bones
    stretch from frame to frame. Frames are evenly spaced: uneven times are lost.

    One file holds one person: of several, clip.bvh becomes clip_person0.bvh and so on. Raises OutputError for 2D
    keypoints, poses without a person in any frame, or an unwritable place.
    """
    poses = needs_poses(obj, path, "BVH")
    moving = rigs(poses)
    if not moving:
        raise OutputError(f"{path}: nobody is in any frame, and BVH cannot say so")
    rate = frame_rate(poses)
    write_each(path, moving, poses.people, lambda person, name: "\n".join(_lines(moving[person], rate)) + "\n")


def _lines(rig: Rig, rate: float) -> Iterator[str]:
    order: list[int] = []  # of the hierarchy, depth first, which the channels follow
    yield "HIERARCHY"
    yield from _joint(rig, rig.skeleton.root, 0, order)
    yield "MOTION"
    yield f"Frames: {len(rig.turn)}"
    yield f"Frame Time: {1 / rate:.9g}"
    values = np.concatenate([rig.shift, euler_zxy(rig.turn)], axis=-1)[:, order]
    for row in values.reshape(len(values), -1).tolist():
        yield " ".join(f"{value:.6f}" for value in row)


def _joint(rig: Rig, joint: int, depth: int, order: list[int]) -> Iterator[str]:
    order.append(joint)
    skeleton, indent = rig.skeleton, "  " * depth
    children = [child for parent, child in skeleton.bones if parent == joint]
    yield f"{indent}{'JOINT' if depth else 'ROOT'} {'_'.join(skeleton.joints[joint].split())}"
    yield f"{indent}{{"
    yield f"{indent}  OFFSET {_numbers(rig.rest[joint])}"
    yield f"{indent}  CHANNELS 6 {_CHANNELS}"
    for child in children:
        yield from _joint(rig, child, depth + 1, order)
    if not children:
        yield f"{indent}  End Site"
        yield f"{indent}  {{"
        yield f"{indent}    OFFSET {_numbers(_TIP * rig.rest[joint])}"
        yield f"{indent}  }}"
    yield f"{indent}}}"


def _numbers(vector: Float64[np.ndarray, "3"]) -> str:
    return " ".join(f"{value:.6f}" for value in vector.tolist())


def euler_zxy(turn: Float64[np.ndarray, "frame joint 3 3"]) -> Float64[np.ndarray, "frame joint 3"]:
    """Angles (z, x, y), degrees, whose rotations one after the other (Z · X · Y) make each matrix; they do not jump by
    whole turns over time."""
    sine = np.clip(turn[..., 2, 1], -1, 1)
    locked = np.abs(sine) > 1 - 1e-9  # only z + y or z - y is told then: y is 0
    z = np.where(locked, np.arctan2(turn[..., 1, 0], turn[..., 0, 0]), np.arctan2(-turn[..., 0, 1], turn[..., 1, 1]))
    y = np.where(locked, 0.0, np.arctan2(-turn[..., 2, 0], turn[..., 2, 2]))
    angles = np.stack([z, np.arcsin(sine), y], axis=-1)
    return np.degrees(np.unwrap(angles, axis=0))
