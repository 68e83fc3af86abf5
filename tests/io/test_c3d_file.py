"""C3D byte by byte: each kind of processor, whole numbers and floats, analog channels beside points, long captures."""

import struct
from pathlib import Path

import numpy as np
import pytest

from flowlift.io.c3d_file import parse

INTEL, DEC, MIPS = 84, 85, 86
XYZ = np.array([[[1.5, -2.0, 300.25], [0.0, 8.0, -16.0]], [[2.5, -3.0, 301.25], [4.0, 9.0, -17.0]]])
"""(frame, point, 3): floats that every format holds exactly."""


def real(value: float, processor: int) -> bytes:
    if processor == DEC:  # a VAX's floats: four times as large, the two words exchanged
        low, high = struct.unpack("<2H", struct.pack("<f", value * 4))
        return struct.pack("<2H", high, low)
    return struct.pack(">f" if processor == MIPS else "<f", value)


def whole(value: int, processor: int) -> bytes:
    return struct.pack(">h" if processor == MIPS else "<h", value)


def word(value: int, processor: int) -> bytes:
    return struct.pack(">H" if processor == MIPS else "<H", value)


def parameter(group: int, name: str, kind: int, shape: tuple[int, ...], data: bytes, processor: int) -> bytes:
    rest = struct.pack("bB", kind, len(shape)) + bytes(shape) + data + b"\0"
    return struct.pack("bb", len(name), group) + name.encode() + word(2 + len(rest), processor) + rest


def written(processor: int, *, floats: bool = True, analog: int = 0, last: int = 2, more: bytes = b"") -> bytes:
    """A file of XYZ, of which the second frame's first point is missing. Whole numbers count quarters."""
    scale = -0.25 if floats else 0.25
    units = parameter(1, "UNITS", -1, (2,), b"mm", processor)
    labels = parameter(1, "LABELS", -1, (4, 2), b"LKNERKNE", processor)
    rate = parameter(1, "RATE", 4, (), real(50.0, processor), processor)
    counts = {"USED": 2, "FRAMES": 2, "DATA_START": 4}
    numbers = b"".join(parameter(1, n, 2, (), word(v, processor), processor) for n, v in counts.items())
    numbers += parameter(1, "SCALE", 4, (), real(scale, processor), processor)
    group = struct.pack("bb", 5, -1) + b"POINT" + word(3, processor) + b"\0"
    parameters = (bytes([1, 0x50, 2, processor]) + units + group + labels + rate + numbers + more + b"\0").ljust(
        1024, b"\0"
    )
    header = bytes([2, 0x50]) + b"".join(word(n, processor) for n in (2, analog, 1, last, 0)) + real(scale, processor)
    header += word(4, processor) + word(analog, processor) + real(50.0, processor)
    rows = b""
    for frame, points in enumerate(XYZ):
        for point, place in enumerate(points):
            residual = -1 if (frame, point) == (1, 0) else 0
            values = [*place, residual] if floats else [*(place * 4), residual]
            rows += b"".join(real(v, processor) if floats else whole(int(v), processor) for v in values)
        rows += (real(7.0, processor) if floats else whole(7, processor)) * analog
    return header.ljust(512, b"\0") + parameters + rows.ljust(512, b"\0")


@pytest.mark.parametrize("processor", [INTEL, DEC, MIPS])
@pytest.mark.parametrize("floats", [True, False])
@pytest.mark.parametrize("analog", [0, 3])
def test_every_kind_of_number(processor: int, floats: bool, analog: int) -> None:
    found = parse(written(processor, floats=floats, analog=analog))
    np.testing.assert_array_equal(found.xyz, XYZ)
    np.testing.assert_array_equal(found.missing, [[False, False], [True, False]])
    assert found.rate == 50.0
    assert found.parameters["POINT:LABELS"] == ["LKNE", "RKNE"]
    assert found.parameters["POINT:UNITS"] == ["mm"]


@pytest.mark.parametrize("floats", [True, False])
def test_ezc3d_reads_the_same(tmp_path: Path, floats: bool) -> None:
    ezc3d = pytest.importorskip("ezc3d")
    (tmp_path / "a.c3d").write_bytes(written(INTEL, floats=floats))
    points = ezc3d.c3d(str(tmp_path / "a.c3d"))["data"]["points"][:3].transpose(2, 1, 0)
    there = ~parse(written(INTEL, floats=floats)).missing
    np.testing.assert_allclose(points[there], XYZ[there])


def test_a_long_capture_tells_its_frames_in_parameters() -> None:
    """More than 65535 frames: two words each, the lower one first; the file has to hold them."""
    start = parameter(2, "ACTUAL_START_FIELD", 2, (2,), whole(1, INTEL) + whole(0, INTEL), INTEL)
    end = parameter(2, "ACTUAL_END_FIELD", 2, (2,), whole(4464, INTEL) + whole(1, INTEL), INTEL)
    group = struct.pack("bb", 5, -2) + b"TRIAL" + word(3, INTEL) + b"\0"
    content = written(INTEL, last=65535, more=group + start + end)
    with pytest.raises(ValueError, match="2 points in 70000 frames"):
        parse(content)
    found = parse(content + bytes(70_000 * 2 * 16))
    assert found.xyz.shape == (70_000, 2, 3)
    np.testing.assert_array_equal(found.xyz[:2], XYZ)


@pytest.mark.parametrize("kept", [0, 1, 100, 511, 700, 1100, 1536, 1570])
def test_a_file_that_is_cut_off(kept: int) -> None:
    with pytest.raises((ValueError, IndexError, struct.error)):
        parse(written(INTEL)[:kept])
