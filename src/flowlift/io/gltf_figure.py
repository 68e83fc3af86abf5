"""What there is to see of a rig: for each bone a slim octahedron between two joints, which stretches as they do."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, UInt16

from flowlift.skeleton import Skeleton
from flowlift.view.style import SIDES, bone_sides

_WAIST, _GIRTH = 0.15, 0.08
"""Where the octahedron is widest, and half its width there, in bone lengths."""
_SHORTEST = 1e-3  # metres: what is shorter is not drawn

# The octahedron's corners: 0 at the parent, 1 to 4 around the waist, 5 at the child.
_FACES = np.array([(end, *around) for end in (0, 5) for around in ((1, 2), (2, 3), (3, 4), (4, 1))])


@dataclass(frozen=True, eq=False)
class Figure:
    """Triangles, three vertices after another: `position` (vertex, 3) m and `normal`, at rest; each vertex follows the
    first of its four `joints` with the first of its `weights`."""

    position: Float32[np.ndarray, "vertex 3"]
    normal: Float32[np.ndarray, "vertex 3"]
    joints: UInt16[np.ndarray, "vertex 4"]
    weights: Float32[np.ndarray, "vertex 4"]


def figures(skeleton: Skeleton, rest: Float64[np.ndarray, "joint 3"]) -> dict[str, Figure]:
    """The bones of each side ("left", "right", "centre") that has any, joints resting at `rest` (m, in the world)."""
    bones = [
        (side, parent, child)
        for side, (parent, child) in zip(bone_sides(skeleton), skeleton.bones, strict=True)
        if np.linalg.norm(rest[child] - rest[parent]) > _SHORTEST
    ]
    return {
        side: _figure([bone[1:] for bone in bones if bone[0] == side], rest)
        for side in SIDES
        if any(bone[0] == side for bone in bones)
    }


def linear_color(side: str) -> list[float]:
    """A side's colour as glTF wants it: linear red, green, blue, and opaque."""
    srgb = np.array(SIDES[side]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return [*linear.round(6).tolist(), 1.0]


def _figure(bones: list[tuple[int, int]], rest: Float64[np.ndarray, "joint 3"]) -> Figure:
    corners = np.array([_corners(rest[parent], rest[child]) for parent, child in bones])
    triangles = corners[:, _FACES].reshape(-1, 3, 3)
    normal = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    outwards = triangles.mean(axis=1) - np.repeat(corners.mean(axis=1), len(_FACES), axis=0)
    inwards = (normal * outwards).sum(axis=-1) < 0
    triangles[inwards] = triangles[inwards][:, ::-1]
    normal = normal * np.where(inwards, -1, 1)[:, None] / np.linalg.norm(normal, axis=-1, keepdims=True)
    ends = np.array([[parent] * 5 + [child] for parent, child in bones])[:, _FACES].reshape(-1, 3)
    ends[inwards] = ends[inwards][:, ::-1]
    joints = np.zeros((ends.size, 4), dtype=np.uint16)
    joints[:, 0] = ends.ravel()
    weights = np.zeros((ends.size, 4), dtype=np.float32)
    weights[:, 0] = 1
    return Figure(
        triangles.reshape(-1, 3).astype(np.float32), np.repeat(normal, 3, axis=0).astype(np.float32), joints, weights
    )


def _corners(start: Float64[np.ndarray, "3"], end: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "6 3"]:
    along = end - start
    across = np.cross(along, np.eye(3)[np.argmin(np.abs(along))])
    across *= np.linalg.norm(along) * _GIRTH / np.linalg.norm(across)
    beside = np.cross(along, across) / np.linalg.norm(along)
    waist = start + _WAIST * along
    return np.array([start, waist + across, waist + beside, waist - across, waist - beside, end])
