"""Small files in the shape of Human3.6M's, seen by four invented cameras, projected without the package."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .packed import pack

SUBJECTS = ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
KEPT = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
SYMMETRY = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]
IDS = ("54138969", "55011271", "58860488", "60457274")
SIZES = ((1000, 1002), (1000, 1000), (1000, 1000), (1000, 1002))
FOCAL, CENTER = np.array([1150.0, 1145.0]), np.array([511.0, 508.0])
RADIAL, TANGENTIAL = np.array([-0.2, 0.25, -0.01]), np.array([-0.001, 0.002])


@dataclass(frozen=True)
class View:
    """A camera that stands 5 m from the middle, 1.5 m high, and looks level; z of the world is up."""

    angle: float

    @property
    def axes(self) -> np.ndarray:
        """Right, down and forward, in the world, as rows."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return np.array([[s, -c, 0], [0, 0, -1], [c, s, 0]])

    @property
    def place(self) -> np.ndarray:
        return np.array([-5 * np.cos(self.angle), -5 * np.sin(self.angle), 1.5])

    @property
    def orientation(self) -> list[float]:
        """The quaternion that takes the camera's axes to the world's: a turn about z after the one for angle 0."""
        c, s = np.cos(self.angle / 2) / 2, np.sin(self.angle / 2) / 2
        return [c + s, -c - s, c - s, s - c]

    def seen(self, world: np.ndarray) -> np.ndarray:
        """Points of the world in the camera's frame, m."""
        return (world - self.place) @ self.axes.T

    def keypoints(self, world: np.ndarray) -> np.ndarray:
        """Pixels, by OpenCV's formula of distortion."""
        x, y, z = np.moveaxis(self.seen(world), -1, 0)
        x, y = x / z, y / z
        r2 = x * x + y * y
        k1, k2, k3 = RADIAL
        p1, p2 = TANGENTIAL
        radial = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3
        across = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        down = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        return np.stack([across, down], axis=-1) * FOCAL + CENTER


def views(subject: str) -> list[View]:
    """Each subject's own four."""
    return [View(SUBJECTS.index(subject) * 0.1 + index * np.pi / 2) for index in range(4)]


def cameras() -> dict[str, Any]:
    """The content of a cameras file, in pixels."""
    return {
        "intrinsics": "pixels",
        "subjects": {
            subject: [
                {
                    "id": name,
                    "orientation": view.orientation,
                    "translation": (view.place * 1000).tolist(),
                    "focal_length": FOCAL.tolist(),
                    "center": CENTER.tolist(),
                    "radial_distortion": RADIAL.tolist(),
                    "tangential_distortion": TANGENTIAL.tolist(),
                    "res_w": width,
                    "res_h": height,
                }
                for name, view, (width, height) in zip(IDS, views(subject), SIZES, strict=True)
            ]
            for subject in SUBJECTS
        },
    }


def poses() -> dict[str, Any]:
    """Three frames of three takes of each subject, and the corrupt one of S11."""
    generator = np.random.default_rng(0)

    def take() -> np.ndarray:
        return generator.uniform([-0.8, -0.8, 0.5], [0.8, 0.8, 2.5], (3, 32, 3)).astype(np.float32)

    names = {subject: ["Walking 1", "Photo", "Directions 1"] for subject in SUBJECTS}
    names["S11"].append("Directions")
    return {subject: {name: take() for name in each} for subject, each in names.items()}


def keypoints(taken: dict[str, Any], *, extra: int = 2) -> dict[str, Any]:
    """Projections from all four cameras; `extra` frames more than the capture has; and a subject without capture."""

    def seen(subject: str, world: np.ndarray) -> list[np.ndarray]:
        longer = np.concatenate([world, np.repeat(world[-1:], extra, axis=0)])[:, KEPT]
        return [view.keypoints(longer).astype(np.float32) for view in views(subject)]

    packed = {
        subject: {
            name: seen(subject, world) for name, world in takes.items() if (subject, name) != ("S11", "Directions")
        }
        for subject, takes in taken.items()
    }
    return {"S2": {"Walking": [np.zeros((4, 17, 2), np.float32)] * 4}, **packed}


def write(folder: Path, *, p3d: Any = None, p2d: Any = None, metadata: Any = None, cams: Any = None) -> Path:
    """A folder with all files; what is given stands in the place of what would be written."""
    p3d = poses() if p3d is None else p3d
    p2d = keypoints(p3d) if p2d is None else p2d
    about = {"num_joints": 17, "keypoints_symmetry": SYMMETRY} if metadata is None else metadata
    pack(folder / "data_3d_h36m.npz", positions_3d=p3d)
    pack(folder / "data_2d_h36m_cpn_ft_h36m_dbb.npz", positions_2d=p2d, metadata=about)
    (folder / "cameras.json").write_text(json.dumps(cameras() if cams is None else cams), encoding="utf-8")
    return folder
