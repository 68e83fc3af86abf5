"""Small files in the shape of MPI-INF-3DHP's: millimetres, camera frame, keypoints by the published intrinsics."""

from pathlib import Path
from typing import Any

import numpy as np

from .packed import pack

CAMERAS = ("0", "1", "2", "4", "5", "6", "7", "8")
TESTS = ("TS1", "TS2", "TS3", "TS4", "TS5", "TS6")


def poses(seed: int, frames: int = 4) -> np.ndarray:
    """A cloud of joints 3 m away, mm."""
    generator = np.random.default_rng(seed)
    return generator.uniform([-800, -800, 2500], [800, 800, 3500], (frames, 17, 3)).astype(np.float32)


def keypoints(xyz: np.ndarray, sequence: str = "TS1") -> np.ndarray:
    """Where the test set's cameras see them, px."""
    focal, center = (1684.0, (939.9, 560.1)) if sequence in ("TS5", "TS6") else (1500.2, (1017.4, 1043.0))
    return (xyz[..., :2] / xyz[..., 2:] * focal + center).astype(np.float32)


def annotated(seed: int, sequence: str = "TS1") -> dict[str, np.ndarray]:
    xyz = poses(seed)
    return {"data_2d": keypoints(xyz, sequence), "data_3d": xyz}


def train() -> dict[str, Any]:
    """Two sequences of eight cameras, at 50 and 25 frames a second, not in order."""
    names = {"S10 Seq1": 25, "S2 Seq2": 50, "S2 Seq1": 25}
    return {
        name: [{camera: annotated(int(camera)) for camera in reversed(CAMERAS)}, fps] for name, fps in names.items()
    }


def tested() -> dict[str, Any]:
    """Six sequences, not in order; the first frame of each does not count."""
    valid = np.array([0.0, 1, 1, 1])
    return {name: {**annotated(index, name), "valid": valid} for index, name in enumerate(reversed(TESTS))}


def write(folder: Path, *, of_train: Any = None, of_test: Any = None) -> Path:
    """A folder with both files; what is given stands in the place of what would be written."""
    pack(folder / "data_train_3dhp.npz", data=train() if of_train is None else of_train)
    pack(folder / "data_test_3dhp.npz", data=tested() if of_test is None else of_test)
    return folder
