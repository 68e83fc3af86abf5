"""A bank of poses as an npz: arrays `train` and `val`, each pose's source, and `about`, where they are from."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from flowlift.damage import refused_if_damaged
from flowlift.datasets.mocap_bank import APART, HELD_OUT, HELD_OUT_APART, Bank, Part, SourceCount
from flowlift.datasets.mocap_cleaning import FAULTS
from flowlift.errors import InputError
from flowlift.io.archive import read_arrays
from flowlift.io.atomic import written_whole

EXPECTED = "a bank, an npz with pose arrays `train` and `val`"
CREDIT = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. "
    "The database was created with funding from NSF EIA-0196217."
)


def save_bank(bank: Bank, path: Path) -> None:
    """Write `train` and `val` (pose, 17, 3), `train_source` and `val_source` (pose,), and `about`, a text of JSON.

    Equal banks give equal bytes. Raises OutputError.
    """
    arrays = {
        "train": bank.train.xyz,
        "val": bank.val.xyz,
        "train_source": bank.train.source,
        "val_source": bank.val.source,
        "about": np.array(json.dumps(_about(bank))),
    }
    with written_whole(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)  # dates every member 1980


def load_bank(path: Path) -> Bank:
    """A bank's poses; without `about`, all of one unnamed source. Raises InputError when the file is none."""
    arrays = read_arrays(path, expected=EXPECTED)
    with refused_if_damaged(f"{path}: expected {EXPECTED}"):
        about = json.loads(str(arrays["about"])) if "about" in arrays else {}
        train, val = _part(arrays, "train"), _part(arrays, "val")
        sources = tuple(_source(told) for told in about.get("sources", []))
        left_out = tuple(str(line) for line in about.get("left_out", []))
    names = sources or (SourceCount("", 0, 0, 0, (0,) * len(FAULTS)),)
    if any(part.source.max(initial=0) >= len(names) for part in (train, val)):
        raise InputError(f"{path}: a pose is from a source that `about` does not tell")
    return Bank(train, val, names, left_out)


def _about(bank: Bank) -> dict[str, Any]:
    return {
        "skeleton": "human36m17",
        "unit": "stature: the way along the bones from ankle to head",
        "axes": "Y up, the hip at the origin",
        "apart": {"train": APART, "val": HELD_OUT_APART},
        "held_out": list(HELD_OUT),
        "sources": [_told(source) for source in bank.sources],
        "left_out": list(bank.left_out),
        "credit": CREDIT,
    }


def _part(arrays: Any, name: str) -> Part:
    xyz = np.asarray(arrays[name], dtype=np.float32)
    if xyz.ndim != 3 or xyz.shape[1:] != (17, 3) or not np.isfinite(xyz).all():
        raise ValueError(f"{name} has shape {xyz.shape}, expected finite poses (pose, 17, 3)")
    source = arrays[f"{name}_source"] if f"{name}_source" in arrays else np.zeros(len(xyz))
    source = np.asarray(source, dtype=np.uint8)
    if source.shape != (len(xyz),):
        raise ValueError(f"{name}_source has shape {source.shape}, expected ({len(xyz)},)")
    return Part(xyz, source)


def _told(source: SourceCount) -> dict[str, Any]:
    return asdict(source) | {"dropped": dict(zip(FAULTS, source.dropped, strict=True))}


def _source(told: dict[str, Any]) -> SourceCount:
    return SourceCount(**(told | {"dropped": tuple(int(told["dropped"][fault]) for fault in FAULTS)}))
