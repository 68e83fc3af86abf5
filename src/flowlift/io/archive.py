"""What archives hold (npz, tar), read without believing what they claim: nothing is run, nothing grows without end."""

import math
import struct
import tarfile
import zipfile
from collections.abc import Collection
from pathlib import Path

import numpy as np

from flowlift.damage import refused_if_damaged
from flowlift.errors import InputError

_AT_LEAST = 1 << 30
_DENSEST = 100


def largest(path: Path) -> int:
    """Bytes that a file may unpack to: 1 GiB, or a hundred times its own size where that is more."""
    return max(_AT_LEAST, _DENSEST * path.stat().st_size)


def names(path: Path) -> frozenset[str]:
    """Names of the arrays in an npz; none when it is no archive, or its list is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(name.removesuffix(".npy") for name in archive.namelist())
    except (ArithmeticError, EOFError, LookupError, NotImplementedError, OSError, ValueError):
        return frozenset()
    except (struct.error, zipfile.BadZipFile):
        return frozenset()


def read_arrays(path: Path, *, expected: str = "an npz of arrays") -> dict[str, np.ndarray]:
    """Every array of an npz, by name; none that is pickled. Memory is taken for what is there, not for what a header
    claims. Raises InputError, naming what was `expected`."""
    with refused_if_damaged(f"{path}: expected {expected}"), zipfile.ZipFile(path) as archive:
        check_claims(archive, path)
        return {info.filename.removesuffix(".npy"): _array(archive, info) for info in archive.infolist()}


def check_claims(archive: zipfile.ZipFile, path: Path) -> None:
    """Raises InputError for an archive that would unpack to more than `largest`, or holds one name twice."""
    members = archive.infolist()
    claimed = sum(info.file_size for info in members)
    if claimed > largest(path):
        raise InputError(f"{path}: it would unpack to {claimed:,} bytes; is it made to fill the memory?")
    if len({info.filename for info in members}) < len(members):
        raise InputError(f"{path}: damaged: it holds an array twice")


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(info) as stream:
        version = np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
        header = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
        if version[0] not in header:
            raise ValueError(f"{info.filename} has an unknown version {version}")
        shape, _, dtype = header[version[0]](stream)  # type: ignore[no-untyped-call]
        if dtype.hasobject:
            raise ValueError(f"{info.filename} holds pickled objects, which are not read because they could run code")
        held = info.file_size - stream.tell()
        if math.prod(shape) * dtype.itemsize != held:
            raise ValueError(f"{info.filename} claims the shape {shape} of {dtype}, and holds {held} bytes")
    with archive.open(info) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)  # type: ignore[no-untyped-call]


def extract(source: Path, folder: Path, *, suffixes: Collection[str], what: str) -> None:
    """Unpack the files of a tar (also compressed) that have certain suffixes into a folder.

    Raises InputError for damage, files that would lie elsewhere, links out of it, and more than `largest`.
    """
    with refused_if_damaged(f"{source}: cannot read it as {what}"), tarfile.open(source) as archive:
        members, claimed = [], 0
        for member in archive:
            claimed += member.size
            if claimed > largest(source):
                raise InputError(f"{source}: it would unpack to more than {claimed:,} bytes")
            if Path(member.name).suffix.lower() in suffixes and member.isfile():
                members.append(member)
        archive.extractall(folder, members=members, filter="data")
