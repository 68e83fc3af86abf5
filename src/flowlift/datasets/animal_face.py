"""Eyes, nose and mouth of an animal from the mesh of its head, as bound: animators' rigs have no joints there."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64

from flowlift.datasets.gltf import Scene

Points = dict[str, Float64[np.ndarray, "3"]]
"""Joint of animal3d26 -> where it is while the head is as its skin was bound, in the scene's unit and axes."""


@dataclass(frozen=True)
class Painted:
    """Where a picture on the skin shows the left eye and the left corner of the mouth, in the scene's unit and axes."""

    eye: tuple[float, float, float]
    mouth_corner: tuple[float, float, float]


_FOX = Painted((0.12, 1.37, 1.22), (0.1, 1.19, 1.265))
PAINTED: Mapping[str, Painted] = MappingProxyType(
    {
        "fox-animations": _FOX,
        "fox-fox": _FOX,
        "fox-cat": Painted((0.27, 1.49, 1.56), (0.29, 1.16, 1.47)),
        "fox-dog": Painted((0.21, 1.55, 0.985), (0.19, 1.155, 1.0)),
        "fox-panda": Painted((0.09, 1.15, 1.17), (0.09, 0.925, 1.14)),
        "fox-horse": Painted((0.115, 1.85, 1.095), (0.08, 1.525, 1.21)),
        "horse-animations": Painted((0.083, 1.755, 1.355), (0.06, 1.465, 1.41)),
    }
)
"""Of mesh2motion's bodies, read off their heads' pictures: a cat's eyes look ahead and its cheeks are broad, so that no
rule finds from the shape alone what does for a horse."""
_EYES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"Husky": ("Material.003", "Material.002"), "Stag": ("Material.011",)}
)
"""Materials of eyes in the files that do not call them so."""


def eye_materials(file: str, materials: tuple[str, ...]) -> tuple[int, ...]:
    """Numbers of the materials that only eyes have; () for none."""
    named = _EYES.get(file, ())
    return tuple(number for number, name in enumerate(materials) if name in named or name.lower().startswith("eye"))


def face_of(
    scene: Scene, *, head: str, face: tuple[str, ...], eyes: tuple[int, ...], painted: Painted | None = None
) -> Points:
    """Points on the head's surface, left and right alike; the animal looks along +Z, Y is up.

    `eyes`: as `eye_materials` gives them. `painted`: what is known better. "Forward" is from the head's joint to the
    tip of its muzzle.
    """
    members = [index for index, name in enumerate(scene.nodes) if name in face]
    own = np.isin(scene.vertices.node, members)
    xyz, material = scene.vertices.xyz[own], scene.vertices.material[own]
    joint = scene.vertices.bound[scene.nodes.index(head), :3, 3]
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
        of_eye = here & np.isin(material, eyes)
        if of_eye.any():
            found[f"{side}_eye"] = xyz[of_eye].mean(axis=0)
        else:
            brow = float((found["nose"] - joint) @ up) + 0.22 * reach
            found[f"{side}_eye"] = _widest(xyz, sign * beside, here, along - 0.45 * reach, high - brow, reach)
    if painted is not None:
        for side, sign in (("left", 1.0), ("right", -1.0)):
            found[f"{side}_eye"] = np.array(painted.eye) * [sign, 1, 1]
            found[f"{side}_mouth_corner"] = np.array(painted.mouth_corner) * [sign, 1, 1]
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
