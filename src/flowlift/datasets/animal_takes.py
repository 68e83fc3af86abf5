"""Animated animals -> poses on Animal3D's joints: each animation of each body, at an even rate."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from flowlift.damage import refused_if_damaged
from flowlift.datasets.animal_face import PAINTED, Points, eye_materials, face_of
from flowlift.datasets.animal_rigs import Rig, rig_of
from flowlift.datasets.gltf import Scene, read_glb
from flowlift.errors import InputError
from flowlift.skeletons import ANIMAL3D26

FPS = 30.0


@dataclass(frozen=True, eq=False)
class AnimalTake:
    """One animation of one body: `xyz` (frame, 26, 3), Y up, about the tail base, in the body's own lengths at rest
    (nose to neck to tail base); NaN for joints that the rig has none for. `body`, `animation`: what files call them."""

    body: str
    animation: str
    xyz: Float32[np.ndarray, "frame 26 3"]


@dataclass(frozen=True, eq=False)
class Body:
    """A rigged body, with the points of its face."""

    name: str
    scene: Scene
    rig: Rig
    face: Points

    def joints(self, world: Float64[np.ndarray, "frame node 4 4"]) -> Float64[np.ndarray, "frame 26 3"]:
        """The joints of animal3d26 of some frames, in the scene's unit; NaN where there is none."""
        at = {name: world[:, index, :3, 3] for index, name in enumerate(self.scene.nodes)}
        head = self.scene.nodes.index(self.rig.head)
        moved = world[:, head] @ np.linalg.inv(self.scene.vertices.bound[head])
        xyz = np.full((len(world), len(ANIMAL3D26), 3), np.nan)
        for joint, rule in self.rig.joints.items():
            xyz[:, ANIMAL3D26.index(joint)] = sum(weight * at[node] for node, weight in rule.items())
        for joint, point in self.face.items():
            xyz[:, ANIMAL3D26.index(joint)] = moved[:, :3, :3] @ point + moved[:, :3, 3]
        return xyz


def body_of(name: str, scene: Scene) -> Body | None:
    """A file's body; None where its rig is not known, or nothing covers its head."""
    rig = rig_of(scene, name)
    if rig is None or not len(scene.vertices.xyz):
        return None
    eyes = eye_materials(name, scene.materials)
    return Body(name, scene, rig, face_of(scene, head=rig.head, face=rig.face, eyes=eyes, painted=PAINTED.get(name)))


def animal_takes(folder: Path) -> Iterator[AnimalTake]:
    """Every animation of every body in a folder of .glb files and those below it, bodies in the order of their names.

    A body without animations moves as the first one with animations beside it that has the same rig. One body that
    stands in two files is read once. Raises InputError where there is none.
    """
    bodies = _bodies(folder)
    if not any(body.scene.animations for body in bodies.values()):
        raise InputError(f"{folder}: no animated animal of a known rig is there (.glb files are looked for)")
    for path, body in bodies.items():
        if body.scene.animations:
            with refused_if_damaged(f"{path}: its animations cannot be used"):
                own = [_take(body, name, body.scene.moving(name, fps=FPS)) for name in body.scene.animations]
            yield from own
            continue
        beside = [other for place, other in bodies.items() if place.parent == path.parent and other.scene.animations]
        lent = (other for other in beside if other.rig.name == body.rig.name)
        for actor in lent:
            yield from (_take(body, name, _as(body, actor, name)) for name in actor.scene.animations)
            break


def _bodies(folder: Path) -> Mapping[Path, Body]:
    found: dict[Path, Body] = {}
    for path in sorted(folder.rglob("*.glb")):
        scene = read_glb(path)
        with refused_if_damaged(f"{path}: its body cannot be used"):
            body = body_of(path.stem, scene)
        if body is not None and not any(_same(body, other) for other in found.values()):
            found[path] = body
    return found


def _same(one: Body, other: Body) -> bool:
    a, b = one.scene.vertices.xyz, other.scene.vertices.xyz
    same_animations = one.scene.animations.keys() == other.scene.animations.keys() or not one.scene.animations
    return same_animations and a.shape == b.shape and bool(np.allclose(a, b, atol=1e-4))


def _take(body: Body, animation: str, world: Float64[np.ndarray, "frame node 4 4"]) -> AnimalTake:
    xyz = body.joints(world)
    rest = body.joints(body.scene.at_rest()[None])[0]
    size = sum(float(np.linalg.norm(rest[a] - rest[b])) for a, b in pairwise(ANIMAL3D26.indices(ANIMAL3D26.size_chain)))
    about = (xyz - xyz[:, ANIMAL3D26.root, None]) / size
    return AnimalTake(body.name, animation.rpartition("|")[2], about.astype(np.float32))


def _as(body: Body, actor: Body, animation: str) -> Float64[np.ndarray, "frame node 4 4"]:
    """A body moved as another one of its rig: every node turns from its own rest as the actor's turns from its."""
    moving, still = actor.scene.local(animation, fps=FPS), actor.scene.rest["rotation"]
    local = {path: np.repeat(values[None], len(moving["rotation"]), axis=0) for path, values in body.scene.rest.items()}
    for node, name in enumerate(body.scene.nodes):
        if name in actor.scene.nodes:
            other = actor.scene.nodes.index(name)
            turn = _times(_inverse(still[other]), moving["rotation"][:, other])
            local["rotation"][:, node] = _times(body.scene.rest["rotation"][node], turn)
    return body.scene.world(local)


def _inverse(q: Float64[np.ndarray, "*batch 4"]) -> Float64[np.ndarray, "*batch 4"]:
    return q * np.array([-1.0, -1.0, -1.0, 1.0])


def _times(a: Float64[np.ndarray, "*#batch 4"], b: Float64[np.ndarray, "*#batch 4"]) -> Float64[np.ndarray, "*batch 4"]:
    """The product of unit quaternions x y z w: b first, then a."""
    v, w = a[..., :3], a[..., 3:]
    x, y = b[..., :3], b[..., 3:]
    return np.concatenate([w * x + y * v + np.cross(v, x), w * y - (v * x).sum(axis=-1, keepdims=True)], axis=-1)
