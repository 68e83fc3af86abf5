"""flowlift's own JSON: the same content as the npz, for programs that read no NumPy; missing values are null."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.damage import refused_if_damaged
from flowlift.io.atomic import written_whole
from flowlift.io.hints import Hints
from flowlift.io.json_file import parse, parse_or_none
from flowlift.io.packing import pack, unpack


def matches(path: Path) -> bool:
    """An object with our format's name in it."""
    content = parse_or_none(path)
    return isinstance(content, dict) and str(content.get("format", "")).startswith("flowlift-")


def read(path: Path, hints: Hints) -> Keypoints2D | Poses3D:
    """Read what `write` wrote. Raises InputError for a damaged file."""
    content = dict(parse(path))
    with refused_if_damaged(f"{path}: damaged"):
        arrays = {
            name: np.array(array["values"], dtype=np.float64).reshape(array["shape"])
            for name, array in content.pop("arrays").items()
        }
    return unpack(arrays, content)


def told(path: Path) -> dict[str, Any]:
    """The description in a file, as it stands there, without the arrays. Raises InputError."""
    return {key: value for key, value in dict(parse(path)).items() if key != "arrays"}


def write(obj: Keypoints2D | Poses3D, path: Path) -> None:
    """`arrays`: flat values in C order with their shape; beside them skeleton, camera, provenance. Missing values are
    null, infinite ones the text "inf" or "-inf". Raises OutputError."""
    arrays, about = pack(obj)
    packed = {name: {"shape": list(array.shape), "values": _numbers(array)} for name, array in arrays.items()}
    text = json.dumps({**about, "arrays": packed}, allow_nan=False)
    with written_whole(path) as beside:
        beside.write_text(text + "\n", encoding="utf-8")


def _numbers(array: Shaped[np.ndarray, "..."]) -> list[float | str | None]:
    if array.dtype == np.float32:  # nine digits give the same float32 again, and are half as long as the double's
        return [_plain(float(f"{value:.9g}")) for value in array.ravel().tolist()]
    return [_plain(value) for value in array.ravel().tolist()]


def _plain(value: float) -> float | str | None:
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)
