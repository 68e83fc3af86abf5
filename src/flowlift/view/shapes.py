"""Shapes on a Pillow image: plain values, painted smoothly and translucently in one go."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw

from flowlift.skeleton import Skeleton
from flowlift.view.style import SIDES, Color, bone_sides, joint_sides

_FINER = 2  # shapes are painted this much larger and then shrunk: smooth edges
_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 33)), np.sin(np.linspace(0, 2 * np.pi, 33))])

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A round-ended line between two points, px."""

    start: Point
    end: Point
    color: Color
    width: float
    opacity: float = 1.0


@dataclass(frozen=True)
class Disc:
    """A filled circle, px."""

    centre: Point
    radius: float
    color: Color
    opacity: float = 1.0


@dataclass(frozen=True)
class Outline:
    """A closed outline, px, with its inside tinted."""

    points: tuple[Point, ...]
    color: Color
    width: float


Shape = Line | Disc | Outline


def paint(image: Image.Image, shapes: Sequence[Shape]) -> Image.Image:
    """A new RGB image with one layer of shapes on it; where shapes of the layer overlap, the later one shows."""
    image = image.convert("RGB")
    box = _bounds(shapes, image.size)
    if box is None:
        return image
    left, top, right, bottom = box
    layer = Image.new("RGBA", ((right - left) * _FINER, (bottom - top) * _FINER))
    pen = ImageDraw.Draw(layer)
    for shape in shapes:
        _draw(pen, shape, np.array([left, top]))
    smooth = layer.resize((right - left, bottom - top), Image.Resampling.BOX)
    image.paste(smooth, (left, top), smooth)
    return image


def skeleton_shapes(
    points: Float[np.ndarray, "joint 2"],
    skeleton: Skeleton,
    width: float,
    *,
    opacity: Float[np.ndarray, " joint"] | None = None,
    depth: Float[np.ndarray, " joint"] | None = None,
    color: Color | None = None,
) -> list[Shape]:
    """Bones and joints at `points` (px, NaN where missing), in their sides' colours or all in one.

    `opacity` in [0, 1] per joint; `depth` per joint: what is farther is painted first.
    """
    there = ~np.isnan(points).any(axis=-1)
    alpha = np.ones(len(points)) if opacity is None else np.nan_to_num(np.asarray(opacity, float), nan=1.0)
    away = np.zeros(len(points)) if depth is None else np.asarray(depth, dtype=np.float64)
    shapes: list[tuple[float, Shape]] = []
    for (start, end), side in zip(skeleton.bones, bone_sides(skeleton), strict=True):
        if there[start] and there[end]:
            faint = float(min(alpha[start], alpha[end]))
            line = Line(_point(points[start]), _point(points[end]), color or SIDES[side], width, faint)
            shapes.append((float(away[start] + away[end]) / 2, line))
    shapes.sort(key=lambda item: -item[0])
    discs = [
        Disc(_point(points[joint]), 0.75 * width, color or SIDES[side], float(alpha[joint]))
        for joint, side in enumerate(joint_sides(skeleton))
        if there[joint]
    ]
    return [shape for _, shape in shapes] + discs


def ellipse_outlines(
    centres: Float[np.ndarray, "joint 2"],
    axes: Float[np.ndarray, "joint 2 2"],
    colors: Sequence[Color],
    width: float,
) -> list[Shape]:
    """Ellipses with half-axes in the columns of `axes` (px), where they are known and larger than a pixel."""
    return [
        Outline(tuple(_point(p) for p in (centre[:, None] + half @ _CIRCLE).T), color, width)
        for centre, half, color in zip(centres, axes, colors, strict=True)
        if np.isfinite(centre).all() and np.isfinite(half).all() and np.linalg.norm(half) > 1
    ]


def _point(xy: Float[np.ndarray, "2"]) -> Point:
    return float(xy[0]), float(xy[1])


def _extent(shape: Shape) -> tuple[list[Point], float]:
    match shape:
        case Line():
            return [shape.start, shape.end], shape.width
        case Disc():
            return [shape.centre], shape.radius
        case Outline():
            return list(shape.points), shape.width


def _bounds(shapes: Sequence[Shape], size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The box of pixels that the shapes touch, inside the image; None when they touch none."""
    corners = [(x + side, y + side) for s in shapes for p, r in [_extent(s)] for x, y in p for side in (-r - 1, r + 1)]
    if not corners:
        return None
    low = np.clip(np.floor(np.min(corners, axis=0)), 0, size).astype(int)
    high = np.clip(np.ceil(np.max(corners, axis=0)), 0, size).astype(int)
    if (high <= low).any():
        return None
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _draw(pen: ImageDraw.ImageDraw, shape: Shape, origin: Float[np.ndarray, "2"] | np.ndarray) -> None:
    def at(point: Point) -> Point:
        return _point((np.asarray(point) - origin) * _FINER)

    match shape:
        case Line():
            color = _rgba(shape.color, shape.opacity)
            pen.line([at(shape.start), at(shape.end)], fill=color, width=max(1, round(shape.width * _FINER)))
            for end in (shape.start, shape.end):
                _disc(pen, at(end), shape.width * _FINER / 2, color)
        case Disc():
            _disc(pen, at(shape.centre), shape.radius * _FINER, _rgba(shape.color, shape.opacity))
        case Outline():
            points = [at(point) for point in shape.points]
            pen.polygon(points, fill=_rgba(shape.color, 0.2))
            pen.line(points, fill=_rgba(shape.color, 0.9), width=max(1, round(shape.width * _FINER)))


def _disc(pen: ImageDraw.ImageDraw, centre: Point, radius: float, color: tuple[int, int, int, int]) -> None:
    x, y = centre
    pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=color)


def _rgba(color: Color, opacity: float) -> tuple[int, int, int, int]:
    return (*color, round(255 * min(max(opacity, 0.0), 1.0)))
