"""Keypoints and poses as named arrays and one description, the form that our npz and JSON share; and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from flowlift.camera import Camera
from flowlift.checksums import of_content
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.damage import refused_if_damaged
from flowlift.errors import InputError
from flowlift.format_version import check_format
from flowlift.skeleton import Skeleton

FORMAT = "flowlift-1"
SUM = "sha256"
"""Where the description tells the content's checksum; files of before it have none."""

Arrays = dict[str, np.ndarray]


def pack(obj: Keypoints2D | Poses3D) -> tuple[Arrays, dict[str, Any]]:
    """Arrays by name, and what else there is to say, as plain JSON values; `sha256` is of all that (`content_sum`)."""
    arrays, about = _pack(obj)
    return arrays, {**about, SUM: of_content(arrays, about)}


def content_sum(obj: Keypoints2D | Poses3D) -> str:
    """The SHA-256 of keypoints or poses that both our formats write."""
    return of_content(*_pack(obj))


def _pack(obj: Keypoints2D | Poses3D) -> tuple[Arrays, dict[str, Any]]:
    if isinstance(obj, Keypoints2D):
        arrays, about = _pack_keypoints(obj)
        return arrays, {"format": FORMAT, "kind": "keypoints2d", **about}
    named = {"xyz": obj.xyz, "root": obj.root, "cov": obj.cov, "hypotheses": obj.hypotheses}
    named |= {"times": obj.times, "bridged": obj.bridged, "root_cov": obj.root_cov}
    arrays = {name: array for name, array in named.items() if array is not None}
    about = {"skeleton": _pack_skeleton(obj.skeleton), "fps": obj.fps, "provenance": dict(obj.provenance)}
    if obj.camera is not None:
        about["camera"] = _pack_camera(obj.camera)
    if obj.keypoints is not None:
        inner, about["keypoints"] = _pack_keypoints(obj.keypoints)
        arrays |= {f"keypoints.{name}": array for name, array in inner.items()}
    return arrays, {"format": FORMAT, "kind": "poses3d", **about}


def unpack(arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> Keypoints2D | Poses3D:
    """Undo `pack`. Raises InputError for another version, or what does not fit together."""
    if not isinstance(about, Mapping):
        raise InputError("its description is not an object")
    check_format(about.get("format"), FORMAT)
    with refused_if_damaged("it is damaged"):
        if about["kind"] == "keypoints2d":
            return _unpack_keypoints(arrays, about)
        if about["kind"] != "poses3d":
            raise InputError(f"it holds {about['kind']!r}, neither keypoints nor poses")
        inner = {name.removeprefix("keypoints."): a for name, a in arrays.items() if name.startswith("keypoints.")}
        return Poses3D(
            xyz=arrays["xyz"],
            root=arrays.get("root"),
            cov=arrays["cov"],
            skeleton=_unpack_skeleton(about["skeleton"]),
            fps=about.get("fps"),
            camera=_unpack_camera(about["camera"]) if about.get("camera") else None,
            provenance=_unpack_provenance(about.get("provenance", {})),
            hypotheses=arrays.get("hypotheses"),
            keypoints=_unpack_keypoints(inner, about["keypoints"]) if about.get("keypoints") else None,
            times=arrays.get("times"),
            bridged=arrays.get("bridged"),
            root_cov=arrays.get("root_cov"),
        )


def _pack_keypoints(keypoints: Keypoints2D) -> tuple[Arrays, dict[str, Any]]:
    arrays = {"xy": keypoints.xy, "score": keypoints.score}
    if keypoints.times is not None:
        arrays["times"] = keypoints.times
    return arrays, {
        "skeleton": _pack_skeleton(keypoints.skeleton),
        "image_size": list(keypoints.image_size),
        "fps": keypoints.fps,
        "source": keypoints.source,
    }


def _unpack_keypoints(arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> Keypoints2D:
    width, height = about["image_size"]
    return Keypoints2D(
        xy=arrays["xy"],
        score=arrays["score"],
        skeleton=_unpack_skeleton(about["skeleton"]),
        image_size=(width, height),
        fps=about.get("fps"),
        source=str(about.get("source", "")),
        times=arrays.get("times"),
    )


def _unpack_provenance(about: Any) -> Mapping[str, Any]:
    if not isinstance(about, Mapping) or not all(isinstance(v, str | int | float | None) for v in about.values()):
        raise InputError("it is damaged: its provenance is no table of plain values")
    return about


def _pack_skeleton(skeleton: Skeleton) -> dict[str, Any]:
    return {
        "name": skeleton.name,
        "joints": list(skeleton.joints),
        "parents": list(skeleton.parents),
        "pairs": [list(pair) for pair in skeleton.pairs],
    }


def _unpack_skeleton(about: Mapping[str, Any]) -> Skeleton:
    joints, parents = tuple(about["joints"]), tuple(about["parents"])
    pairs = tuple((left, right) for left, right in about["pairs"])
    names = (about["name"], *joints, *(parent for parent in parents if parent is not None), *sum(pairs, ()))
    if not all(isinstance(name, str) for name in names):
        raise InputError("it is damaged: a skeleton and its joints have names that are text")
    return Skeleton(about["name"], joints, parents, pairs)


def _pack_camera(camera: Camera) -> dict[str, Any]:
    return {
        "matrix": camera.matrix.tolist(),
        "image_size": list(camera.image_size),
        "distortion": camera.distortion.tolist(),
        "rotation": None if camera.rotation is None else camera.rotation.tolist(),
        "translation": None if camera.translation is None else camera.translation.tolist(),
        "assumed": camera.assumed,
    }


def _unpack_camera(about: Mapping[str, Any]) -> Camera:
    width, height = about["image_size"]
    return Camera.from_matrix(
        about["matrix"],
        (width, height),
        about["distortion"],
        about["rotation"],
        about["translation"],
        assumed=bool(about["assumed"]),
    )
