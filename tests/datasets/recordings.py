"""The same animal as each program would have written it."""

import csv
from pathlib import Path

import numpy as np
import pytest

from flowlift.skeleton import Skeleton

JOINTS = ("tail base", "Left-Hip", "right_hip", "snout")
"""Named as people name them."""
ANIMAL = Skeleton(
    "animal",
    ("tail_base", "left_hip", "right_hip", "snout"),
    (None, "tail_base", "tail_base", "tail_base"),
    (("left_hip", "right_hip"),),
    size=("snout", "tail_base"),
)


_HEADER = "DataRate CameraRate NumFrames NumMarkers Units OrigDataRate OrigDataStartFrame OrigNumFrames"


def moving(frames: int = 40, *, gaps: bool = True) -> np.ndarray:
    """(frame, 4, 3), 80 long, z up; some joints missing."""
    rng = np.random.default_rng(0)
    body = np.array([[0, 0, 30], [5, 10, 20], [5, -10, 20], [80, 0, 30]], dtype=float)
    xyz = body + rng.normal(size=(frames, 4, 3)) + rng.normal(size=(frames, 1, 3)) * 50
    if gaps:
        xyz[3, 1] = xyz[7, 3] = np.nan
    return xyz


def write_anipose(path: Path, xyz: np.ndarray, joints: tuple[str, ...] = JOINTS) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([f"{joint}_{what}" for joint in joints for what in ("x", "y", "z", "error")] + ["fnum"])
        for frame, rows in enumerate(xyz.tolist()):
            cells = [["" if v != v else repr(v) for v in row] + ["0.5"] for row in rows]
            writer.writerow([*(cell for row in cells for cell in row), frame])
    return path


def deeplabcut_labels(individuals: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    who = [(name,) for name in individuals] or [()]
    return [("DLC_3D", *name, joint, axis) for name in who for joint in JOINTS for axis in "xyz"]


def write_deeplabcut_csv(path: Path, xyz: np.ndarray, labels: list[tuple[str, ...]] | None = None) -> Path:
    labels = labels or deeplabcut_labels()
    names = (
        ("scorer", "individuals", "bodyparts", "coords") if len(labels[0]) == 4 else ("scorer", "bodyparts", "coords")
    )
    rows = [[name, *level] for name, level in zip(names, zip(*labels, strict=True), strict=True)]
    rows += [
        [str(i), *("" if v != v else repr(float(v)) for v in row)] for i, row in enumerate(xyz.reshape(len(xyz), -1))
    ]
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    return path


def write_deeplabcut_h5(path: Path, xyz: np.ndarray) -> Path:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    columns = pandas.MultiIndex.from_tuples(deeplabcut_labels(), names=["scorer", "bodyparts", "coords"])
    pandas.DataFrame(xyz.reshape(len(xyz), -1), columns=columns).to_hdf(path, key="df_with_missing", format="table")
    return path


def write_sleap(path: Path, xyz: np.ndarray) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.create_dataset("tracks", data=xyz[:, None], chunks=True)
    return path


def write_dannce_h5(path: Path, xyz: np.ndarray, *, matlab: bool) -> Path:
    h5py = pytest.importorskip("h5py")
    pred = np.swapaxes(xyz, 1, 2)
    with h5py.File(path, "w") as file:
        file.create_dataset("pred", data=pred.transpose() if matlab else pred)
    return path


def write_dannce_mat(path: Path, xyz: np.ndarray) -> Path:
    scipy_io = pytest.importorskip("scipy.io")
    scipy_io.savemat(path, {"pred": np.swapaxes(xyz, 1, 2), "sampleID": np.arange(len(xyz))})
    return path


def write_trc(path: Path, xyz: np.ndarray, unit: str = "mm") -> Path:
    rows = [
        ["PathFileType", "4", "(X/Y/Z)", path.name],
        _HEADER.split(),
        ["50", "50", str(len(xyz)), "4", unit, "50", "1", str(len(xyz))],
        ["Frame#", "Time", *(cell for joint in JOINTS for cell in (joint, "", ""))],
        ["", "", *(f"{axis}{i}" for i in range(1, 5) for axis in "XYZ")],
        [],
    ]
    for frame, values in enumerate(xyz.reshape(len(xyz), -1).tolist()):
        rows.append([str(frame + 1), f"{frame / 50:.6f}", *("" if v != v else repr(v) for v in values)])
    path.write_text("".join("\t".join(row) + "\n" for row in rows))
    return path


def write_c3d(path: Path, xyz: np.ndarray) -> Path:
    ezc3d = pytest.importorskip("ezc3d")
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [50]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["mm"]
    file["parameters"]["POINT"]["LABELS"]["value"] = list(JOINTS)
    points = np.ones((4, 4, len(xyz)))
    points[:3] = xyz.transpose(2, 1, 0)
    file["data"]["points"] = points
    file.write(str(path))
    return path


def write_npz(path: Path, xyz: np.ndarray) -> Path:
    np.savez(path, xyz=xyz, joints=np.array(JOINTS), fps=50.0, unit="mm")
    return path
