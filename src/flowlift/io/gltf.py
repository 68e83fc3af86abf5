"""glTF 2.0 in one file (.glb): for each person an animated joint hierarchy, and a figure of bones to see; y up."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Shaped

from flowlift import __version__
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import OutputError
from flowlift.io.atomic import written_whole
from flowlift.io.gltf_figure import figures, linear_color
from flowlift.io.positions import needs_poses, seconds
from flowlift.io.quaternions import quaternions
from flowlift.io.rig import Rig, rigs
from flowlift.view.style import SIDES

_COMPONENTS = {"float32": 5126, "uint16": 5123}
_TYPES = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_VERTICES = 34962


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """Motion as `rig` has it, in metres, each frame at its own time: all people in one file, a skin each. A pose in
    another unit stands one metre for each of it; `extras` say so.

    Raises OutputError for 2D keypoints, poses without a person in any frame, or an unwritable place.
    """
    poses = needs_poses(obj, path, "glTF")
    moving = rigs(poses)
    if not moving:
        raise OutputError(f"{path}: nobody is in any frame, and glTF cannot say so")
    scene = _Scene()
    scene.document["extras"] = {"unit": poses.unit, "provenance": dict(poses.provenance)}
    times = scene.accessor((seconds(poses) - seconds(poses)[0]).astype(np.float32), bounds=True)
    for person, rig in moving.items():
        scene.add_person(f"person{person}", rig, times)
    content = scene.binary()
    with written_whole(path) as beside:
        beside.write_bytes(content)


class _Scene:
    """A glTF document that grows, and the buffer that its accessors look into."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": f"flowlift {__version__}"},
            "scene": 0,
            "scenes": [{"nodes": []}],
            "nodes": [],
            "meshes": [],
            "skins": [],
            "materials": [
                {
                    "name": side,
                    "pbrMetallicRoughness": {"baseColorFactor": linear_color(side), "metallicFactor": 0.0},
                }
                for side in SIDES
            ],
            "animations": [{"name": "flowlift", "channels": [], "samplers": []}],
            "accessors": [],
            "bufferViews": [],
        }
        self._buffer = bytearray()

    def add_person(self, name: str, rig: Rig, times: int) -> None:
        """A node that holds the person's joints, a skin, a figure, and a channel for each joint's turn and shift."""
        document, skeleton = self.document, rig.skeleton
        first = len(document["nodes"]) + 1  # after the person's own node
        rest = _whole(rig)
        document["nodes"].append({"name": name, "children": [first + skeleton.root]})
        document["scenes"][0]["nodes"].append(first - 1)
        for joint, label in enumerate(skeleton.joints):
            children = [first + child for parent, child in skeleton.bones if parent == joint]
            place = rest[joint] if joint == skeleton.root else rig.rest[joint]
            node = {"name": label, "translation": place.tolist()}
            document["nodes"].append({**node, "children": children} if children else node)
        bind = np.tile(np.eye(4, dtype=np.float32), (len(skeleton), 1, 1))
        bind[:, 3, :3] = -rest  # column after column, as glTF stores matrices
        document["skins"].append(
            {
                "name": name,
                "joints": list(range(first, first + len(skeleton))),
                "skeleton": first + skeleton.root,
                "inverseBindMatrices": self.accessor(bind),
            }
        )
        primitives = self._primitives(rig, rest)
        if primitives:  # at the scene's top, as a skinned mesh goes with its joints alone
            document["scenes"][0]["nodes"].append(len(document["nodes"]))
            figure = {"mesh": len(document["meshes"]), "skin": len(document["skins"]) - 1}
            document["nodes"].append({"name": f"{name} figure", **figure})
            document["meshes"].append({"name": f"{name} figure", "primitives": primitives})
        for joint in range(len(skeleton)):
            self._animate(first + joint, "translation", rig.shift[:, joint], times)
            self._animate(first + joint, "rotation", quaternions(rig.turn[:, joint]), times)

    def accessor(self, array: Shaped[np.ndarray, "..."], *, target: int | None = None, bounds: bool = False) -> int:
        """Put an array into the buffer; the number of its accessor."""
        while len(self._buffer) % 4:
            self._buffer.append(0)
        view = {"buffer": 0, "byteOffset": len(self._buffer), "byteLength": array.nbytes}
        self._buffer += np.ascontiguousarray(array).tobytes()
        self.document["bufferViews"].append(view if target is None else {**view, "target": target})
        made = {
            "bufferView": len(self.document["bufferViews"]) - 1,
            "componentType": _COMPONENTS[array.dtype.name],
            "count": len(array),
            "type": _TYPES[array.shape[1:]],
        }
        if bounds:
            made["min"], made["max"] = (np.atleast_1d(limit(array, axis=0)).tolist() for limit in (np.min, np.max))
        self.document["accessors"].append(made)
        return len(self.document["accessors"]) - 1

    def binary(self) -> bytes:
        """The document and its buffer as one .glb."""
        while len(self._buffer) % 4:
            self._buffer.append(0)
        self.document["buffers"] = [{"byteLength": len(self._buffer)}]
        document = {name: part for name, part in self.document.items() if part != []}  # glTF knows no empty lists
        text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % 4)
        parts = ((b"JSON", text), (b"BIN\0", bytes(self._buffer)))
        chunks = b"".join(struct.pack("<I4s", len(data), kind) + data for kind, data in parts)
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks

    def _primitives(self, rig: Rig, rest: Float64[np.ndarray, "joint 3"]) -> list[dict[str, Any]]:
        made = []
        for side, figure in figures(rig.skeleton, rest).items():
            attributes = {
                "POSITION": self.accessor(figure.position, target=_VERTICES, bounds=True),
                "NORMAL": self.accessor(figure.normal, target=_VERTICES),
                "JOINTS_0": self.accessor(figure.joints, target=_VERTICES),
                "WEIGHTS_0": self.accessor(figure.weights, target=_VERTICES),
            }
            made.append({"attributes": attributes, "material": list(SIDES).index(side)})
        return made

    def _animate(self, node: int, path: str, values: Float64[np.ndarray, "frame number"], times: int) -> None:
        animation = self.document["animations"][0]
        output = self.accessor(values.astype(np.float32))
        animation["channels"].append({"sampler": len(animation["samplers"]), "target": {"node": node, "path": path}})
        animation["samplers"].append({"input": times, "output": output, "interpolation": "LINEAR"})


def _whole(rig: Rig) -> Float64[np.ndarray, "joint 3"]:
    """Where the joints rest in the world: the root above the origin, the lowest joint on the ground."""
    place = np.zeros_like(rig.rest)
    for joint in rig.skeleton.topological[1:]:
        place[joint] = place[rig.skeleton.parent_indices[joint]] + rig.rest[joint]
    return place - [0, place[:, 1].min(), 0]
