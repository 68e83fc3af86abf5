"""C3D files as they lie on disk: a header, parameters by group and name, points. Every size is checked against the file
before it is believed; of analog channels only the room that they take is known."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
from jaxtyping import Bool, Float64

_BLOCK = 512
_MARK = 0x50
_INTEL, _DEC, _MIPS = 84, 85, 86
"""Whose numbers a file holds: little-endian, VAX (words of floats exchanged, and four times as large), big-endian."""

Values = list[str] | list[float]


@dataclass(frozen=True, eq=False)
class C3dFile:
    """`xyz` (frame, point, 3) in the file's unit and axes; `missing` where the system lost a point; `rate`: frames a
    second; `first`: the number of the first frame, 1 where the capture began; `parameters` by "GROUP:NAME", upper
    case."""

    xyz: Float64[np.ndarray, "frame point 3"]
    missing: Bool[np.ndarray, "frame point"]
    rate: float
    first: int
    parameters: Mapping[str, Values]


def parse(content: bytes) -> C3dFile:
    """What a file holds. Raises ValueError, struct.error or IndexError for damage."""
    if len(content) < 2 * _BLOCK or content[1] != _MARK:
        raise ValueError("it does not begin as C3D does")
    start = (content[0] - 1) * _BLOCK
    processor = content[start + 3]
    if processor not in (_INTEL, _DEC, _MIPS):
        raise ValueError(f"it is of an unknown kind of processor, {processor}")
    parameters = _parameters(content, start, processor)
    order = ">" if processor == _MIPS else "<"
    points, analog, first, last = struct.unpack_from(f"{order}4H", content, 2)
    scale, rate = (float(_floats(content[at : at + 4], processor)[0]) for at in (12, 20))
    begin = (struct.unpack_from(f"{order}H", content, 16)[0] - 1) * _BLOCK
    first, frames = _frames(first, last, parameters)
    size = 4 if scale < 0 else 2
    stride = (4 * points + analog) * size
    if begin < _BLOCK or frames < 1 or not points or begin + frames * stride > len(content):
        raise ValueError(f"it claims {points} points in {frames} frames, which do not fit its {len(content)} bytes")
    rows = np.frombuffer(content, np.uint8, frames * stride, begin).reshape(frames, stride)[:, : 4 * points * size]
    packed = np.ascontiguousarray(rows).tobytes()
    values = _floats(packed, processor) if scale < 0 else np.frombuffer(packed, f"{order}i2").astype(np.float64)
    values = values.reshape(frames, points, 4)
    xyz = values[..., :3] * (1.0 if scale < 0 else scale)
    told = parameters.get("POINT:RATE")
    return C3dFile(xyz, values[..., 3] < 0, float(told[0]) if told else rate, first, parameters)


def _floats(content: bytes, processor: int) -> Float64[np.ndarray, " value"]:
    if processor == _DEC:
        words = np.frombuffer(content, "<u2").reshape(-1, 2)[:, ::-1]
        return np.ascontiguousarray(words).view("<f4").ravel().astype(np.float64) / 4
    return np.frombuffer(content, ">f4" if processor == _MIPS else "<f4").astype(np.float64)


def _frames(first: int, last: int, parameters: Mapping[str, Values]) -> tuple[int, int]:
    """The first frame's number, and how many there are. The header counts to 65535; longer captures say more in one of
    two parameters."""
    ends = [parameters.get(f"TRIAL:ACTUAL_{end}_FIELD") for end in ("START", "END")]
    if all(end is not None and len(end) == 2 for end in ends):
        begin, end = (int(low) % 2**16 + int(high) % 2**16 * 2**16 for low, high in ends)  # type: ignore[misc]
        if last == 2**16 - 1 or (end - begin) % 2**16 == (last - first) % 2**16:
            return begin, end - begin + 1
    long = parameters.get("POINT:LONG_FRAMES")
    return first, int(long[0]) if long and last == 2**16 - 1 else last - first + 1


def _parameters(content: bytes, start: int, processor: int) -> dict[str, Values]:
    """Each entry tells how far the next one lies; a group is named by an entry of its own, anywhere among them."""
    order = ">" if processor == _MIPS else "<"
    groups: dict[int, str] = {}
    found: list[tuple[int, str, Values]] = []
    at = start + 4
    while length := abs(struct.unpack_from("b", content, at)[0]):
        group = struct.unpack_from("b", content, at + 1)[0]
        name = content[at + 2 : at + 2 + length].decode("latin1").strip().upper()
        at += 2 + length
        further = struct.unpack_from(f"{order}H", content, at)[0]
        if group < 0:
            groups[-group] = name
        else:
            found.append((group, name, _values(content, at + 2, processor)))
        if further < 2:
            break
        at += further
    return {f"{groups.get(group, '')}:{name}": values for group, name, values in found}


def _values(content: bytes, at: int, processor: int) -> Values:
    """An array's values in order; of characters its lines, as the first axis counts them."""
    size, axes = struct.unpack_from("bB", content, at)
    shape = list(content[at + 2 : at + 2 + axes])
    begin = at + 2 + axes
    count = prod(shape)
    if size not in (-1, 1, 2, 4) or begin + abs(size) * count > len(content):
        raise ValueError("a parameter is longer than the file")
    data = content[begin : begin + abs(size) * count]
    if size == -1:
        width = shape[0] if shape else 1
        return [data[i : i + width].decode("utf-8", "replace").strip() for i in range(0, len(data), width or 1)]
    if size == 4:
        return _floats(data, processor).tolist()
    kind = "u1" if size == 1 else ">i2" if processor == _MIPS else "<i2"
    return np.frombuffer(data, kind).astype(np.float64).tolist()
