"""3D recordings of animals, as several cameras or markers gave them: one reader for each program's files."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float64

from flowlift.damage import refused_if_damaged
from flowlift.errors import InputError, MissingExtraError
from flowlift.io import deeplabcut_csv, deeplabcut_h5
from flowlift.io.archive import read_arrays
from flowlift.io.c3d_markers import read_points, up_of
from flowlift.io.deeplabcut import Column, check_columns
from flowlift.io.hdf5 import is_hdf5, opened
from flowlift.io.trc import read_markers
from flowlift.units import METRES

EXTRA = "animals"

_AXES = ("x", "y", "z")


@dataclass(frozen=True, eq=False)
class Recording:
    """One animal: `xyz` (frame, joint, 3) in the file's unit and axes, NaN where it was not found.

    `joints`: their names in the file, None where it has none. `unit` and `fps`: where the file tells them. `up`: the
    axis that points up ("x", "-y", ...), where the format says so.
    """

    name: str
    joints: tuple[str, ...] | None
    xyz: Float64[np.ndarray, "frame joint 3"]
    fps: float | None = None
    unit: str | None = None
    up: str | None = None


def read_recordings(path: Path, *, joints: int | None = None) -> list[Recording]:
    """Every animal of a file. `joints`: how many are wanted, which tells them from frames where the file does not say
    which of its axes is which. Raises InputError, MissingExtraError."""
    if path.is_dir():
        raise InputError(f"{path}: a folder; give the files in it")
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    if not path.stat().st_size:
        raise InputError(f"{path}: the file is empty")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: no 3D recording that flowlift reads; it reads {', '.join(_READERS)}")
    with refused_if_damaged(f"{path}: cannot read it as a 3D recording"):
        found = reader(path, joints)
    for recording in found:
        if recording.joints is not None and len(recording.joints) != recording.xyz.shape[1]:
            raise InputError(f"{path}: {len(recording.joints)} names for {recording.xyz.shape[1]} joints")
        if not recording.xyz.size:
            raise InputError(f"{path}: it holds no {'joints' if len(recording.xyz) else 'frames'}")
        if np.isinf(recording.xyz).any():
            raise InputError(f"{path}: it holds infinite positions")
    return found


def _csv(path: Path, _: int | None) -> list[Recording]:
    """DeepLabCut's table, or one with a line of names: NAME_x, NAME_y, NAME_z for each joint, as anipose writes it."""
    if deeplabcut_csv.matches(path):
        return _from_table(*deeplabcut_csv.read_table(path), path)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        header, *rows = [row for row in csv.reader(stream) if row]
    names = [name.strip() for name in header]
    columns = {_with_small_axis(name): place for place, name in enumerate(names)}
    joints = tuple(
        name[:-2] for name in columns if name.endswith("_x") and {name[:-1] + a for a in "yz"} <= set(columns)
    )
    if not joints:
        why = "; they are parted by semicolons, not commas" if len(header) == 1 and ";" in header[0] else ""
        raise InputError(f"{path}: expected columns such as nose_x, nose_y, nose_z; its first line has none{why}")
    twice = [name for name in names if names.count(name) > 1 and _with_small_axis(name)[:-2] in joints]
    if twice:
        raise InputError(f"{path}: its first line has {twice[0]} more than once")
    picked = [columns[f"{joint}_{axis}"] for joint in joints for axis in _AXES]
    values = np.full((len(rows), len(picked)), np.nan)
    for index, row in enumerate(rows):
        if len(row) != len(header):
            raise InputError(f"{path}: line {index + 2} has {len(row)} values, the first line {len(header)}")
        cells = (row[place].strip() for place in picked)
        try:
            values[index] = [float(cell) if cell else np.nan for cell in cells]
        except ValueError as error:
            raise InputError(f"{path}: line {index + 2}: {error}") from error
    return [Recording(path.stem, joints, values.reshape(len(rows), len(joints), 3))]


def _with_small_axis(name: str) -> str:
    return name[:-1] + name[-1:].lower()


def _from_table(columns: list[Column], values: Float64[np.ndarray, "frame column"], path: Path) -> list[Recording]:
    """Each individual of DeepLabCut's table."""
    check_columns(columns, path)
    found = []
    for individual in dict.fromkeys(column.individual for column in columns):
        own = {(c.bodypart, c.coordinate): place for place, c in enumerate(columns) if c.individual == individual}
        joints = tuple(dict.fromkeys(bodypart for bodypart, _ in own))
        if not all((joint, axis) in own for joint in joints for axis in _AXES):
            raise InputError(f"{path}: expected x, y and z of every body part; is it a 2D file?")
        picked = [own[joint, axis] for joint in joints for axis in _AXES]
        name = f"{path.stem} {individual}".strip()
        found.append(Recording(name, joints, values[:, picked].reshape(len(values), len(joints), 3)))
    return found


def _h5(path: Path, joints: int | None) -> list[Recording]:
    """DeepLabCut's h5, SLEAP's `tracks` (frame, track, node, 3), or DANNCE's `pred` (frame[, animal], 3, joint)."""
    with opened(path, "damaged h5", purpose="reading h5", extra=EXTRA) as file:
        held = {name: file[name][()] for name in ("tracks", "pred", "node_names") if name in file}
    if "tracks" in held:
        names = [_text(name) for name in held.get("node_names", ())]
        return _sleap(held["tracks"], tuple(names) or None, path)
    if "pred" in held:
        return _dannce(held["pred"], joints, path)
    return _from_table(*deeplabcut_h5.read_table(path), path)


def _sleap(tracks: np.ndarray, names: tuple[str, ...] | None, path: Path) -> list[Recording]:
    if tracks.ndim != 4 or tracks.shape[3] != 3:
        raise InputError(
            f"{path}: `tracks` has shape {tracks.shape}, expected (frame, track, node, 3): is it a 2D file?"
        )
    parts = np.moveaxis(tracks.astype(np.float64), 1, 0)
    return [Recording(_numbered(path, index, len(parts)), names, part) for index, part in enumerate(parts)]


def _dannce(pred: np.ndarray, joints: int | None, path: Path) -> list[Recording]:
    """MATLAB's own files count axes the other way round. Which way it is, the axis of length 3 tells; where both ways
    have one, the number of joints that are wanted; else there are more frames than joints."""
    pred = np.asarray(pred, dtype=np.float64)
    if pred.ndim not in (3, 4):
        raise InputError(f"{path}: `pred` has shape {pred.shape}, expected (frame, 3, joint)")
    ways = [way for way in (pred, pred.transpose()) if way.shape[-2] == 3]
    if not ways:
        raise InputError(f"{path}: `pred` has shape {pred.shape}, expected (frame, 3, joint)")
    pred = max(ways, key=lambda way: (way.shape[-1] == joints, way.shape[0] >= way.shape[-1]))
    xyz = np.swapaxes(pred, -1, -2)
    parts = [xyz] if pred.ndim == 3 else list(np.moveaxis(xyz, 1, 0))
    return [Recording(_numbered(path, index, len(parts)), None, part) for index, part in enumerate(parts)]


def _numbered(path: Path, index: int, count: int) -> str:
    return path.stem if count == 1 else f"{path.stem} animal{index}"


def _mat(path: Path, joints: int | None) -> list[Recording]:
    """DANNCE's save_data_AVG.mat, in MATLAB's old format or the newer one, which is h5."""
    if is_hdf5(path):
        return _h5(path, joints)
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ImportError as error:
        raise MissingExtraError("reading .mat", EXTRA) from error
    try:
        return _dannce(loadmat(path, variable_names=["pred"])["pred"], joints, path)
    except MatReadError as error:
        raise InputError(f"{path}: damaged MATLAB file: {error}") from error


def _trc(path: Path, _: int | None) -> list[Recording]:
    found = read_markers(path)
    return [Recording(path.stem, found.names, found.xyz, found.rate, found.unit, "y")]


def _c3d(path: Path, _: int | None) -> list[Recording]:
    """Each subject's markers: ANNA:LKNE is Anna's. Those that the system lost are NaN."""
    found = read_points(path)
    recordings = []
    for subject in dict.fromkeys(label.rpartition(":")[0] for label in found.labels):
        own = [i for i, label in enumerate(found.labels) if label.rpartition(":")[0] == subject]
        names = tuple(found.labels[i].rpartition(":")[2] for i in own)
        name = f"{path.stem} {subject}".strip()
        recordings.append(Recording(name, names, found.xyz[:, own], found.rate, found.unit, up_of(found)))
    return recordings


def _npz(path: Path, _: int | None) -> list[Recording]:
    """`xyz` (frame, joint, 3), and where it says them `joints`, `fps`, `unit`."""
    held = read_arrays(path)
    if "xyz" not in held or held["xyz"].ndim != 3 or held["xyz"].shape[2] != 3:
        raise InputError(f"{path}: expected an array xyz (frame, joint, 3); it has {', '.join(held) or 'nothing'}")
    joints = tuple(_text(name) for name in held["joints"]) if "joints" in held else None
    fps = float(held["fps"]) if "fps" in held else None
    unit = _text(held["unit"].item()) if "unit" in held else None
    if fps is not None and not 0 < fps < np.inf:
        raise InputError(f"{path}: its fps is {fps}, which is no frame rate")
    if unit not in (None, *METRES):
        raise InputError(f"{path}: its unit is {unit!r}; expected {', '.join(METRES)}")
    return [Recording(path.stem, joints, held["xyz"].astype(np.float64), fps, unit)]


def _text(name: object) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


_READERS: MappingProxyType[str, Callable[[Path, int | None], list[Recording]]] = MappingProxyType(
    {".csv": _csv, ".h5": _h5, ".hdf5": _h5, ".mat": _mat, ".trc": _trc, ".c3d": _c3d, ".npz": _npz}
)
SUFFIXES = tuple(_READERS)
