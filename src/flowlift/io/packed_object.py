"""An object array of an npz, such as a dictionary of arrays, read through the restricted unpickler."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from flowlift.damage import refused_if_damaged
from flowlift.errors import InputError
from flowlift.io.archive import check_claims
from flowlift.io.restricted import load


def read_object(path: Path, name: str, default: Any = None) -> Any:
    """The one object in the array `name` of an npz; `default`, where it is not None, for an array that is not there.

    Nothing in the file is run: anything but arrays, numbers, text and plain containers is refused. Raises InputError
    for that, and for a file that is missing or damaged.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no such file")
    with refused_if_damaged(f"{path}: damaged"), zipfile.ZipFile(path) as archive:
        check_claims(archive, path)
        if f"{name}.npy" in archive.namelist():
            with archive.open(f"{name}.npy") as stream:
                return _only_object(stream, f"{path}: {name}")
    if default is None:
        raise InputError(f"{path}: {name} is missing in it")
    return default


def _only_object(stream: Any, where: str) -> Any:
    version = np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
    header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    _, _, dtype = header[version[0]](stream)  # type: ignore[no-untyped-call]
    if not dtype.hasobject:
        raise InputError(f"{where}: it is not an object array")
    try:
        array = load(stream)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    if not isinstance(array, np.ndarray) or array.size != 1:
        raise InputError(f"{where}: one object is expected in it")
    return array.item()
