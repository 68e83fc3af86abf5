"""Graphs that take their weights from the file beside them: no model holds them twice."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Shaped

LEAST = 1024
"""Numbers: smaller constants stay in the graph."""
_DTYPES = {"F16": np.float16, "F32": np.float32}


class _Stored(NamedTuple):
    array: Shaped[np.ndarray, "..."]
    offset: int
    length: int


def share_weights(graph: Path, weights: Path) -> None:
    """Let an ONNX graph take every large constant that a safetensors file beside it holds, as it is, transposed or as a
    block of rows, from that file (ONNX's external data)."""
    import onnx
    from onnx import external_data_helper, helper, numpy_helper

    model = onnx.load(str(graph))
    stored = _stored(weights)
    turned = []
    for constant in model.graph.initializer:
        value = numpy_helper.to_array(constant)
        found = _find(value, stored) if value.size >= LEAST else None
        if found is None:
            continue
        place, transposed = found
        if transposed:
            name = constant.name
            constant.name = f"{name}.stored"
            turned.append(helper.make_node("Transpose", [constant.name], [name], perm=[1, 0]))
            del constant.dims[:]
            constant.dims.extend(place.array.shape)
        constant.raw_data = b""  # the helper wants the field to be there
        external_data_helper.set_external_data(
            constant, location=weights.name, offset=place.offset, length=place.length
        )
        constant.ClearField("raw_data")
    for node in reversed(turned):
        model.graph.node.insert(0, node)
    graph.write_bytes(model.SerializeToString())
    onnx.checker.check_model(str(graph))


def _stored(weights: Path) -> list[_Stored]:
    """What a safetensors file holds, and where: 8 bytes say how long its JSON header is, then come the numbers."""
    data = weights.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(data[8:start])
    found = []
    for name, told in header.items():
        if name == "__metadata__" or told["dtype"] not in _DTYPES:
            continue
        first, last = told["data_offsets"]
        array = np.frombuffer(data[start + first : start + last], _DTYPES[told["dtype"]]).reshape(told["shape"])
        found.append(_Stored(array, start + first, last - first))
    return found


def _find(value: Shaped[np.ndarray, "..."], stored: list[_Stored]) -> tuple[_Stored, bool] | None:
    for whole in stored:
        for transposed in (False, True)[: 1 + (value.ndim == 2)]:
            wanted = value.T if transposed else value
            for place in _blocks(whole, wanted.shape):
                if place.array.dtype == value.dtype and np.array_equal(place.array, wanted):
                    return place, transposed
    return None


def _blocks(whole: _Stored, shape: tuple[int, ...]) -> Iterator[_Stored]:
    """What could be an array of that shape: the whole, or each of the equal blocks of rows that it is made of."""
    if whole.array.shape == shape:
        yield whole
    elif len(shape) == 2 and whole.array.ndim > 1 and whole.array.size % (shape[0] * shape[1]) == 0:
        rows = whole.array.reshape(len(whole.array), -1)
        if rows.shape[1] == shape[1] and len(rows) > shape[0]:
            length = whole.length * shape[0] // len(rows)
            for number, array in enumerate(np.split(rows, len(rows) // shape[0])):
                yield _Stored(array, whole.offset + number * length, length)
