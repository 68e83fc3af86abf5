"""What an npz holds, told by its list of contents."""

import struct
import zipfile
from pathlib import Path


def names(path: Path) -> frozenset[str]:
    """Names of the arrays in it; none when it is no archive, or its list is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(name.removesuffix(".npy") for name in archive.namelist())
    except (ArithmeticError, EOFError, LookupError, NotImplementedError, OSError, ValueError):
        return frozenset()
    except (struct.error, zipfile.BadZipFile):
        return frozenset()
