"""Poses of a bank as pictures, from the front and the side, for a person to see that they are right."""

import numpy as np
from jaxtyping import Float, Int64
from PIL import Image, ImageDraw, ImageFont

from flowlift.datasets.mocap_bank import Bank, Part, facing_one_way
from flowlift.skeletons import HUMAN36M17
from flowlift.view.shapes import Shape, paint, skeleton_shapes
from flowlift.view.style import Color

ACROSS = 8
"""Poses in a row."""
_WIDTH, _HEIGHT, _HEAD, _ZOOM = 110, 170, 26, 100.0  # of one view, px; the zoom is px a stature
_PAPER: Color = (255, 255, 255)
_INK: Color = (60, 66, 74)
_RULE: Color = (222, 226, 230)
_FRONT = np.array([[1.0, 0, 0], [0, -1, 0]])
_SIDE = np.array([[0.0, 0, -1], [0, -1, 0]])
"""Pixel directions (right, down) for bodies that face +Z, the viewer; from their left, they face to the left."""


def bank_pictures(bank: Bank, *, rows: int) -> dict[str, Image.Image]:
    """Pictures by name, train and val: of each source, `rows` rows of poses, drawn evenly.

    Each pose is turned to face the viewer and shown twice: from the front (its left is at the right), and from its own
    left, so that it faces left. Left is blue, right is orange.
    """
    parts = {"train": bank.train, "val": bank.val}
    return {name: _picture(name, part, bank, rows) for name, part in parts.items() if len(part.xyz)}


def evenly(members: Int64[np.ndarray, " member"], count: int) -> Int64[np.ndarray, " drawn"]:
    """Up to `count` of them, spread over all."""
    if len(members) <= count:
        return members
    return members[np.linspace(0, len(members) - 1, count).round().astype(np.int64)]


def _picture(name: str, part: Part, bank: Bank, rows: int) -> Image.Image:
    poses = facing_one_way(part.xyz)
    bands = []
    for place, source in enumerate(bank.sources):
        members = np.flatnonzero(part.source == place)
        if len(members):
            title = f"{name}  {source.name}  {len(members):,} poses".replace("    ", "  ")
            bands.append(_band(poses, evenly(members, rows * ACROSS), title))
    picture = Image.new("RGB", (bands[0].width, sum(band.height for band in bands)), _PAPER)
    top = 0
    for band in bands:
        picture.paste(band, (0, top))
        top += band.height
    return picture


def _band(poses: Float[np.ndarray, "pose 17 3"], drawn: Int64[np.ndarray, " drawn"], title: str) -> Image.Image:
    """A title, and under it a grid of poses; below each its place in the bank."""
    rows = -(-len(drawn) // ACROSS)
    band = Image.new("RGB", (2 * _WIDTH * ACROSS, _HEAD + rows * _HEIGHT), _PAPER)
    pen = ImageDraw.Draw(band)
    _write(pen, 8, 4, f"{title}: from the front, and from their left; left is blue, right is orange", 14)
    shapes: list[Shape] = []
    for cell, index in enumerate(drawn):
        left, top = cell % ACROSS * 2 * _WIDTH, _HEAD + cell // ACROSS * _HEIGHT
        pen.rectangle([left, top, left + 2 * _WIDTH, top + _HEIGHT], outline=_RULE)
        _write(pen, left + 4, top + _HEIGHT - 15, str(index), 10)
        for view, middle in ((_FRONT, left + _WIDTH / 2), (_SIDE, left + 1.5 * _WIDTH)):
            shapes.extend(_body(poses[index], view, middle, top))
    return paint(band, shapes)


def _body(pose: Float[np.ndarray, "17 3"], view: Float[np.ndarray, "2 3"], middle: float, top: float) -> list[Shape]:
    """One view of a body; in the middle of its box, whatever its posture."""
    flat = _ZOOM * pose.astype(np.float64) @ view.T
    box = np.array([middle, top + (_HEIGHT - 12) / 2])
    depth = -pose @ np.cross(view[0], -view[1])
    return skeleton_shapes(flat - (flat.min(axis=0) + flat.max(axis=0)) / 2 + box, HUMAN36M17, 3.0, depth=depth)


def _write(pen: ImageDraw.ImageDraw, x: float, y: float, text: str, size: int) -> None:
    pen.text((x, y), text, fill=_INK, font=ImageFont.load_default(size=size))
