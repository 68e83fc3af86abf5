"""HDF5 files that others wrote: told by their signature, and refused where they claim to hold what they cannot."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from flowlift.damage import in_one_line
from flowlift.detect.optional import import_optional
from flowlift.errors import InputError
from flowlift.io.archive import largest

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_DENSEST = 1100
"""No compression that HDF5 knows packs so many bytes into one."""
_SMALL = 1 << 24
_HEAP_VERSIONS = (b"\1\0\0\0", b"\0\0\0\0")
"""What follows a heap's signature, before its size."""


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


@contextmanager
def opened(path: Path, what: str, *, purpose: str, extra: str) -> Iterator[Any]:
    """The file, open in h5py and checked, for the length of a block in which anything that goes wrong is damage.

    Raises InputError, naming `what` it should be; MissingExtraError without h5py.
    """
    h5py = import_optional("h5py", purpose, extra)
    _check_heaps(path)
    try:
        with h5py.File(path, "r") as file:
            _check(file, path, h5py)
            yield file
    except (InputError, Warning):
        raise
    except Exception as error:  # HDF5 raises nearly anything for a damaged file
        raise InputError(f"{path}: {what}: {in_one_line(error)}") from error


def _check_heaps(path: Path) -> None:
    """Raises InputError for a heap (of texts, or of names) that claims to be larger than the file: HDF5's library takes
    that memory before it looks."""
    size = path.stat().st_size
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for signature in (b"GCOL", b"HEAP"):
            at = content.find(signature)
            while at >= 0:
                start, claimed = content[at + 4 : at + 8], int.from_bytes(content[at + 8 : at + 16], "little")
                if start in _HEAP_VERSIONS and claimed > size:
                    raise InputError(f"{path}: damaged: a part of it claims {claimed:,} bytes, the file has {size:,}")
                at = content.find(signature, at + 1)


def _texts_fit(node: Any, path: Path) -> bool:
    """Whether the texts (or other values of any length) of a dataset can be as long as they claim. Each is kept as its
    length, which HDF5's library takes from memory before it looks, and its place. Of packed ones nobody knows."""
    size = node.id.get_type().get_size()
    if node.chunks is None:
        places = [(node.id.get_offset() or 0, node.id.get_storage_size())]
    elif node.id.get_create_plist().get_nfilters():
        return True
    else:
        chunks = (node.id.get_chunk_info(i) for i in range(node.id.get_num_chunks()))
        places = [(chunk.byte_offset, chunk.size) for chunk in chunks]
    longest = claimed = 0
    with path.open("rb") as stream:
        for at, stored in places:
            stream.seek(at)
            raw = np.frombuffer(stream.read(stored), np.uint8)
            each = np.ascontiguousarray(raw[: raw.size // size * size].reshape(-1, size)[:, :4]).view("<u4")
            longest, claimed = max(longest, int(each.max(initial=0))), claimed + int(each.sum(dtype=np.int64))
    return longest <= path.stat().st_size and claimed <= largest(path)


def _check(file: Any, path: Path, h5py: Any) -> None:
    """Raises InputError for what is stored in other files, and where a dataset would be far larger than what is stored
    of it: reading that could take all memory there is."""
    most = largest(path)

    def complaint(name: str, link: Any) -> str | None:
        node: Any = None if isinstance(link, h5py.ExternalLink) else file.get(name)
        is_set = isinstance(node, h5py.Dataset)
        if isinstance(link, h5py.ExternalLink) or (is_set and (node.external or node.is_virtual)):
            return f"{name} lies in another file, which is not read"
        stored = node.id.get_storage_size() if is_set else 0
        if is_set and node.nbytes > min(most, _SMALL + _DENSEST * stored):
            return f"damaged: {name} claims {node.nbytes:,} bytes, and {stored:,} are there"
        if is_set and h5py.check_vlen_dtype(node.dtype) and not _texts_fit(node, path):
            return f"damaged: the texts in {name} claim more bytes than there are"
        return None

    if found := file.visititems_links(complaint):  # the first one; an exception would not come through
        raise InputError(f"{path}: {found}")
