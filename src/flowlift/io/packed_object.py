"""An object array of an npz, such as a dictionary of arrays, read through the restricted unpickler."""

import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from flowlift.errors import InputError
from flowlift.io.restricted import load

_DAMAGE = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError, TypeError),
    *(ValueError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What reading an archive may raise in the face of damage, encryption or an unknown compression."""


def read_object(path: Path, name: str, default: Any = None) -> Any:
    """The one object in the array `name` of an npz; `default`, where it is not None, for an array that is not there.

    Nothing in the file is run: anything but arrays, numbers, text and plain containers is refused. Raises InputError
    for that, and for a file that is missing or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if f"{name}.npy" in archive.namelist():
                with archive.open(f"{name}.npy") as stream:
                    return _only_object(stream)
    except InputError as error:
        raise InputError(f"{path}: {name}: {error}") from error
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file") from error
    except _DAMAGE as error:
        raise InputError(f"{path}: damaged: {' '.join(str(error).split())[:200]}") from error  # NumPy's run over lines
    if default is None:
        raise InputError(f"{path}: {name} is missing in it")
    return default


def _only_object(stream: Any) -> Any:
    version = np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
    header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
    _, _, dtype = header[version[0]](stream)  # type: ignore[no-untyped-call]
    if not dtype.hasobject:
        raise InputError("it is not an object array")
    array = load(stream)
    if not isinstance(array, np.ndarray) or array.size != 1:
        raise InputError("one object is expected in it")
    return array.item()
