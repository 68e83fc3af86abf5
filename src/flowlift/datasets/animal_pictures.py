"""Poses of animated animals as pictures, each body from the side and from the front, for a person to see."""

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont

from flowlift.datasets.animal_bank import AnimalBank, facing_one_way
from flowlift.skeletons import ANIMAL3D26
from flowlift.view.shapes import Shape, paint, skeleton_shapes
from flowlift.view.style import Color

ACROSS = 6
"""Poses in a row."""
DRAWN = 12
"""So many of the animals that were drawn, not animated."""
_WIDTH, _FRONT_WIDTH, _HEIGHT, _HEAD, _ZOOM = 190, 90, 150, 24, 90.0  # px; the zoom is px a body length
_PAPER: Color = (255, 255, 255)
_INK: Color = (60, 66, 74)
_SIDE = np.array([[0.0, 0, -1], [0, -1, 0]])
_FRONT = np.array([[1.0, 0, 0], [0, -1, 0]])
"""Pixel directions (right, down) for animals that face +Z: from their left, they face left; from ahead of them."""


def animal_pictures(bank: AnimalBank, *, rows: int) -> dict[str, Image.Image]:
    """Pictures by name, train and val: of each body, `rows` rows of poses, drawn evenly. Left is blue, right is orange;
    from the side one looks at the animal's left, from the front its left is at the right."""
    found, drawn = {}, [told["body"] for told in bank.told if told.get("drawn")]
    for name, held_out in (("train", False), ("val", True)):
        shown = {body: poses for body, poses in bank.bodies(held_out=held_out).items() if body not in drawn[DRAWN:]}
        bands = [_band(body, poses, rows) for body, poses in shown.items()]
        picture = Image.new("RGB", (bands[0].width, sum(band.height for band in bands)), _PAPER)
        top = 0
        for band in bands:
            picture.paste(band, (0, top))
            top += band.height
        found[name] = picture
    return found


def _band(body: str, poses: Float[np.ndarray, "pose 26 3"], rows: int) -> Image.Image:
    chosen = np.unique(np.linspace(0, len(poses) - 1, min(len(poses), rows * ACROSS)).round().astype(int))
    lines = -(-len(chosen) // ACROSS)
    band = Image.new("RGB", ((_WIDTH + _FRONT_WIDTH) * ACROSS, _HEAD + lines * _HEIGHT), _PAPER)
    title = f"{body}, {len(poses)} poses: from their left, and from the front; left is blue, right is orange"
    ImageDraw.Draw(band).text((8, 4), title, fill=_INK, font=ImageFont.load_default(size=14))
    shapes: list[Shape] = []
    for cell, pose in enumerate(facing_one_way(poses[chosen])):
        left, top = cell % ACROSS * (_WIDTH + _FRONT_WIDTH), _HEAD + cell // ACROSS * _HEIGHT
        shapes += _view(pose, _SIDE, left + _WIDTH / 2, top + _HEIGHT / 2)
        shapes += _view(pose, _FRONT, left + _WIDTH + _FRONT_WIDTH / 2, top + _HEIGHT / 2)
    return paint(band, shapes)


def _view(pose: Float[np.ndarray, "26 3"], view: Float[np.ndarray, "2 3"], x: float, y: float) -> list[Shape]:
    flat = _ZOOM * pose.astype(np.float64) @ view.T
    middle = (np.nanmin(flat, axis=0) + np.nanmax(flat, axis=0)) / 2
    depth = -pose @ np.cross(view[0], -view[1])
    return skeleton_shapes(flat - middle + np.array([x, y]), ANIMAL3D26, 2.5, depth=depth)
