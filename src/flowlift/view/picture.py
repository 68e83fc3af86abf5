"""One frame of a result as a still picture: the image at the left, the 3D from the front, the side and above."""

import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image, ImageDraw, ImageFont

from flowlift.containers import Poses3D
from flowlift.view.overlay import deviation_colors, draw_overlay
from flowlift.view.scene import Scene, points_of, scene_of
from flowlift.view.shapes import Line, Shape, ellipse_outlines, paint, skeleton_shapes
from flowlift.view.spread import ellipses
from flowlift.view.style import Color

_HEIGHT, _PANEL, _GAP = 640, 400, 8
_PAPER: Color = (255, 255, 255)
_BACK: Color = (236, 238, 241)
_INK: Color = (60, 66, 74)
_GROUND: Color = (190, 196, 204)

# Pixel directions (right, down) in the scene frame: x right, y up, z towards the viewer.
_VIEWS = {
    "front": np.array([[1.0, 0, 0], [0, -1, 0]]),
    "side": np.array([[0.0, 0, -1], [0, -1, 0]]),
    "above": np.array([[1.0, 0, 0], [0, 0, 1]]),
}


def draw_pose_picture(poses: Poses3D, frame: int, image: UInt8[np.ndarray, "h w 3"] | None = None) -> Image.Image:
    """`frame` as one picture; `image` (RGB) is what the camera saw, else the 2D is drawn on an empty one.

    The views are parallel projections at one scale: front as the camera looks, side from its right.
    Raises InputError for a frame that the poses do not have.
    """
    left = _seen(poses, frame, image)
    scene = scene_of(poses)
    panels = [_panel(poses, frame, name, scene) for name in _VIEWS]
    width = left.width + len(panels) * (_PANEL + _GAP)
    picture = Image.new("RGB", (width, _HEIGHT), _GROUND)
    picture.paste(left, (0, 0))
    for place, panel in enumerate(panels):
        picture.paste(panel, (left.width + _GAP + place * (_PANEL + _GAP), 0))
    return picture


def _seen(poses: Poses3D, frame: int, image: UInt8[np.ndarray, "h w 3"] | None) -> Image.Image:
    if image is None:
        width, height = _image_size(poses)
        image = np.full((height, width, 3), _BACK, dtype=np.uint8)
    zoom = min(_HEIGHT / image.shape[0], 2 * _HEIGHT / image.shape[1])
    small = Image.fromarray(image).resize((round(image.shape[1] * zoom), round(image.shape[0] * zoom)))
    panel = Image.new("RGB", (small.width, _HEIGHT), _PAPER)
    panel.paste(Image.fromarray(draw_overlay(np.asarray(small), poses, frame)), (0, (_HEIGHT - small.height) // 2))
    time = f"{poses.frame_times[frame]:.2f} s, " if poses.timed else ""
    return _titled(panel, f"{time}frame {frame}")


def _image_size(poses: Poses3D) -> tuple[int, int]:
    if poses.keypoints is not None:
        return poses.keypoints.image_size
    return (_HEIGHT, _HEIGHT) if poses.camera is None else poses.camera.image_size


def _panel(poses: Poses3D, frame: int, name: str, scene: Scene) -> Image.Image:
    points = points_of(poses, slice(frame, frame + 1))[0] @ scene.rotation.T
    known = points[~np.isnan(points).any(axis=-1)]
    if not len(known):
        return _titled(Image.new("RGB", (_PANEL, _HEIGHT), _PAPER), f"{name}: nobody seen")
    low, high = known.min(axis=0), known.max(axis=0)
    size = np.maximum(high - low, scene.size / 2)
    zoom = 0.78 * min(_PANEL / max(size[0], size[2]), _HEIGHT / size[1])
    view = zoom * _VIEWS[name]
    offset = np.array([_PANEL, _HEIGHT]) / 2 - view @ ((low + high) / 2)
    panel = Image.new("RGB", (_PANEL, _HEIGHT), _PAPER)
    if name != "above":
        ground = float(offset[1] - zoom * scene.ground)
        panel = paint(panel, [Line((0.0, ground), (float(_PANEL), ground), _GROUND, 2)])
    for person in range(poses.people):
        for layer in _layers(poses, frame, person, points[person], view, view @ scene.rotation, offset):
            panel = paint(panel, layer)
    return _titled(panel, name)


def _layers(
    poses: Poses3D,
    frame: int,
    person: int,
    points: Float64[np.ndarray, "joint 3"],
    view: Float64[np.ndarray, "2 3"],
    onto: Float64[np.ndarray, "2 3"],
    offset: Float64[np.ndarray, "2"],
) -> list[list[Shape]]:
    """Hypotheses, pose and uncertainty of one person in one panel, the lowest layer first."""
    flat = points @ view.T + offset
    root = flat - poses.xyz[frame, person].astype(np.float64) @ onto.T
    layers: list[list[Shape]] = []
    if poses.hypotheses is not None:
        faint = np.full(len(points), 0.25)
        for hypothesis in poses.hypotheses[frame, person].astype(np.float64):
            layers.append(skeleton_shapes(hypothesis @ onto.T + root, poses.skeleton, 1.0, opacity=faint))
    depth = -points @ np.cross(view[0], -view[1]) / np.linalg.norm(view[0]) ** 2
    layers.append(skeleton_shapes(flat, poses.skeleton, 6.0, depth=depth))
    axes = ellipses(poses.cov[frame, person], onto).axes
    layers.append(ellipse_outlines(flat, axes, deviation_colors(poses, frame, person), 1.2))
    return layers


def _titled(panel: Image.Image, text: str) -> Image.Image:
    ImageDraw.Draw(panel).text(
        (10, 8), text, fill=_INK, font=ImageFont.load_default(size=16), stroke_width=3, stroke_fill=_PAPER
    )
    return panel
