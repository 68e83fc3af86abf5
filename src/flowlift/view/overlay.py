"""A result drawn onto its image: the 2D that was seen, the 3D projected back, its uncertainty."""

import numpy as np
from jaxtyping import Float, Float64, UInt8
from PIL import Image, ImageDraw, ImageFont

from flowlift.camera import Camera
from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.view.shapes import Shape, ellipse_outlines, paint, skeleton_shapes
from flowlift.view.spread import ellipses, joint_deviation
from flowlift.view.style import PEOPLE, Color, heat, large_deviation

_DARK: Color = (20, 24, 30)
_BRIGHT: Color = (255, 255, 255)
_FAINTEST = 0.15  # a joint without any confidence can still be seen


def draw_overlay(image: UInt8[np.ndarray, "h w 3"], poses: Poses3D, frame: int) -> UInt8[np.ndarray, "h w 3"]:
    """The image (RGB) of `frame` with everybody in it drawn: a new image of the same size.

    Thick bones: the 2D keypoints, fainter where less confident. Thin ones: the 3D projected back, with ellipses of
    one standard deviation. Of several people each has their number. The image may be larger or smaller than the one
    that was lifted.
    Raises InputError for a frame that the poses do not have.
    """
    if not 0 <= frame < len(poses):
        raise InputError(f"frame {frame} is not in the clip, which has {len(poses)} (the first is 0)")
    height, width, _ = image.shape
    unit = float(np.hypot(height, width)) / 800
    picture = Image.fromarray(image)
    for person in range(poses.people):
        for layer in _layers(poses, frame, person, (width, height), unit):
            picture = paint(picture, layer)
    if poses.people > 1:
        _number(picture, poses, frame, unit)
    return np.asarray(picture)


def _number(picture: Image.Image, poses: Poses3D, frame: int, unit: float) -> None:
    """Write each person's number above them."""
    if (seen := poses.keypoints) is None:
        return
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=16 * unit)
    for person in range(poses.people):
        xy = seen.xy[frame, person] * np.divide(picture.size, seen.image_size)
        there = xy[np.isfinite(xy[:, 0])]
        if len(there):
            place = (float(np.median(there[:, 0])), float(there[:, 1].min()) - 8 * unit)
            color = PEOPLE[person % len(PEOPLE)]
            pen.text(
                place,
                str(person),
                fill=color,
                font=font,
                anchor="ms",
                stroke_width=round(2 * unit),
                stroke_fill=_BRIGHT,
            )


def _layers(poses: Poses3D, frame: int, person: int, size: tuple[int, int], unit: float) -> list[list[Shape]]:
    """One person's layers of shapes, the lowest first."""
    layers: list[list[Shape]] = []
    if (seen := poses.keypoints) is not None:
        zoom = np.divide(size, seen.image_size)
        score = np.clip(seen.score[frame, person], _FAINTEST, 1)
        layers.append(skeleton_shapes(seen.xy[frame, person] * zoom, seen.skeleton, 4.0 * unit, opacity=score))
    if poses.camera is not None and poses.root is not None:
        zoom = np.divide(size, poses.camera.image_size)
        xyz = (poses.xyz[frame, person] + poses.root[frame, person]).astype(np.float64)
        points = poses.camera.project(xyz) * zoom
        onto = zoom[:, None] * projection_jacobian(poses.camera, xyz)
        axes = ellipses(poses.cov[frame, person], onto).axes
        colors = deviation_colors(poses, frame, person)
        layers.append(skeleton_shapes(points, poses.skeleton, 1.8 * unit, color=_DARK))
        layers.append(skeleton_shapes(points, poses.skeleton, 1.0 * unit, color=_BRIGHT))
        layers.append(ellipse_outlines(points, axes, colors, unit))
    return layers


def deviation_colors(poses: Poses3D, frame: int, person: int) -> list[Color]:
    """The colour of each joint's standard deviation."""
    xyz = poses.xyz[frame, person]
    known = xyz[~np.isnan(xyz).any(axis=-1)]
    if not len(known):
        return [heat(0.0, 1.0)] * len(xyz)
    large = large_deviation(max(float(np.linalg.norm(np.ptp(known, axis=0))), 1e-3))
    deviation = np.nan_to_num(joint_deviation(xyz, poses.cov[frame, person]))
    return [heat(float(value), large) for value in deviation]


def projection_jacobian(
    camera: Camera, xyz: Float[np.ndarray, "*batch 3"], step: float = 1e-4
) -> Float64[np.ndarray, "*batch 2 3"]:
    """How far a projected point moves, px per metre along each axis of the camera frame (central differences)."""
    moves = step * np.eye(3)
    ahead, behind = (camera.project(xyz[..., None, :] + sign * moves) for sign in (1, -1))
    return np.swapaxes((ahead - behind) / (2 * step), -1, -2)
