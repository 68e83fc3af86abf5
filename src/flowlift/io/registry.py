"""One registry of formats. A format is one module, imported when its suffix comes up; its content decides."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.damage import DAMAGE, refused_if_damaged
from flowlift.errors import FlowliftError, InputError, OutputError
from flowlift.io import json_file
from flowlift.io.hints import Hints, apply

FOLDER = "a folder"
"""Stands for a suffix where a format is a folder of files."""

_LONGEST = 1000
"""Characters of an error that quotes what it found."""
_IN_ANY_ORDER = ("openpose", "mediapipe_json")
"""Formats that list who was found in each frame, not who it was."""
_OF_CLIPS = ("videopose3d", "sleap", "deeplabcut_csv", "deeplabcut_h5", "nwb")
"""Formats in which FILE::CLIP names a part of the file."""
_EVERYWHERE = {"deeplabcut_csv": 0.1, "deeplabcut_h5": 0.1}
"""Formats that have a place for every joint, wherever it would be if it were anywhere, and the likelihood below which
it is nowhere."""


@dataclass(frozen=True)
class Reader:
    """A format that is read: `module` has `matches(path) -> bool` and `read(path, hints)`.

    `ordered`: its files keep people apart, one index for each through all frames; where that depends on the file, the
    module has `keeps_people_apart(path) -> bool`. `clips`: a file may hold several, which have names. `min_score`:
    joints of less confidence were not found.
    """

    name: str
    suffixes: tuple[str, ...]
    module: str
    ordered: bool = True
    clips: bool = False
    min_score: float | None = None


@dataclass(frozen=True)
class Writer:
    """A format that is written to names that end in `suffix`, which may have several parts (`.dlc.csv`).

    `module` has `write(obj, path)`, which leaves the file whole or not at all.
    """

    name: str
    suffix: str
    module: str


def register(table: dict[str, Reader], reader: Reader) -> None:
    """Add a reader. Raises ValueError for a name that is taken."""
    if reader.name in table:
        raise ValueError(f"two readers are called {reader.name!r}")
    table[reader.name] = reader


def register_writer(table: dict[str, Writer], writer: Writer) -> None:
    """Add a writer. Raises ValueError for a suffix that is taken."""
    if writer.suffix in table:
        raise ValueError(f"two writers want {writer.suffix!r}: {table[writer.suffix].name} and {writer.name}")
    table[writer.suffix] = writer


def _built_in_readers() -> Mapping[str, Reader]:
    table: dict[str, Reader] = {}
    for name, suffixes, module in (
        ("flowlift npz", (".npz",), "native_npz"),
        ("VideoPose3D npz", (".npz",), "videopose3d"),
        ("flowlift JSON", (".json",), "native_json"),
        ("OpenPose JSON, one file a frame", (FOLDER, ".json"), "openpose"),
        ("AlphaPose JSON", (".json",), "alphapose"),
        ("MMPose predictions JSON", (".json",), "mmpose"),
        ("COCO keypoints JSON", (".json",), "coco"),
        ("MediaPipe landmarks JSON", (".json",), "mediapipe_json"),
        ("DeepLabCut CSV", (".csv",), "deeplabcut_csv"),
        ("SLEAP", (".slp", ".h5", ".hdf5"), "sleap"),
        ("DeepLabCut h5", (".h5", ".hdf5"), "deeplabcut_h5"),
        ("NWB (ndx-pose)", (".nwb",), "nwb"),
        ("TRC (3D, or Sports2D's pixels)", (".trc",), "trc"),
        ("C3D (3D)", (".c3d",), "c3d_markers"),
    ):
        ordered, least = module not in _IN_ANY_ORDER, _EVERYWHERE.get(module)
        clips = module in _OF_CLIPS
        register(table, Reader(name, suffixes, f"flowlift.io.{module}", ordered, clips, least))
    return MappingProxyType(table)


def _built_in_writers() -> Mapping[str, Writer]:
    table: dict[str, Writer] = {}
    for name, suffix, module in (
        ("flowlift npz", ".npz", "native_npz"),
        ("tidy CSV", ".csv", "tidy_csv"),
        ("flowlift JSON", ".json", "native_json"),
        ("TRC", ".trc", "trc"),
        ("page to look at", ".html", "html"),
        ("BVH", ".bvh", "bvh"),
        ("glTF", ".glb", "gltf"),
        ("C3D", ".c3d", "c3d"),
        ("tidy Parquet", ".parquet", "parquet"),
        ("netCDF for movement", ".nc", "netcdf"),
        ("DeepLabCut CSV", ".dlc.csv", "deeplabcut_csv"),
        ("DeepLabCut h5", ".h5", "deeplabcut_h5"),
        ("rerun recording", ".rrd", "rerun"),
    ):
        register_writer(table, Writer(name, suffix, f"flowlift.io.{module}"))
    return MappingProxyType(table)


READERS = _built_in_readers()
WRITERS = _built_in_writers()
_WRITTEN_ALONE = set(WRITERS) - {suffix for reader in READERS.values() for suffix in reader.suffixes}
"""Endings that are only written."""


def load(
    path: str | Path,
    *,
    skeleton: str | None = None,
    fps: float | None = None,
    image_size: tuple[int, int] | None = None,
    min_score: float | None = None,
) -> Keypoints2D | Poses3D:
    """Read 2D keypoints, or 3D poses, from any file that flowlift knows; its content decides which it is.

    `skeleton` (a name), `fps` and `image_size` (width, height) are for files that do not say; where a file does, what
    is given here counts, and the skeleton's joints are taken by the names that the file has for them. 2D joints of a
    confidence below `min_score` are missing. `FILE::CLIP` names one clip of a file that holds several. Where a file
    lists people anew in each frame, in any order, a person is a place in its lists; a warning says so. Raises
    InputError for a file that is missing, unknown or damaged, or lacks a joint of the skeleton; MissingExtraError where
    its format needs a package that is not installed.
    """
    found = load_as_listed(path, Hints.of(skeleton, fps, image_size, 0.0 if min_score is None else min_score))
    if isinstance(found, Keypoints2D) and found.people > 1 and len(found) > 1 and not keeps_people_apart(path):
        warnings.warn(
            f"{path}: it lists people in any order, frame by frame; flowlift.track.track(keypoints) follows them, and "
            "flowlift.lift does",
            UserWarning,
            stacklevel=2,
        )
    return found


def load_as_listed(path: str | Path, hints: Hints) -> Keypoints2D | Poses3D:
    """`load` for somebody who knows that a person may be a place in the file's lists, and wants no joints that their
    format says were not found. Raises InputError, MissingExtraError."""
    file, clip = split_clip(path)
    hints = replace(hints, clip=clip)
    if not file.exists():
        raise InputError(f"{file}: there is no such file or folder")
    try:
        if file.is_file() and not file.stat().st_size:
            raise InputError(f"{file}: the file is empty")
        found = _read(_find(file, clip), file, hints)
    except InputError as error:
        raise InputError(_one_line(error, file)) from error
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror or error}") from error
    finally:
        json_file.forget()
    if isinstance(found, Keypoints2D):
        _warn_of_wrong_skeleton(found, file)
    return found


def is_keypoint_source(path: str | Path) -> bool:
    """Whether `load` is the way to read this path: not a video, an image or a folder of images."""
    file, clip = split_clip(path)
    if clip is not None:
        return True
    if file.is_dir():
        folders = (reader for reader in READERS.values() if FOLDER in reader.suffixes)
        return any(import_module(reader.module).matches(file) for reader in folders)
    return file.suffix.lower() in {suffix for reader in READERS.values() for suffix in reader.suffixes}


def keeps_people_apart(path: str | Path) -> bool:
    """Whether a person's index is the same in every frame of a file, by its format; also for what cannot be read."""
    file = split_clip(path)[0]
    try:
        reader = _find(file)
        told = getattr(import_module(reader.module), "keeps_people_apart", None)
        return reader.ordered if told is None else bool(told(file))
    except FlowliftError:
        return True
    except DAMAGE:
        return True


def save(obj: Keypoints2D | Poses3D, path: str | Path, *, format: str | None = None) -> Path:
    """Write keypoints or poses; the longest ending of the name that is a format's says which, or `format`: an ending
    without its first dot, such as "dlc.csv". The file appears whole or not at all. Returns its path; of several people
    in a format of one (TRC, BVH) the clip's, beside which theirs are: walk_person0.trc of walk.trc.

    Raises OutputError for an unknown format, or a place that cannot be written; InputError for anything but keypoints
    and poses; MissingExtraError where the format needs a package that is not installed.
    """
    path = Path(path)
    _check_saved(obj)
    import_module(writer_for(path, format).module).write(obj, path)
    return path


def _check_saved(obj: object) -> None:
    if not isinstance(obj, Keypoints2D | Poses3D):
        raise InputError(f"Keypoints2D or Poses3D can be saved, not {type(obj).__name__}")


def writer_for(path: Path, format: str | None = None) -> Writer:
    """The writer of a file, by its name or by `format`. Raises OutputError, with the list, for an unknown one."""
    if format is not None:
        writer = WRITERS.get(f".{str(format).lower().lstrip('.')}")
        if writer is None:
            raise OutputError(f"no format {format!r}; there is {', '.join(suffix[1:] for suffix in WRITERS)}")
        return writer
    name = path.name.lower()
    fitting = [suffix for suffix in WRITERS if name.endswith(suffix) and name != suffix]
    if not fitting:
        raise OutputError(f"{path}: no writer for {path.suffix!r}; there is {', '.join(WRITERS)}")
    return WRITERS[max(fitting, key=len)]


def stem_of(path: Path) -> str:
    """A file's name without its ending, and without the first half of a double one: what another ending goes after."""
    stem = path.stem
    halves = (Path(suffix).stem for suffix in WRITERS if suffix.count(".") == 2)
    return next((stem[: -len(half)] for half in halves if stem.lower().endswith(half) and stem != half), stem)


def file_of(path: str | Path) -> Path:
    """The file or folder of FILE::CLIP."""
    return split_clip(path)[0]


def split_clip(path: str | Path) -> tuple[Path, str | None]:
    """File and clip of FILE::CLIP; a file may have such a name itself."""
    file, mark, clip = str(path).partition("::")
    return (Path(file), clip) if mark and not Path(path).exists() else (Path(path), None)


def _find(file: Path, clip: str | None = None) -> Reader:
    suffix = FOLDER if file.is_dir() else file.suffix.lower()
    fitting = [reader for reader in READERS.values() if suffix in reader.suffixes]
    for reader in fitting:
        if import_module(reader.module).matches(file):
            return reader
    if suffix == ".json":
        json_file.parse(file)  # tells where it is cut off
    if suffix in _WRITTEN_ALONE or (suffix == ".csv" and import_module("flowlift.io.tidy_csv").is_one(file)):
        raise InputError(
            f"{file}: flowlift writes {suffix} files like this one, and does not read them; give the .npz or .json of "
            "the same (of 3D poses also .trc or .c3d)"
        )
    if not fitting and clip is not None:
        raise InputError(f"{file}: only keypoint files have clips with names; leave ::{clip} out")
    if not fitting:
        listed = "; ".join(f"{reader.name} ({', '.join(reader.suffixes)})" for reader in READERS.values())
        raise InputError(f"{file}: not a file that flowlift reads; it reads {listed}")
    names = " or ".join(reader.name for reader in fitting)
    what = f"{suffix} files are" if suffix != FOLDER else "a folder is"
    raise InputError(f"{file}: it is damaged, or holds something else; {what} read as {names}")


def _read(reader: Reader, file: Path, hints: Hints) -> Keypoints2D | Poses3D:
    if hints.clip is not None and not reader.clips:
        raise InputError(f"{file}: {reader.name} has no clips with names; leave ::{hints.clip} out")
    if hints.min_score is None:
        hints = replace(hints, min_score=reader.min_score)
    with refused_if_damaged(f"{file}: damaged {reader.name}"):
        return apply(hints, import_module(reader.module).read(file, hints))


def _one_line(error: BaseException, file: Path | None = None) -> str:
    text = " ".join(str(error).split())[:_LONGEST] or type(error).__name__
    return text if file is None or text.startswith(str(file)) else f"{file}: {text}"


def _warn_of_wrong_skeleton(keypoints: Keypoints2D, file: Path) -> None:
    from flowlift.conversion import check_geometry

    complaint = check_geometry(keypoints)
    if complaint:
        warnings.warn(f"{file}: {complaint}", UserWarning, stacklevel=2)
