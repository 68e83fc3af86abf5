"""HDF5 files that others wrote: told by their signature, and refused where they claim to hold what they cannot."""

import mmap
from pathlib import Path
from typing import Any

from flowlift.errors import InputError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_DENSEST = 1100
"""No compression that HDF5 knows packs so many bytes into one."""
_SMALL = 1 << 20


def is_hdf5(path: Path) -> bool:
    """Whether a file begins as HDF5 does."""
    try:
        with path.open("rb") as stream:
            return stream.read(8) == SIGNATURE
    except OSError:
        return False


def mentions(path: Path, name: bytes) -> bool:
    """Whether HDF5 holds something of that name, told without HDF5's library, which a damaged file can crash."""
    if not is_hdf5(path):
        return False
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(name) >= 0


def check_sizes(file: Any, path: Path) -> None:
    """Raises InputError where a dataset of an open h5py file would be far larger than what is stored of it: reading
    that could take all memory there is."""

    def visit(name: str, node: Any) -> None:
        stored = node.id.get_storage_size() if hasattr(node, "nbytes") else None
        if stored is not None and node.nbytes > _SMALL + _DENSEST * stored:
            raise InputError(f"{path}: damaged: {name} claims {node.nbytes} bytes, and {stored} are there")

    file.visititems(visit)
