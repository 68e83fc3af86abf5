"""Small .glb files in the shapes of the animated animals': written byte by byte, so that every answer is known."""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

# A fox of the mesh2motion kind at rest: node -> parent, place (x right of the viewer's left, y up, z ahead).
MIDDLE = {
    "root": (None, (0, 0, 0)),
    "Hips": ("root", (0, 1.0, -0.7)),
    "Spine_3": ("Hips", (0, 1.1, 0.6)),
    "Head": ("Spine_3", (0, 1.3, 0.9)),
    "Tail_Base": ("Hips", (0, 1.0, -0.8)),
    "Tail_Mid": ("Tail_Base", (0, 1.0, -1.0)),
    "Tail_Mid.001": ("Tail_Mid", (0, 1.0, -1.2)),
    "Tail_Tip": ("Tail_Mid.001", (0, 1.0, -1.6)),
}
LEFT = {
    "Front_Leg_Upper_L": ("Spine_3", (0.2, 0.9, 0.5)),
    "Front_Leg_Lower_L": ("Front_Leg_Upper_L", (0.2, 0.5, 0.4)),
    "Front_Leg_Ankle_L": ("Front_Leg_Lower_L", (0.2, 0.1, 0.4)),
    "Front_Leg_Foot_L": ("Front_Leg_Ankle_L", (0.2, 0.0, 0.5)),
    "Back_Leg_Lower_L": ("Hips", (0.2, 0.7, -0.5)),
    "Back_Leg_Ankle_L": ("Back_Leg_Lower_L", (0.2, 0.35, -0.8)),
    "Back_Leg_Foot_1_L": ("Back_Leg_Ankle_L", (0.2, 0.0, -0.7)),
    "Ear_L": ("Head", (0.15, 1.5, 0.9)),
}


def fox_nodes(longer: float = 1.0) -> dict[str, tuple[str | None, np.ndarray]]:
    """Every node's parent and place; `longer`: a factor of all lengths along z."""
    nodes = {name: (parent, np.array(at, np.float64)) for name, (parent, at) in {**MIDDLE, **LEFT}.items()}
    for name, (parent, at) in LEFT.items():
        nodes[_right(name)] = (_right(parent), np.array(at, np.float64) * [-1, 1, 1])
    return {name: (parent, at * [1, 1, longer]) for name, (parent, at) in nodes.items()}


def _right(name: str) -> str:
    return name.removesuffix("_L") + "_R" if name.endswith("_L") else name


def head_vertices() -> np.ndarray:
    """A head as a cloud of points: a wide skull, a muzzle that narrows towards +Z."""
    along = np.linspace(0, 1, 12)
    rings = []
    for share in along:
        angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        wide = 0.2 * (1 - 0.7 * share)
        rings.append(
            np.stack([wide * np.cos(angle), 1.3 + wide * np.sin(angle), np.full(16, 0.9 + 0.5 * share)], axis=1)
        )
    return np.concatenate(rings)


def write_fox(
    path: Path,
    animations: Mapping[str, Mapping[str, Sequence[tuple[float, Sequence[float]]]]],
    *,
    longer: float = 1.0,
    way: str = "LINEAR",
    change: Any = None,
) -> Path:
    """A fox with animations: name -> node -> keys of (seconds, quaternion x y z w). `change` edits the JSON first."""
    nodes = fox_nodes(longer)
    names = list(nodes)
    blob, views, accessors = bytearray(), [], []

    def put(values: np.ndarray, kind: str, component: int) -> int:
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": values.nbytes})
        accessors.append({"bufferView": len(views) - 1, "componentType": component, "count": len(values), "type": kind})
        blob.extend(values.tobytes())
        blob.extend(bytes(-len(blob) % 4))
        return len(accessors) - 1

    told_nodes: list[dict[str, Any]] = []
    for name, (parent, at) in nodes.items():
        above = nodes[parent][1] if parent is not None else np.zeros(3)
        children = [names.index(child) for child, (of, _) in nodes.items() if of == name]
        told_nodes.append(
            {"name": name, "translation": (at - above).tolist()} | ({"children": children} if children else {})
        )
    vertices = head_vertices() * [1, 1, longer]
    head = names.index("Head")
    inverse = np.stack([np.eye(4)] * len(names))
    for index, (_, at) in enumerate(nodes.values()):
        inverse[index, :3, 3] = -at
    which = np.zeros((len(vertices), 4), np.uint16)
    which[:, 0] = head
    attributes = {
        "POSITION": put(vertices.astype("<f4"), "VEC3", 5126),
        "JOINTS_0": put(which, "VEC4", 5123),
        "WEIGHTS_0": put(np.tile(np.array([1, 0, 0, 0], "<f4"), (len(vertices), 1)), "VEC4", 5126),
    }
    told_nodes.append({"name": "mesh", "mesh": 0, "skin": 0})
    skin = {
        "joints": list(range(len(names))),
        "inverseBindMatrices": put(inverse.transpose(0, 2, 1).astype("<f4").reshape(-1, 16), "MAT4", 5126),
    }
    told_animations = []
    for animation, tracks in animations.items():
        samplers, channels = [], []
        for node, keys in tracks.items():
            times = np.array([time for time, _ in keys], "<f4")[:, None]
            samplers.append(
                {
                    "input": put(times, "SCALAR", 5126),
                    "output": put(np.array([value for _, value in keys], "<f4"), "VEC4", 5126),
                    "interpolation": way,
                }
            )
            channels.append({"sampler": len(samplers) - 1, "target": {"node": names.index(node), "path": "rotation"}})
        told_animations.append({"name": animation, "samplers": samplers, "channels": channels})
    told = {
        "asset": {"version": "2.0"},
        "nodes": told_nodes,
        "meshes": [{"primitives": [{"attributes": attributes, "material": 0}]}],
        "materials": [{"name": "Fur"}],
        "skins": [skin],
        "animations": told_animations,
        "buffers": [{"byteLength": len(blob)}],
        "bufferViews": views,
        "accessors": accessors,
    }
    if change is not None:
        change(told)
    text = json.dumps(told).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(blob), b"BIN\0") + bytes(blob)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)
    return path


def about(axis: int, degrees: float) -> list[float]:
    """The quaternion x y z w of a turn about one axis."""
    half = np.radians(degrees) / 2
    quaternion = [0.0, 0.0, 0.0, float(np.cos(half))]
    quaternion[axis] = float(np.sin(half))
    return quaternion
