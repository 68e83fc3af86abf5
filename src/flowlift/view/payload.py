"""What the page holds: a small JSON header, and one block of binary arrays that it indexes.

Arrays are little-endian, row-major, one after another, each at a multiple of 4 bytes. Coordinates are int16 with a
scale (the missing value is -32768), factors of covariances float16 (NaN where missing), confidences uint8 in steps
of 1/254 (255: none given).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from flowlift.containers import Poses3D
from flowlift.skeleton import Skeleton
from flowlift.view.facts import facts_of
from flowlift.view.scene import Scene, points_of, scene_of
from flowlift.view.spread import cholesky, joint_deviation, mean_over
from flowlift.view.style import bone_sides, joint_sides, large_deviation, round_number

_HYPOTHESES_BYTES = 8_000_000  # a longer clip shows fewer of them


@dataclass(frozen=True)
class Packed:
    """An array as it is stored; a stored value times `scale` is the value."""

    array: Shaped[np.ndarray, "..."]
    scale: float = 1.0


@dataclass(frozen=True)
class Payload:
    """`header`: plain JSON values. `block`: the arrays that `header["arrays"]` names, with type, offset and shape."""

    header: dict[str, object]
    block: bytes


def payload_of(poses: Poses3D, title: str) -> Payload:
    """Everything that the page shows of `poses`."""
    scene = scene_of(poses)
    arrays = _arrays(poses)
    index, block = _lay_out(arrays)
    header: dict[str, object] = {
        "version": 1,
        "title": title,
        "frames": len(poses),
        "people": poses.people,
        "fps": poses.fps,
        "skeleton": _describe(poses.skeleton),
        "seen": None if poses.keypoints is None else _describe(poses.keypoints.skeleton),
        "image": _image_size(poses),
        "scene": _describe_scene(scene),
        "frustum": _frustum(poses),
        "large": large_deviation(scene.size),
        "cell": round_number(scene.size / 3.5),
        "hypotheses": _hypotheses(poses, arrays),
        "facts": facts_of(poses),
        "arrays": index,
    }
    return Payload(header, block)


def quantise(values: Float[np.ndarray, "*shape"]) -> Packed:
    """Values as int16 with a common scale: exact to 1/65,534 of the largest magnitude."""
    finite = np.isfinite(values)
    largest = float(np.abs(values, where=finite, out=np.zeros(values.shape)).max(initial=0.0))
    scale = largest / 32767 if largest > 0 else 1.0
    steps = np.rint(np.where(finite, values, 0.0) / scale)
    return Packed(np.where(finite, steps, -32768).astype("<i2"), scale)


def _arrays(poses: Poses3D) -> dict[str, Packed]:
    deviation = joint_deviation(poses.xyz, poses.cov)
    arrays = {
        "xyz": quantise(poses.xyz),
        "factor": Packed(cholesky(poses.cov).astype("<f2")),
        "deviation": Packed(mean_over(deviation).astype("<f2")),
    }
    if poses.root is not None:
        arrays["root"] = Packed(np.where(np.isfinite(poses.root), poses.root, np.nan).astype("<f4"))
    if poses.times is not None:
        arrays["times"] = Packed((poses.times - poses.times[:1]).astype("<f4"))
    if poses.keypoints is not None:
        arrays["keypoints"] = quantise(poses.keypoints.xy)
        arrays["score"] = _confidence(poses.keypoints.score)
    if poses.root is not None and poses.camera is not None:
        arrays["reprojected"] = quantise(_within_reach(poses.camera.project(points_of(poses)), poses.camera.image_size))
    if poses.hypotheses is not None and poses.hypotheses.size:
        arrays["hypotheses"] = quantise(_thinned(poses.hypotheses))
    return arrays


def _confidence(score: Float[np.ndarray, "*shape"]) -> Packed:
    known = np.isfinite(score)
    steps = np.rint(np.clip(np.where(known, score, 0.0), 0, 1) * 254)
    return Packed(np.where(known, steps, 255).astype("u1"), 1 / 254)


def _within_reach(px: Float[np.ndarray, "*shape 2"], image_size: tuple[int, int]) -> Float[np.ndarray, "*shape 2"]:
    """Points far outside of the image (almost beside the camera) are dropped: they would coarsen all others."""
    far = (np.abs(px) > 5 * max(image_size)).any(axis=-1, keepdims=True)
    return np.where(far, np.nan, px)


def _thinned(hypotheses: Float[np.ndarray, "frame person n joint 3"]) -> Float[np.ndarray, "frame person m joint 3"]:
    """As many hypotheses as a page can hold: every k-th, so that mirrored halves stay represented."""
    one = 2 * hypotheses[:, :, 0].size
    count = max(1, min(hypotheses.shape[2], _HYPOTHESES_BYTES // max(one, 1)))
    chosen = np.linspace(0, hypotheses.shape[2] - 1, count).round().astype(int)
    return hypotheses[:, :, chosen]


def _hypotheses(poses: Poses3D, arrays: Mapping[str, Packed]) -> dict[str, int] | None:
    if poses.hypotheses is None or "hypotheses" not in arrays:
        return None
    return {"shown": arrays["hypotheses"].array.shape[2], "drawn": poses.hypotheses.shape[2]}


def _lay_out(arrays: Mapping[str, Packed]) -> tuple[dict[str, dict[str, object]], bytes]:
    index: dict[str, dict[str, object]] = {}
    block = bytearray()
    for name, packed in arrays.items():
        block.extend(bytes(-len(block) % 4))
        index[name] = {
            "type": packed.array.dtype.name,
            "offset": len(block),
            "shape": list(packed.array.shape),
            "scale": packed.scale,
        }
        block.extend(np.ascontiguousarray(packed.array).tobytes())
    return index, bytes(block)


def _describe(skeleton: Skeleton) -> dict[str, object]:
    bones = [[*bone, side] for bone, side in zip(skeleton.bones, bone_sides(skeleton), strict=True)]
    return {
        "name": skeleton.name,
        "joints": list(skeleton.joints),
        "sides": list(joint_sides(skeleton)),
        "bones": bones,
        "root": skeleton.root,
    }


def _describe_scene(scene: Scene) -> dict[str, object]:
    return {
        "rotation": scene.rotation.tolist(),
        "ground": scene.ground,
        "low": scene.low.tolist(),
        "high": scene.high.tolist(),
        "size": scene.size,
    }


def _image_size(poses: Poses3D) -> list[int] | None:
    if poses.keypoints is not None:
        return list(poses.keypoints.image_size)
    return None if poses.camera is None else list(poses.camera.image_size)


def _frustum(poses: Poses3D) -> list[list[float]] | None:
    """The image's corners at 1 m from the camera, clockwise from the top left; None without a place for the camera."""
    if poses.camera is None or poses.root is None:
        return None
    width, height = poses.camera.image_size
    corners = poses.camera.rays(np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64))
    return [[float(a), float(b), 1.0] for a, b in corners]
