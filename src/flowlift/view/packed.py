"""Numbers as the page holds them: small integers with a scale, written so that they compress well.

Every array runs over frames first. What is stored is each value's difference from the frame before (of the stored
integers, which wrap around), all frames of one value together, the low bytes of all of them before the high bytes.
Smooth motion makes that mostly zeros, and a general compressor does the rest. Integers are little-endian int16, where
-32768 stands for a missing value, or uint8, where 255 does; times are float32, by their bits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped


@dataclass(frozen=True)
class Packed:
    """An array (frame, ...) as it is stored; a stored value times `scale` is the value."""

    array: Shaped[np.ndarray, "frame ..."]
    scale: float = 1.0


@dataclass(frozen=True)
class Block:
    """Arrays one after another in `data`; `index` has the type, offset, shape and scale of each."""

    index: dict[str, dict[str, object]]
    data: bytes


def quantise(values: Float[np.ndarray, "frame *rest"], step: float) -> Packed:
    """Values as int16 in steps of `step`, or coarser ones where the largest would not fit."""
    finite = np.isfinite(values)
    known = np.where(finite, values, 0.0)
    scale = max(step, float(np.abs(known).max(initial=0.0)) / 32767)
    return Packed(np.where(finite, np.rint(known / scale), -32768).astype("<i2"), scale)


def fractions(values: Float[np.ndarray, "frame *rest"]) -> Packed:
    """Values in [0, 1], such as confidences, as uint8."""
    known = np.isfinite(values)
    steps = np.rint(np.clip(np.where(known, values, 0.0), 0, 1) * 254)
    return Packed(np.where(known, steps, 255).astype("u1"), 1 / 254)


def lay_out(arrays: Mapping[str, Packed]) -> Block:
    """All arrays as one block of bytes."""
    index: dict[str, dict[str, object]] = {}
    pieces: list[bytes] = []
    offset = 0
    for name, packed in arrays.items():
        array = packed.array
        index[name] = {"type": array.dtype.name, "offset": offset, "shape": list(array.shape), "scale": packed.scale}
        pieces.append(_differences(array))
        offset += array.nbytes
    return Block(index, b"".join(pieces))


def _differences(array: Shaped[np.ndarray, "frame ..."]) -> bytes:
    size = array.itemsize
    whole = np.ascontiguousarray(array).view(f"<u{size}").reshape(len(array), -1)
    steps = whole.copy()
    steps[1:] -= whole[:-1]
    by_value = np.ascontiguousarray(steps.T).reshape(-1, 1).view("u1")
    return by_value.T.tobytes()
