"""TRC, the marker format of OpenSim: metres, y up."""

from pathlib import Path

import numpy as np

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError, OutputError
from flowlift.io.hints import Hints
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BUILT_IN

_TO_Y_UP = np.array([1.0, -1.0, -1.0])
"""Camera frame (x right, y down, z forward) to x right, y up, z backward; its own inverse."""
_UNITS = {"m": 1.0, "mm": 1e-3, "cm": 1e-2}
_DEFAULT_RATE = 30.0
_HEADER = (
    "DataRate",
    "CameraRate",
    "NumFrames",
    "NumMarkers",
    "Units",
    "OrigDataRate",
    "OrigDataStartFrame",
    "OrigNumFrames",
)


def matches(path: Path) -> bool:
    """A file that begins as TRC does."""
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.readline().startswith("PathFileType")
    except OSError:
        return False


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """Positions from the camera (from the root where it is unknown). Missing: empty fields.

    With several people each marker's name begins with its person: person1_hip. Raises OutputError for 2D keypoints.
    """
    if not isinstance(obj, Poses3D):
        raise OutputError(f"{path.suffix} holds 3D positions; 2D keypoints go to .npz, .json or .csv")
    place = (obj.xyz if obj.root is None else obj.absolute).astype(np.float64) * _TO_Y_UP
    markers = [
        joint if obj.people == 1 else f"person{person}_{joint}"
        for person in range(obj.people)
        for joint in obj.skeleton.joints
    ]
    rate = obj.fps or _DEFAULT_RATE
    times = obj.times if obj.times is not None else np.arange(len(obj)) / rate
    lines = [
        ["PathFileType", "4", "(X/Y/Z)", path.name],
        list(_HEADER),
        [f"{rate:g}", f"{rate:g}", str(len(obj)), str(len(markers)), "m", f"{rate:g}", "1", str(len(obj))],
        ["Frame#", "Time", *(cell for marker in markers for cell in (marker, "", ""))],
        ["", "", *(f"{axis}{i}" for i in range(1, len(markers) + 1) for axis in "XYZ")],
        [],
    ]
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for line in lines:
            stream.write("\t".join(line) + "\n")
        for frame, row in enumerate(place.reshape(len(obj), -1).tolist()):
            cells = ("" if value != value else f"{value:.6f}" for value in row)
            stream.write("\t".join([str(frame + 1), f"{times[frame]:.6f}", *cells]) + "\n")


def read(path: Path, hints: Hints) -> Poses3D:
    """Markers as one person's joints: relative to the root of their skeleton, in the camera frame's axes.

    A built-in skeleton where all its joints are among the markers (or by `hints`); else the markers hang on the first.
    No covariance is in the file: NaN. Raises InputError for a damaged file.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    try:
        header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
        names = tuple(name.strip() for name in lines[3].rstrip("\t").split("\t")[2::3])
        rows = [line.split("\t") for line in lines[5:] if line.strip()]
        width = 2 + 3 * len(names)
        cells = [[*row, *[""] * (width - len(row))][:width] for row in rows]
        table = np.array([[float(cell) if cell.strip() else np.nan for cell in row] for row in cells])
        factor, rate = _UNITS[header["Units"].strip()], float(header["DataRate"])
        xyz = table[:, 2:].reshape(len(table), len(names), 3) * factor * _TO_Y_UP
        skeleton = _skeleton(names, hints, path)
    except (IndexError, KeyError, ValueError) as error:
        raise InputError(f"{path}: damaged TRC: {error}") from error
    xyz = xyz[:, [names.index(joint) for joint in skeleton.joints]]
    root = xyz[:, skeleton.root]
    return Poses3D(
        xyz=(xyz - root[:, None])[:, None],
        root=root[:, None],
        cov=np.full((len(xyz), 1, len(skeleton), 3, 3), np.nan),
        skeleton=skeleton,
        fps=rate,
        times=table[:, 1],
        provenance={"source": path.name},
    )


def _skeleton(names: tuple[str, ...], hints: Hints, path: Path) -> Skeleton:
    if len(set(names)) < len(names) or not names:
        raise InputError(f"{path}: markers without a name, or with the same one")
    if hints.skeleton is not None:
        return hints.skeleton
    fitting = [s for s in BUILT_IN.values() if set(s.joints) <= set(names)]
    if fitting:
        return max(fitting, key=len)
    return Skeleton(path.stem, names, (None, *[names[0]] * (len(names) - 1)))
