"""Eyes, nose and mouth of an animal from the mesh of its head, at rest: animators' rigs have no joints there."""

import numpy as np
from jaxtyping import Float64

from flowlift.datasets.gltf import Scene

Points = dict[str, Float64[np.ndarray, "3"]]
"""Joint of animal3d26 -> where it is at rest, in the scene's unit and axes."""


def face_of(scene: Scene, *, head: str, face: tuple[str, ...], eyes: tuple[int, ...]) -> Points:
    """Points on the head's surface, left and right alike; the animal looks along +Z, Y is up.

    `eyes`: numbers of materials that only eyes have, () for none. "Forward" is from the head's joint to the tip of its
    muzzle.
    """
    members = [index for index, name in enumerate(scene.nodes) if name in face]
    own = np.isin(scene.vertices.node, members)
    xyz, material = scene.vertices.xyz[own], scene.vertices.material[own]
    joint = scene.at_rest()[scene.nodes.index(head), :3, 3]
    middle = np.abs(xyz[:, 0] - joint[0]) < 0.25 * np.ptp(xyz[:, 0])
    muzzle = xyz[middle][np.argsort(xyz[middle, 2])[-12:]].mean(axis=0)
    forward = _unit(np.array([0.0, *(muzzle - joint)[1:]]))
    up = np.array([0.0, forward[2], -forward[1]])
    along, high, beside = (xyz - joint) @ forward, (xyz - joint) @ up, xyz[:, 0] - joint[0]
    found: Points = {}
    tip = middle & (along > along[middle].max() - 0.06 * np.ptp(along[middle]))
    found["nose"] = _in_the_middle(xyz[tip][high[tip] >= np.median(high[tip])], joint)
    reach = float((found["nose"] - joint) @ forward)
    low = middle & (along > 0.8 * reach) & (high < np.median(high[middle & (along > 0.8 * reach)]))
    found["mouth_mid"] = _in_the_middle(xyz[low], joint)
    mouth = float((found["mouth_mid"] - joint) @ up)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        here = sign * beside > 0
        found[f"{side}_mouth_corner"] = _widest(xyz, sign * beside, here, along - 0.72 * reach, high - mouth, reach)
        painted = here & np.isin(material, eyes)
        if painted.any():
            found[f"{side}_eye"] = xyz[painted].mean(axis=0)
        else:
            brow = float((found["nose"] - joint) @ up) + 0.22 * reach
            found[f"{side}_eye"] = _widest(xyz, sign * beside, here, along - 0.45 * reach, high - brow, reach)
    return _even(found, float(joint[0]))


def _widest(
    xyz: Float64[np.ndarray, "vertex 3"],
    beside: Float64[np.ndarray, " vertex"],
    here: np.ndarray,
    along: Float64[np.ndarray, " vertex"],
    high: Float64[np.ndarray, " vertex"],
    reach: float,
) -> Float64[np.ndarray, "3"]:
    """The vertex nearest to a place on the side of the head, of which only `along` and `high` are given."""
    away = np.where(here, np.hypot(along, high) - 0.3 * beside, np.inf)
    return xyz[np.argsort(away)[:3]].mean(axis=0)


def _even(points: Points, middle: float) -> Points:
    """Left and right as the mean of one and the other's mirror image."""
    across = {name: np.array([2 * middle, 0, 0]) + point * [-1, 1, 1] for name, point in points.items()}
    other = {name: name.replace("left", "*").replace("right", "left").replace("*", "right") for name in points}
    return {name: (point + across[other[name]]) / 2 for name, point in points.items()}


def _in_the_middle(xyz: Float64[np.ndarray, "vertex 3"], joint: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
    mean = xyz.mean(axis=0)
    return np.array([joint[0], mean[1], mean[2]])


def _unit(vector: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
    return vector / np.linalg.norm(vector)
