"""TRC, the marker format of OpenSim: metres, y up; and Sports2D's, which holds pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError
from flowlift.io.extent import image_size_or_guess
from flowlift.io.hints import Hints
from flowlift.io.marker_names import joint_names, marker_names
from flowlift.io.naming import plain_name, skeleton_of
from flowlift.io.person_files import write_each
from flowlift.io.positions import TO_Y_UP, about_root, frame_rate, needs_people, seconds, y_up
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BUILT_IN
from flowlift.units import METRES

_PIXELS = "px"
_LARGEST = 50.0
"""Markers in one plane and further than so many metres from the origin are pixels, whatever the header says."""
_OWN_UNITS = {unit.replace(" ", "_"): unit for unit in ("body lengths", "model units")}
"""Units that are no metres, as the header names them."""
_HEADER = "DataRate CameraRate NumFrames NumMarkers Units OrigDataRate OrigDataStartFrame OrigNumFrames"


def matches(path: Path) -> bool:
    """A file that begins as TRC does."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        return stream.readline(1000).startswith("PathFileType")


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """Positions from the camera (from the root where it is unknown). Missing: empty fields. No frame rate: 30.

    Poses that are not in metres say so in the header: Units body_lengths. Markers are called as in Pose2Sim's OpenSim
    models (LKnee). One file holds one person: of several, clip.trc becomes clip_person0.trc, clip_person1.trc and so
    on. Raises OutputError, also for 2D keypoints.
    """
    poses = needs_people(obj, path, "TRC")
    place = y_up(poses)
    write_each(
        path, range(poses.people), poses.people, lambda person, name: "".join(_lines(poses, place[:, person], name))
    )


def _lines(poses: Poses3D, place: Float64[np.ndarray, "frame joint 3"], name: str) -> list[str]:
    frames, joints = len(poses), len(poses.skeleton)
    rate = f"{frame_rate(poses):.15g}"
    times = seconds(poses)
    rows = [
        ["PathFileType", "4", "(X/Y/Z)", name],
        _HEADER.split(),
        [rate, rate, str(frames), str(joints), poses.unit.replace(" ", "_"), rate, "1", str(frames)],
        ["Frame#", "Time", *(cell for marker in marker_names(poses.skeleton.joints) for cell in (marker, "", ""))],
        ["", "", *(f"{axis}{i}" for i in range(1, joints + 1) for axis in "XYZ")],
        [],
    ]
    for frame, values in enumerate(place.reshape(frames, 3 * joints).tolist()):
        cells = ("" if value != value else f"{value:.6f}" for value in values)
        rows.append([str(frame + 1), f"{times[frame]:.6f}", *cells])
    return ["\t".join(row) + "\n" for row in rows]


def read(path: Path, hints: Hints) -> Keypoints2D | Poses3D:
    """Markers as one person's joints: relative to the root of their skeleton, in the camera frame's axes; or pixels.

    A built-in skeleton where all its joints are among the markers (or by `hints`); else the markers hang on the first.
    No covariance is in the file: NaN. Raises InputError for a damaged file.
    """
    found = read_markers(path)
    pixels = found.unit == _PIXELS or _flat_and_large(found.xyz * METRES.get(found.unit, 1.0))
    skeleton, order = _skeleton(found.names, hints, path, rename=pixels)
    return _keypoints(found, skeleton, order, path, hints) if pixels else _poses(found, skeleton, order, path)


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
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    lines = text.splitlines()
    try:
        header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=False))
        unit, rate = header["Units"].strip(), float(header["DataRate"])
        if unit not in (*_OWN_UNITS, *METRES, _PIXELS):
            raise ValueError(f"its unit is {unit!r}, expected one of {', '.join((*METRES, _PIXELS, *_OWN_UNITS))}")
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
    if (np.diff(table[:, 1]) <= 0).any():
        raise InputError(f"{path}: damaged TRC: its times do not rise")
    return Markers(tuple(names), table[:, 2:].reshape(len(table), len(names), 3), table[:, 1], unit, rate)


def _skeleton(names: Sequence[str], hints: Hints, path: Path, *, rename: bool) -> tuple[Skeleton, list[int]]:
    """The skeleton, and each of its joints' place among the markers. `rename`: markers get the names that joints have
    in the built-in skeletons even where no skeleton is complete, so that they can be lifted."""
    known = [plain_name(name) for name in joint_names(names)]
    complete = any(set(skeleton.joints) <= set(known) for skeleton in BUILT_IN.values())
    called = known if rename or complete else list(names)
    skeleton = skeleton_of(called, hints.skeleton, path.stem)
    return skeleton, [called.index(joint) for joint in skeleton.joints]


def _flat_and_large(metres: Float64[np.ndarray, "frame joint 3"]) -> bool:
    """Sports2D's files say metres also where they hold pixels, whose z is 0."""
    flat = not np.nan_to_num(metres[..., 2]).any()
    return flat and bool(np.nanmax(np.abs(metres[..., :2]), initial=0.0) > _LARGEST)


def _keypoints(found: Markers, skeleton: Skeleton, order: list[int], path: Path, hints: Hints) -> Keypoints2D:
    """(0, 0) is what Sports2D fills gaps with: missing. The file holds no scores: NaN."""
    xy = found.xyz[:, None, order, :2]
    xy = np.where((xy == 0).all(axis=-1, keepdims=True), np.nan, xy)
    size = image_size_or_guess(xy, hints.image_size, hints.camera_size, str(path))
    return Keypoints2D(xy, np.full(xy.shape[:3], np.nan), skeleton, size, found.rate, path.name, found.times)


def _poses(found: Markers, skeleton: Skeleton, order: list[int], path: Path) -> Poses3D:
    xyz = found.xyz[:, order] * METRES.get(found.unit, 1.0) * TO_Y_UP
    relative, root = about_root(xyz, skeleton.root)
    return Poses3D(
        xyz=relative[:, None],
        root=root[:, None],
        cov=np.full((len(xyz), 1, len(skeleton), 3, 3), np.nan),
        skeleton=skeleton,
        fps=found.rate,
        times=found.times,
        provenance={"source": path.name} | ({"unit": _OWN_UNITS[found.unit]} if found.unit in _OWN_UNITS else {}),
    )


def _table(rows: Sequence[Sequence[str]], width: int) -> Float64[np.ndarray, "row column"]:
    """Numbers, NaN for empty fields; a row may lack empty fields at its end."""
    table = np.full((len(rows), width), np.nan)
    for index, row in enumerate(rows):
        if not 2 <= len(row) <= width + 1:
            raise ValueError(f"row {index + 1} has {len(row)} fields, expected {width}")
        table[index, : min(len(row), width)] = [float(cell) if cell.strip() else np.nan for cell in row[:width]]
    return table
