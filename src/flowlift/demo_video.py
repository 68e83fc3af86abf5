"""A video of the clip that flowlift synthesises: a plain figure that walks about on a tiled floor.

Detection is timed on it, and pictures in the documentation are made from it, so that nobody's likeness is in them.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from flowlift.camera import Camera
from flowlift.demo import DemoClip

_WALL, _FLOOR, _TILE = (214, 219, 224), (178, 170, 158), (160, 151, 139)
_SKIN, _SHIRT, _TROUSERS, _SHOE, _HAIR = (203, 159, 131), (66, 104, 128), (70, 66, 82), (40, 38, 42), (74, 54, 42)
_FINER = 2  # painted larger, then shrunk: smooth edges

# Joints at both ends, the thickness there (m), the colour.
_LIMBS = (
    *((f"{side}_hip", f"{side}_knee", 0.16, 0.11, _TROUSERS) for side in ("left", "right")),
    *((f"{side}_knee", f"{side}_ankle", 0.11, 0.08, _TROUSERS) for side in ("left", "right")),
    *((f"{side}_shoulder", f"{side}_elbow", 0.11, 0.085, _SHIRT) for side in ("left", "right")),
    *((f"{side}_elbow", f"{side}_wrist", 0.08, 0.06, _SKIN) for side in ("left", "right")),
    ("hip", "spine", 0.30, 0.27, _SHIRT),
    ("spine", "thorax", 0.27, 0.30, _SHIRT),
    ("left_shoulder", "right_shoulder", 0.13, 0.13, _SHIRT),
    ("left_hip", "right_hip", 0.19, 0.19, _TROUSERS),
)


def write_demo_video(path: Path, clip: DemoClip) -> None:
    """H.264, one picture a frame of the clip."""
    import av

    width, height = clip.camera.image_size
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=round(clip.truth.fps or 30), options={"crf": "26"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for image in pictures(clip):
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode())


def pictures(clip: DemoClip) -> Iterator[Image.Image]:
    """One picture a frame, of the camera's size."""
    room = _room(clip.camera)
    joints = clip.truth.absolute[:, 0].astype(np.float64)
    index = clip.truth.skeleton.index
    for points in joints:
        picture = room.copy()
        pen = ImageDraw.Draw(picture)
        parts = [(index(a), index(b), wide, narrow, color) for a, b, wide, narrow, color in _LIMBS]
        shapes = [(points[[a, b], 2].mean(), points[a], points[b], wide, narrow, c) for a, b, wide, narrow, c in parts]
        head = (points[index("nose")] + points[index("head")]) / 2
        neck = points[index("thorax")]
        shapes += [(neck[2], neck, head, 0.1, 0.1, _SKIN), (head[2], head, head, 0.21, 0.21, _SKIN)]
        crown = head + 0.35 * (points[index("head")] - points[index("nose")]) + 0.04 * _up(clip.camera)
        shapes.append((head[2] + 0.02 * np.sign(crown[2] - head[2]), crown, crown, 0.19, 0.19, _HAIR))
        for side in ("left", "right"):
            ankle = points[index(f"{side}_ankle")] - 0.03 * _up(clip.camera)
            shapes.append((ankle[2], ankle, ankle, 0.11, 0.11, _SHOE))
        for _, start, end, wide, narrow, color in sorted(shapes, key=lambda shape: -shape[0]):
            _limb(pen, clip.camera, start, end, wide, narrow, color)
        yield picture.resize(clip.camera.image_size, Image.Resampling.BOX)


def _up(camera: Camera) -> np.ndarray:
    assert camera.rotation is not None
    return camera.rotation[:, 1]


def _room(camera: Camera) -> Image.Image:
    assert camera.rotation is not None
    assert camera.translation is not None
    width, height = (side * _FINER for side in camera.image_size)
    picture = Image.new("RGB", (width, height), _WALL)
    pen = ImageDraw.Draw(picture)

    def place(x: float, z: float) -> tuple[float, float]:
        return tuple(_FINER * camera.project(camera.rotation @ np.array([x, 0.0, z]) + camera.translation))

    reach, near = 4.5, 3.6
    pen.polygon([place(-9, -reach), place(9, -reach), place(9, near), place(-9, near)], fill=_FLOOR)
    for line in np.arange(-9, 9.1, 0.75):
        pen.line([place(line, -reach), place(line, near)], fill=_TILE, width=2 * _FINER)
    for line in np.arange(-reach, near + 0.1, 0.75):
        pen.line([place(-9, line), place(9, line)], fill=_TILE, width=2 * _FINER)
    return picture


def _limb(
    pen: ImageDraw.ImageDraw,
    camera: Camera,
    start: np.ndarray,
    end: np.ndarray,
    wide: float,
    narrow: float,
    color: tuple[int, int, int],
) -> None:
    """A tapered limb: discs close to each other."""
    for part in np.linspace(0, 1, 24 if np.any(start != end) else 1):
        middle = start + part * (end - start)
        x, y = _FINER * camera.project(middle)
        radius = _FINER * camera.matrix[0, 0] * (wide + part * (narrow - wide)) / 2 / middle[2]
        pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=color)
