"""flowlift's own npz: everything a result holds, without pickles."""

import json
import zipfile
from pathlib import Path

import numpy as np

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError
from flowlift.io.hints import Hints
from flowlift.io.packing import pack, unpack


def matches(path: Path) -> bool:
    """An archive with our description in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "about.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def read(path: Path, hints: Hints) -> Keypoints2D | Poses3D:
    """Read what `write` wrote. Raises InputError for a damaged file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(str(arrays.pop("about")))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: damaged: {error}") from error
    return unpack(arrays, about)


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """Arrays by name, and `about`: one JSON text with skeleton, camera, provenance."""
    arrays, about = pack(obj)
    with path.open("wb") as stream:
        np.savez_compressed(stream, about=np.array(json.dumps(about)), **arrays)
