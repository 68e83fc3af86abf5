"""What the page holds: a small JSON header, and one block of binary arrays that it indexes (see `packed`)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from flowlift.angles import angles_in, angles_of
from flowlift.camera import reach
from flowlift.containers import Poses3D
from flowlift.skeleton import Skeleton
from flowlift.view.facts import facts_of
from flowlift.view.packed import Packed, fractions, lay_out, quantise
from flowlift.view.scene import Scene, scene_of
from flowlift.view.spread import cholesky, joint_deviation, mean_over
from flowlift.view.style import bone_sides, joint_sides, large_deviation, round_number

_HYPOTHESES_BYTES = 37_000_000  # before compression; a longer clip shows fewer of them

# Steps of what is stored, finer than what can be seen: parts of a body, and of an image.
_FINE, _ROUGH, _PIXEL = 1 / 2000, 1 / 800, 1 / 8000
_DEGREES = 0.1


@dataclass(frozen=True)
class Payload:
    """`header`: plain JSON values. `block`: the arrays that `header["arrays"]` names, with type, offset and shape."""

    header: dict[str, object]
    block: bytes


def payload_of(poses: Poses3D, title: str) -> Payload:
    """Everything that the page shows of `poses`."""
    scene = scene_of(poses)
    arrays = _arrays(poses, scene.size)
    block = lay_out(arrays)
    header: dict[str, object] = {
        "title": title,
        "frames": len(poses),
        "people": poses.people,
        "fps": poses.fps,
        "start": float(poses.frame_times[0]) if len(poses) else 0.0,
        **surroundings(poses),
        **scenery(scene),
        "hypotheses": _hypotheses(poses, arrays),
        "angles": [{"name": angle.label, "side": angle.side} for angle in angles_in(poses.skeleton)] or None,
        "facts": facts_of(poses),
        "arrays": block.index,
    }
    return Payload(header, block.data)


def surroundings(poses: Poses3D) -> dict[str, object]:
    """What is the same in all frames, whoever is in them: skeletons, image, camera."""
    return {
        "unit": poses.unit,
        "skeleton": _describe(poses.skeleton),
        "seen": None if poses.keypoints is None else _describe(poses.keypoints.skeleton),
        "image": _image_size(poses),
        "frustum": _frustum(poses),
        "camera": _camera(poses),
    }


def scenery(scene: Scene) -> dict[str, object]:
    """Where things stand, and what is large in it: `large`, a standard deviation; `cell`, of the grid; both m."""
    return {
        "scene": _describe_scene(scene),
        "large": large_deviation(scene.size),
        "cell": round_number(scene.size / 3.5),
    }


def _arrays(poses: Poses3D, size: float) -> dict[str, Packed]:
    deviation = joint_deviation(poses.xyz, poses.cov)
    arrays = {
        "xyz": quantise(poses.xyz, size * _FINE),
        "factor": quantise(cholesky(poses.cov), size * _FINE),
        "deviation": quantise(mean_over(deviation), size * _FINE / 10),
    }
    if angles_in(poses.skeleton):
        with np.errstate(invalid="ignore"):  # joints at infinity
            angles = angles_of(poses)
        arrays["angles"] = quantise(angles.degrees, _DEGREES)
        arrays["angle deviations"] = quantise(angles.deviation, _DEGREES)
    if poses.root is not None:
        arrays["root"] = Packed(np.where(np.isfinite(poses.root), poses.root, np.nan).astype("<f4"))
    if poses.times is not None:
        arrays["times"] = Packed((poses.times - poses.times[:1]).astype("<f4"))
    if poses.keypoints is not None:
        arrays["keypoints"] = quantise(poses.keypoints.xy, max(poses.keypoints.image_size) * _PIXEL)
        arrays["score"] = fractions(poses.keypoints.score)
    if poses.bridged is not None:
        arrays["bridged"] = fractions(poses.bridged.astype(np.float32))
    if poses.hypotheses is not None and poses.hypotheses.size:
        arrays["hypotheses"] = quantise(_thinned(poses.hypotheses) - poses.xyz[:, :, None], size * _ROUGH)
    return arrays


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
    px = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    corners, pinhole = (camera.rays(px) for camera in (poses.camera, replace(poses.camera, distortion=np.empty(0))))
    shown = np.where(np.isnan(corners), pinhole, corners)  # a lens may not reach into its image's corners
    return [[float(a), float(b), 1.0] for a, b in shown]


def _camera(poses: Poses3D) -> dict[str, object] | None:
    """What projects the 3D onto the image; None without a place for the camera."""
    if poses.camera is None or poses.root is None:
        return None
    camera, end = poses.camera, reach(poses.camera.distortion)
    return {
        "matrix": camera.matrix.tolist(),
        "distortion": np.pad(camera.distortion, (0, 8 - len(camera.distortion))).tolist(),
        "size": list(camera.image_size),
        "reach": end if np.isfinite(end) else None,
    }
