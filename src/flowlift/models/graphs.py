"""ONNX graphs are looked at before they are used: what weights they take from other files, told without any package.

A graph may name a file beside it for its constants, by whatever path; a model's take theirs from its own weights only.
Protocol buffers are numbered fields, so that a few lines walk through those of ONNX that lead to a tensor.
"""

from collections.abc import Iterator
from pathlib import Path

from flowlift.damage import refused_if_damaged
from flowlift.errors import ModelError

_WEIGHTS = "weights.safetensors"
_LARGEST = 1 << 30

_FIELDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
"""Of each message, the fields that lead to a tensor's external data, by number."""


def check_graph(file: Path) -> None:
    """Raises ModelError for a graph that is damaged, too large, or takes weights from another file than its model's."""
    if file.stat().st_size > _LARGEST:
        raise ModelError(f"{file}: a graph of {file.stat().st_size:,} bytes; models have at most {_LARGEST:,}")
    with refused_if_damaged(f"{file}: damaged graph", ModelError):
        places = set(_locations(memoryview(file.read_bytes()), "model"))
    if strange := places - {_WEIGHTS}:
        raise ModelError(f"{file}: it takes weights from {min(strange)!r}, which is not read; only {_WEIGHTS} is")


def _locations(message: memoryview, kind: str) -> Iterator[str]:
    """Every `location` of external data below a message."""
    for number, value in _fields(message):
        inner = _FIELDS[kind].get(number)
        if inner == "entry":
            entry = {field: bytes(part).decode("utf-8") for field, part in _fields(value)}
            if entry.get(1) == "location":
                yield entry.get(2, "")
        elif inner is not None:
            yield from _locations(value, inner)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Number and content of each field that has a length; others are passed over. Raises ValueError for damage."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        wire = tag & 7
        if wire == 0:
            _, at = _varint(message, at)
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        elif wire == 2:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("a field is longer than the file")
            yield tag >> 3, message[at : at + size]
            at += size
        else:
            raise ValueError(f"a field of unknown kind {wire}")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A whole number of seven bits a byte, lowest first, and where it ends."""
    value = shift = 0
    while shift < 70:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("a number is too long")
