"""Binary glTF (.glb): a hierarchy of nodes that rotate and move over time, and the vertices of a skinned mesh."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from flowlift.damage import refused_if_damaged
from flowlift.datasets.rotations import quaternion_to_matrix
from flowlift.errors import InputError

_NUMBERS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_REST: Mapping[str, tuple[float, ...]] = {"translation": (0, 0, 0), "rotation": (0, 0, 0, 1), "scale": (1, 1, 1)}
_LONGEST = 36_000.0
"""Seconds of one animation; whatever claims more is damaged."""


@dataclass(frozen=True)
class Track:
    """How one property of one node changes: `times` (key) s, `values` (key, 3 or 4), quaternions as x y z w.

    `stepped`: it stays until the next key; otherwise it moves evenly.
    """

    node: int
    path: str
    times: Float64[np.ndarray, " key"]
    values: Float64[np.ndarray, "key width"]
    stepped: bool


@dataclass(frozen=True)
class Vertices:
    """A mesh as its skin was bound to it, which is straight where the pose at rest need not be: `xyz` (vertex, 3) in
    the scene's unit and axes (Y up), the `node` (vertex,) that moves each vertex most, and the number of its `material`
    (vertex,). `bound` (node, 4, 4): world matrices of the nodes in that pose; NaN for those that move no vertex."""

    xyz: Float64[np.ndarray, "vertex 3"]
    node: Int64[np.ndarray, " vertex"]
    material: Int64[np.ndarray, " vertex"]
    bound: Float64[np.ndarray, "node 4 4"]


@dataclass(frozen=True)
class Scene:
    """A file's nodes, by name; `parents`: -1 for none, every parent before its children in `order`. `rest`: each
    property (node, 3 or 4). `animations` and `materials`: by name, and by number."""

    nodes: tuple[str, ...]
    parents: tuple[int, ...]
    order: tuple[int, ...]
    rest: Mapping[str, Float64[np.ndarray, "node width"]]
    animations: Mapping[str, tuple[Track, ...]]
    materials: tuple[str, ...]
    vertices: Vertices

    def at_rest(self) -> Float64[np.ndarray, "node 4 4"]:
        """World matrices at rest."""
        return self.world({path: values[None] for path, values in self.rest.items()})[0]

    def moving(self, animation: str, *, fps: float) -> Float64[np.ndarray, "frame node 4 4"]:
        """World matrices at evenly spaced times of an animation, from its first key to its last."""
        return self.world(self.local(animation, fps=fps))

    def local(self, animation: str, *, fps: float) -> dict[str, Float64[np.ndarray, "frame node width"]]:
        """Each property of each node at evenly spaced times; what does not move is at rest."""
        tracks = self.animations[animation]
        first, last = min(t.times[0] for t in tracks), max(t.times[-1] for t in tracks)
        times = np.arange(first, last + 1e-6, 1 / fps)
        local = {path: np.repeat(values[None], len(times), axis=0) for path, values in self.rest.items()}
        for track in tracks:
            local[track.path][:, track.node] = _sampled(track, times)
        return local

    def world(
        self, local: Mapping[str, Float64[np.ndarray, "frame node width"]]
    ) -> Float64[np.ndarray, "frame node 4 4"]:
        """World matrices from each node's own translation, rotation and scale."""
        turned = quaternion_to_matrix(local["rotation"][..., [3, 0, 1, 2]])
        own = np.zeros((*turned.shape[:2], 4, 4))
        own[..., :3, :3] = turned * local["scale"][..., None, :]
        own[..., :3, 3], own[..., 3, 3] = local["translation"], 1
        world = own.copy()
        for node in self.order:
            if self.parents[node] >= 0:
                world[:, node] = world[:, self.parents[node]] @ own[:, node]
        return world


def read_glb(path: Path) -> Scene:
    """Read a .glb file. Raises InputError for another file, or one that uses what is not read: sparse or compressed
    data, nodes with matrices, cubic keys, files outside it."""
    with refused_if_damaged(f"{path}: cannot read it as glTF"):
        content = path.read_bytes()
        magic, version, _ = struct.unpack_from("<4sII", content)
        if magic != b"glTF" or version != 2:
            raise InputError(f"{path}: not a binary glTF 2 file")
        size, kind = struct.unpack_from("<I4s", content, 12)
        told = json.loads(content[20 : 20 + size])
        if kind != b"JSON" or told.get("extensionsRequired"):
            raise ValueError(f"it needs {', '.join(told.get('extensionsRequired', ['another first chunk']))}")
        return _scene(told, content[28 + size :])


def _scene(told: dict[str, Any], data: bytes) -> Scene:
    nodes = told["nodes"]
    if any("matrix" in node for node in nodes):
        raise ValueError("nodes with matrices are not read")
    parents = [-1] * len(nodes)
    for index, node in enumerate(nodes):
        for child in node.get("children", []):
            parents[child] = index
    order = [index for index, parent in enumerate(parents) if parent < 0]
    for index in order:
        order.extend(nodes[index].get("children", []))
    if len(order) != len(nodes):
        raise ValueError("its nodes form no tree")
    rest = {path: np.array([node.get(path, still) for node in nodes], np.float64) for path, still in _REST.items()}
    scene = Scene(
        nodes=tuple(node.get("name", f"node {index}") for index, node in enumerate(nodes)),
        parents=tuple(parents),
        order=tuple(order),
        rest=rest,
        animations={
            given.get("name", f"animation {i}"): tuple(_tracks(given, told, data))
            for i, given in enumerate(told.get("animations", []))
        },
        materials=tuple(given.get("name", "") for given in told.get("materials", [])),
        vertices=Vertices(*_no_vertices(len(nodes))),
    )
    return replace(scene, vertices=_vertices(told, data, scene))


def _no_vertices(nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return np.empty((0, 3)), np.empty(0, np.int64), np.empty(0, np.int64), np.full((nodes, 4, 4), np.nan)


def _numbers(told: dict[str, Any], data: bytes, index: int) -> Float64[np.ndarray, "count width"]:
    """What an accessor gives."""
    accessor = told["accessors"][index]
    view = told["bufferViews"][accessor["bufferView"]]
    if "sparse" in accessor or "uri" in told["buffers"][view["buffer"]]:
        raise ValueError("sparse data, and data in other files, are not read")
    width, kind = _WIDTHS[accessor["type"]], np.dtype(_NUMBERS[accessor["componentType"]])
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    stride = view.get("byteStride") or width * kind.itemsize
    count = accessor["count"]
    if count < 1 or stride < width * kind.itemsize or start < 0:
        raise ValueError(f"accessor {index} has a count, a place or a stride that cannot be")
    raw = np.frombuffer(data, np.uint8, stride * (count - 1) + width * kind.itemsize, start)
    rows = np.lib.stride_tricks.as_strided(raw, (count, width * kind.itemsize), (stride, 1))
    values = np.ascontiguousarray(rows).view(kind).astype(np.float64)
    return values / np.iinfo(kind).max if accessor.get("normalized") else values


def _tracks(given: dict[str, Any], told: dict[str, Any], data: bytes) -> list[Track]:
    tracks = []
    for channel in given["channels"]:
        sampler, target = given["samplers"][channel["sampler"]], channel["target"]
        way = sampler.get("interpolation", "LINEAR")
        if target["path"] not in _REST or way not in ("LINEAR", "STEP"):
            raise ValueError(f"{way} keys of {target['path']} are not read")
        times, values = (_numbers(told, data, sampler[end]) for end in ("input", "output"))
        if len(times) != len(values) or not 0 <= target["node"] < len(told["nodes"]):
            raise ValueError("keys do not fit their times, or move a node that is not there")
        if not np.isfinite(times).all() or (np.diff(times[:, 0]) < 0).any() or np.ptp(times) > _LONGEST:
            raise ValueError(f"the times of keys do not rise, or last longer than {_LONGEST:.0f} s")
        tracks.append(Track(target["node"], target["path"], times[:, 0], values, way == "STEP"))
    return tracks


def _sampled(track: Track, times: Float64[np.ndarray, " frame"]) -> Float64[np.ndarray, "frame width"]:
    """The values at some times. Quaternions move straight, the short way round, and get their length back: between keys
    that lie close this is as good as along the arc."""
    after = np.searchsorted(track.times, times, side="right").clip(1, max(1, len(track.times) - 1))
    before = after - 1
    if len(track.times) == 1:
        return np.repeat(track.values, len(times), axis=0)
    if track.stepped:
        return track.values[np.where(times >= track.times[after], after, before)]
    apart = track.times[after] - track.times[before]
    share = ((times - track.times[before]) / np.where(apart > 0, apart, 1)).clip(0, 1)[:, None]
    a, b = track.values[before], track.values[after]
    if track.path == "rotation":
        b = np.where((a * b).sum(axis=1, keepdims=True) < 0, -b, b)
    mixed = a + share * (b - a)
    return mixed / np.linalg.norm(mixed, axis=1, keepdims=True) if track.path == "rotation" else mixed


def _vertices(told: dict[str, Any], data: bytes, scene: Scene) -> Vertices:
    """Every skinned vertex as it was bound, standing where the skin's first root has it at rest."""
    none, no_node, no_material, bound = _no_vertices(len(scene.nodes))
    xyz, nodes, materials, world = [none], [no_node], [no_material], scene.at_rest()
    for node in told["nodes"]:
        if "mesh" not in node or "skin" not in node:
            continue
        skin = told["skins"][node["skin"]]
        inverse = _numbers(told, data, skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
        joints = np.array(skin["joints"], dtype=np.int64)
        root = next(index for index, joint in enumerate(joints) if scene.parents[joint] not in joints)
        stands = world[joints[root]] @ inverse[root]
        bound[joints] = stands @ np.linalg.inv(inverse)
        for part in told["meshes"][node["mesh"]]["primitives"]:
            at = part["attributes"]
            position = _numbers(told, data, at["POSITION"])
            which, weight = _numbers(told, data, at["JOINTS_0"]).astype(np.int64), _numbers(told, data, at["WEIGHTS_0"])
            xyz.append(position @ stands[:3, :3].T + stands[:3, 3])
            nodes.append(joints[which[np.arange(len(which)), weight.argmax(axis=1)]])
            materials.append(np.full(len(position), part.get("material", -1), dtype=np.int64))
    return Vertices(np.concatenate(xyz), np.concatenate(nodes), np.concatenate(materials), bound)
