"""Animated animals -> a bank of distinct poses on Animal3D's joints, to train on and held out; and drawn ones."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from flowlift.damage import refused_if_damaged
from flowlift.datasets.animal_takes import FPS, AnimalTake, animal_takes
from flowlift.datasets.drawn_animals import drawn_animals
from flowlift.datasets.mocap_bank_file import EXPECTED
from flowlift.errors import InputError
from flowlift.io.archive import read_arrays
from flowlift.io.atomic import written_whole
from flowlift.skeletons import ANIMAL3D26

HELD_OUT = ("Donkey", "ShibaInu", "fox-cat")
"""Bodies that choose and calibrate, unless others are named: one with hooves, two with claws."""
APART = 0.012
"""How far distinct poses lie apart, mean joint distance in body lengths, whatever way they face."""
DRAWN = 150
"""Animals of no animation that are trained on beside them (`drawn_animals`), unless another number is told."""
CREDIT = "Hand-animated, not captured; CC0: Quaternius, and mesh2motion."


@dataclass(frozen=True, eq=False)
class AnimalBank:
    """Distinct poses (pose, 26, 3): Y up, about the tail base, in body lengths, NaN where a rig has no such joint.

    `told`: facts of each body; its poses stand together, bodies in this order. Animals that were drawn, not animated,
    are told to be `drawn`; they are the last ones of `train`.
    """

    train: Float32[np.ndarray, "pose 26 3"]
    val: Float32[np.ndarray, "held 26 3"]
    told: tuple[dict[str, Any], ...]

    @property
    def animated(self) -> Float32[np.ndarray, "pose 26 3"]:
        """The poses to train on that somebody animated."""
        return self.train[: len(self.train) - sum(told["poses"] for told in self.told if told.get("drawn"))]

    def bodies(self, *, held_out: bool) -> dict[str, Float32[np.ndarray, "pose 26 3"]]:
        """The poses of each body, of those trained on or held out."""
        mine = [told for told in self.told if told["held_out"] is held_out]
        ends = np.cumsum([told["poses"] for told in mine])[:-1]
        parts = np.split(self.val if held_out else self.train, ends)
        return {told["body"]: part for told, part in zip(mine, parts, strict=True)} if mine else {}


def holds_animals(folder: Path) -> bool:
    """Whether there is animation of the kind that is read here: .glb files in a folder, or below it."""
    return folder.is_dir() and any(folder.rglob("*.glb"))


def build_animal_bank(folder: Path, *, held_out: Sequence[str] = (), drawn: int = DRAWN) -> AnimalBank:
    """Distinct poses of every animation in a folder. `held_out`: parts of the names of bodies that choose the epoch and
    are never trained on; none: HELD_OUT. `drawn`: so many animals that nobody animated, too. Raises InputError where
    nothing is left to train on, or held out."""
    return bank_of_takes(tuple(animal_takes(folder)), held_out=held_out or HELD_OUT, drawn=drawn)


def bank_of_takes(takes: Sequence[AnimalTake], *, held_out: Sequence[str], drawn: int = DRAWN) -> AnimalBank:
    """The distinct poses of some takes, and of so many drawn animals. Raises InputError."""
    kept: dict[bool, list[np.ndarray]] = {False: [], True: []}
    told: list[dict[str, Any]] = []
    for body in dict.fromkeys(take.body for take in takes):
        mine = [take for take in takes if take.body == body]
        xyz = np.concatenate([take.xyz for take in mine])
        poses = xyz[distinct(xyz)]
        apart = any(name in body for name in held_out)
        kept[apart].append(poses)
        told.append(
            {"body": body, "animations": len(mine), "frames": len(xyz), "poses": len(poses), "held_out": apart}
            | {"unknown": _unknown(poses)}
        )
    for apart, what in ((False, "to train on"), (True, f"held out: no body is called {', '.join(held_out)}")):
        if not kept[apart]:
            raise InputError(f"no pose is left {what}; there are {', '.join(line['body'] for line in told)}")
    for number, poses in enumerate(drawn_animals(drawn), start=1):
        kept[False].append(poses)
        told.append({"body": f"drawn {number}", "poses": len(poses), "held_out": False, "drawn": True})
    return AnimalBank(np.concatenate(kept[False]), np.concatenate(kept[True]), tuple(told))


def distinct(xyz: Float32[np.ndarray, "frame 26 3"]) -> Int64[np.ndarray, " kept"]:
    """Indices of frames whose poses lie at least APART from every one kept before; which way they face is ignored."""
    poses = np.nan_to_num(facing_one_way(xyz))
    kept = np.empty_like(poses)
    indices: list[int] = []
    for index, pose in enumerate(poses):
        apart = np.linalg.norm(kept[: len(indices)] - pose, axis=-1).mean(axis=-1)
        if not len(indices) or apart.min() >= APART:
            kept[len(indices)] = pose
            indices.append(index)
    return np.array(indices, dtype=np.int64)


def facing_one_way(xyz: Float32[np.ndarray, "frame 26 3"]) -> Float32[np.ndarray, "frame 26 3"]:
    """Each pose turned about Y until its neck lies towards +Z of its tail base."""
    x, _, z = np.moveaxis(xyz[:, ANIMAL3D26.index("neck")] - xyz[:, ANIMAL3D26.root], -1, 0)
    size = np.maximum(np.hypot(x, z), 1e-6)
    c, s = (z / size)[:, None], (x / size)[:, None]
    return np.stack([c * xyz[..., 0] - s * xyz[..., 2], xyz[..., 1], s * xyz[..., 0] + c * xyz[..., 2]], axis=-1)


def save_animal_bank(bank: AnimalBank, path: Path) -> None:
    """Write `train`, `val` and `about`, a text of JSON; equal banks give equal bytes. Raises OutputError."""
    about = {
        "skeleton": ANIMAL3D26.name,
        "joints": list(ANIMAL3D26.joints),
        "parents": list(ANIMAL3D26.parents),
        "pairs": [list(pair) for pair in ANIMAL3D26.pairs],
        "unit": "body lengths",
        "size": list(ANIMAL3D26.size_chain),
        "up": "y",
        "fps": FPS,
        "apart": APART,
        "bodies": list(bank.told),
        "credit": CREDIT,
    }
    with written_whole(path) as part, part.open("wb") as file:
        np.savez(file, train=bank.train, val=bank.val, about=np.array(json.dumps(about)))  # dates every member 1980


def load_animal_bank(path: Path) -> AnimalBank | None:
    """A bank of animated animals; None where the file is another bank. Raises InputError when it is damaged."""
    arrays = read_arrays(path, expected=EXPECTED)
    with refused_if_damaged(f"{path}: expected {EXPECTED}"):
        about = json.loads(str(arrays["about"])) if "about" in arrays else {}
        if "bodies" not in about:
            return None
        train, val = (np.asarray(arrays[part], dtype=np.float32) for part in ("train", "val"))
        bank = AnimalBank(train, val, tuple(dict(told) for told in about["bodies"]))
        counts = [sum(told["poses"] for told in bank.told if told["held_out"] is held) for held in (False, True)]
        if counts != [len(train), len(val)] or any(part.shape[1:] != (len(ANIMAL3D26), 3) for part in (train, val)):
            raise ValueError("its poses are not as many as it tells")
        return bank


def in_words(bank: AnimalBank) -> list[str]:
    """A line for each body that was animated, and one for all that were drawn."""
    drawn = [told["poses"] for told in bank.told if told.get("drawn")]
    lines = [
        f"{told['body']}: {told['animations']} animations, {told['frames']:,} frames, {told['poses']:,} distinct poses"
        + ", held out" * told["held_out"]
        + (f"; without {', '.join(told['unknown'])}" if told["unknown"] else "")
        for told in bank.told
        if not told.get("drawn")
    ]
    return [*lines, f"{len(drawn)} drawn animals, {sum(drawn):,} poses"] if drawn else lines


def _unknown(poses: Float32[np.ndarray, "pose 26 3"]) -> list[str]:
    missing = np.isnan(poses[..., 0]).all(axis=0)
    return [joint for joint, gone in zip(ANIMAL3D26.joints, missing, strict=True) if gone]
