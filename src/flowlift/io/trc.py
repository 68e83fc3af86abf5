"""TRC, the marker format of OpenSim: metres, y up."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError, OutputError
from flowlift.io.atomic import written_whole
from flowlift.io.hints import Hints
from flowlift.io.naming import plain_name, skeleton_of
from flowlift.skeletons import BUILT_IN

_TO_Y_UP = np.array([1.0, -1.0, -1.0])
"""Camera frame (x right, y down, z forward) to x right, y up, z backward; its own inverse."""
_UNITS = {"m": 1.0, "mm": 1e-3, "cm": 1e-2}
_OWN_UNITS = {unit.replace(" ", "_"): unit for unit in ("body lengths", "model units")}
"""Units that are no metres, as the header names them."""
_DEFAULT_RATE = 30.0
_HEADER = "DataRate CameraRate NumFrames NumMarkers Units OrigDataRate OrigDataStartFrame OrigNumFrames"


def matches(path: Path) -> bool:
    """A file that begins as TRC does."""
    with path.open(encoding="utf-8", errors="replace") as stream:
        return stream.readline(1000).startswith("PathFileType")


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """Positions from the camera (from the root where it is unknown). Missing: empty fields. No frame rate: 30.

    Poses that are not in metres say so in the header: Units body_lengths.

    One file holds one person: of several, clip.trc becomes clip_person0.trc, clip_person1.trc and so on. Raises
    OutputError, also for 2D keypoints.
    """
    if not isinstance(obj, Poses3D):
        raise OutputError(f"{path}: TRC holds 3D positions; 2D keypoints go to .npz, .json or .csv")
    place = (obj.xyz if obj.root is None else obj.absolute).astype(np.float64) * _TO_Y_UP
    with ExitStack() as files:  # none takes its place before all are written
        for person, target in enumerate(paths_of(path, obj.people)):
            beside = files.enter_context(written_whole(target))
            lines = _lines(obj, place[:, person], target.name)
            # The name may hold bytes that are no text: they pass through as they are.
            beside.write_text("".join(lines), encoding="utf-8", errors="surrogateescape", newline="\n")


def paths_of(path: Path, people: int) -> list[Path]:
    """The files that poses of so many people go to."""
    return [path] if people == 1 else [path.with_stem(f"{path.stem}_person{person}") for person in range(people)]


def _lines(poses: Poses3D, place: Float64[np.ndarray, "frame joint 3"], name: str) -> list[str]:
    frames, joints = len(poses), len(poses.skeleton)
    rate = f"{poses.fps or _DEFAULT_RATE:.15g}"
    times = poses.times if poses.times is not None else np.arange(frames) / float(rate)
    rows = [
        ["PathFileType", "4", "(X/Y/Z)", name],
        _HEADER.split(),
        [rate, rate, str(frames), str(joints), poses.unit.replace(" ", "_"), rate, "1", str(frames)],
        ["Frame#", "Time", *(cell for joint in poses.skeleton.joints for cell in (joint, "", ""))],
        ["", "", *(f"{axis}{i}" for i in range(1, joints + 1) for axis in "XYZ")],
        [],
    ]
    for frame, values in enumerate(place.reshape(frames, 3 * joints).tolist()):
        cells = ("" if value != value else f"{value:.6f}" for value in values)
        rows.append([str(frame + 1), f"{times[frame]:.6f}", *cells])
    return ["\t".join(row) + "\n" for row in rows]


def read(path: Path, hints: Hints) -> Poses3D:
    """Markers as one person's joints: relative to the root of their skeleton, in the camera frame's axes.

    A built-in skeleton where all its joints are among the markers (or by `hints`); else the markers hang on the first.
    No covariance is in the file: NaN. Raises InputError for a damaged file.
    """
    found = read_markers(path)
    factor = 1.0 if found.unit in _OWN_UNITS else _UNITS[found.unit]
    xyz = found.xyz * factor * _TO_Y_UP
    known = [plain_name(name) for name in found.names]
    names = known if any(set(skeleton.joints) <= set(known) for skeleton in BUILT_IN.values()) else list(found.names)
    skeleton = skeleton_of(names, hints.skeleton, path.stem)
    xyz = xyz[:, [names.index(joint) for joint in skeleton.joints]]
    root = xyz[:, skeleton.root]
    return Poses3D(
        xyz=(xyz - root[:, None])[:, None],
        root=root[:, None],
        cov=np.full((len(xyz), 1, len(skeleton), 3, 3), np.nan),
        skeleton=skeleton,
        fps=found.rate,
        times=found.times,
        provenance={"source": path.name} | ({"unit": _OWN_UNITS[found.unit]} if found.unit in _OWN_UNITS else {}),
    )


@dataclass(frozen=True, eq=False)
class Markers:
    """What a file holds, as it is there: positions (frame, marker, 3) in its unit and axes, times in s."""

    names: tuple[str, ...]
    xyz: Float64[np.ndarray, "frame marker 3"]
    times: Float64[np.ndarray, " frame"]
    unit: str
    rate: float


def read_markers(path: Path) -> Markers:
    """The markers under their own names. Raises InputError for a damaged file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    try:
        header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
        unit, rate = header["Units"].strip(), float(header["DataRate"])
        if unit not in (*_OWN_UNITS, *_UNITS):
            raise ValueError(f"its unit is {unit!r}, expected one of {', '.join((*_UNITS, *_OWN_UNITS))}")
        names = [name.strip() for name in lines[3].rstrip("\t").split("\t")[2::3]]
        rows = [line.split("\t") for line in lines[5:] if line.strip()]
        if rows and not text.endswith("\n") and len(rows[-1]) < 2 + 3 * len(names):
            raise ValueError("its last line is cut off")
        table = _table(rows, 2 + 3 * len(names))
    except (IndexError, KeyError, ValueError) as error:
        raise InputError(f"{path}: damaged TRC: {error}") from error
    if not names or not len(table):
        raise InputError(f"{path}: damaged TRC: it holds no {'frames' if names else 'markers'}")
    if np.isinf(table).any() or np.isnan(table[:, 1]).any():
        raise InputError(f"{path}: damaged TRC: infinite positions, or frames without a time")
    return Markers(tuple(names), table[:, 2:].reshape(len(table), len(names), 3), table[:, 1], unit, rate)


def _table(rows: Sequence[Sequence[str]], width: int) -> Float64[np.ndarray, "row column"]:
    """Numbers, NaN for empty fields; a row may lack empty fields at its end."""
    table = np.full((len(rows), width), np.nan)
    for index, row in enumerate(rows):
        if not 2 <= len(row) <= width + 1:
            raise ValueError(f"row {index + 1} has {len(row)} fields, expected {width}")
        table[index, : min(len(row), width)] = [float(cell) if cell.strip() else np.nan for cell in row[:width]]
    return table
