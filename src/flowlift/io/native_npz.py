"""flowlift's own npz: everything a result holds, without pickles."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.damage import refused_if_damaged
from flowlift.io.archive import names, read_arrays
from flowlift.io.atomic import written_whole
from flowlift.io.hints import Hints
from flowlift.io.packing import pack, unpack


def matches(path: Path) -> bool:
    """An archive with our description in it."""
    return "about" in names(path)


def read(path: Path, hints: Hints) -> Keypoints2D | Poses3D:
    """Read what `write` wrote. Raises InputError for a damaged file."""
    arrays = read_arrays(path, expected="an npz that flowlift wrote")
    with refused_if_damaged(f"{path}: damaged"):
        about = json.loads(str(arrays.pop("about")))
    return unpack(arrays, about)


def told(path: Path) -> dict[str, Any]:
    """The description in a file, as it stands there. Raises InputError."""
    with refused_if_damaged(f"{path}: damaged"):
        return dict(json.loads(str(read_arrays(path)["about"])))


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """Arrays by name, and `about`: one JSON text with skeleton, camera, provenance. Raises OutputError."""
    arrays, about = pack(obj)
    arrays["about"] = np.array(json.dumps(about))
    # As np.savez_compressed does, but its archive is not closed on a full disk, and complains when it is collected.
    with written_whole(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)  # type: ignore[no-untyped-call]
