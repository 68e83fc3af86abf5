"""Poses of a bank of recordings as pictures, from the side and from above, for a person to see: is up up, left left?"""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont

from flowlift.damage import refused_if_damaged
from flowlift.datasets.mocap_bank_file import EXPECTED
from flowlift.io.archive import read_arrays
from flowlift.skeleton import Skeleton
from flowlift.view.shapes import Shape, paint, skeleton_shapes

ACROSS = 6
"""Poses in a row."""
_WIDTH, _HEIGHT, _HEAD, _ZOOM = 200, 150, 24, 70.0  # px; the zoom is px a body length
_SIDE = np.array([[1.0, 0, 0], [0, -1, 0]])
_ABOVE = np.array([[1.0, 0, 0], [0, 0, 1]])
"""Pixel directions (right, down) of poses that face +X, Y up: from their right; and from above, their left on top."""


def session_pictures(path: Path, *, rows: int) -> dict[str, Image.Image] | None:
    """Pictures by name, train and val, of `rows` rows of poses, drawn evenly; None where the file is another bank.

    Each pose is turned so that its size chain begins at the right. Left is blue, right is orange. Raises InputError.
    """
    arrays = read_arrays(path, expected=EXPECTED)
    with refused_if_damaged(f"{path}: expected {EXPECTED}"):
        about = json.loads(str(arrays["about"])) if "about" in arrays else {}
        if "sessions" not in about:
            return None
        parts = {name: np.asarray(arrays[name], dtype=np.float32) for name in ("train", "val")}
        joints, parents = tuple(about["joints"]), tuple(about["parents"])
        pairs = tuple((left, right) for left, right in about["pairs"])
        skeleton = Skeleton(about["skeleton"], joints, parents, pairs, tuple(about["size"]))
        if any(poses.shape[1:] != (len(skeleton), 3) or not len(poses) for poses in parts.values()):
            raise ValueError("its poses have another number of joints than it tells")
        up = "Y up" if about["up"] == "y" else "up is not known"
    return {
        name: _picture(f"{name}, {len(poses):,} poses, {up}", poses, skeleton, rows) for name, poses in parts.items()
    }


def facing_right(poses: Float[np.ndarray, "pose joint 3"], skeleton: Skeleton) -> Float[np.ndarray, "pose joint 3"]:
    """Turned about Y so that the size chain's end to its beginning points along X; as they are where one is missing."""
    first, last = skeleton.indices((skeleton.size_chain[0], skeleton.size_chain[-1]))
    ahead = np.nan_to_num(poses[:, first] - poses[:, last])[:, [0, 2]].astype(np.float64)
    length = np.linalg.norm(ahead, axis=1)
    cos, sin = np.where(length[:, None] > 1e-6, ahead / np.maximum(length, 1e-6)[:, None], [1.0, 0.0]).T
    zero, one = np.zeros_like(cos), np.ones_like(cos)
    turn = np.stack([cos, zero, sin, zero, one, zero, -sin, zero, cos], axis=-1).reshape(-1, 3, 3)
    return np.einsum("pij,pkj->pki", turn, poses)


def _picture(title: str, poses: Float[np.ndarray, "pose joint 3"], skeleton: Skeleton, rows: int) -> Image.Image:
    chosen = np.unique(np.linspace(0, len(poses) - 1, min(len(poses), rows * ACROSS)).round().astype(int))
    lines = -(-len(chosen) // ACROSS)
    picture = Image.new("RGB", (_WIDTH * ACROSS, _HEAD + 2 * lines * _HEIGHT), (255, 255, 255))
    words = f"{title}: from their right, and below from above; left is blue, right is orange"
    ImageDraw.Draw(picture).text((8, 4), words, fill=(60, 66, 74), font=ImageFont.load_default(size=14))
    shapes: list[Shape] = []
    for cell, pose in enumerate(facing_right(poses[chosen], skeleton)):
        left, top = cell % ACROSS * _WIDTH, _HEAD + cell // ACROSS * 2 * _HEIGHT
        for line, view in enumerate((_SIDE, _ABOVE)):
            flat = _ZOOM * pose @ view.T
            middle = (np.nanmin(flat, axis=0) + np.nanmax(flat, axis=0)) / 2
            place = np.array([left + _WIDTH / 2, top + (line + 0.5) * _HEIGHT])
            shapes += skeleton_shapes(flat - middle + place, skeleton, 2.5, depth=-pose @ np.cross(view[0], -view[1]))
    return paint(picture, shapes)
