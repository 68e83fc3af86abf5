"""Sessions -> a bank of poses to train on, as an npz: `flowlift data build --skeleton`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from flowlift.camera import Camera
from flowlift.datasets.session import Session
from flowlift.datasets.session_rig import Rig, rig_of
from flowlift.datasets.session_split import Split, split_of
from flowlift.errors import InputError
from flowlift.io.atomic import written_whole
from flowlift.io.positions import about_root
from flowlift.skeleton import Skeleton

MOST = 30_000
"""So many poses are kept to train on, evenly spread: neighbouring frames are nearly the same."""


@dataclass(frozen=True, eq=False)
class Poses:
    """`xyz` (pose, joint, 3): in body lengths about the root, or about the middle of the body where the root is not
    known; `place` (pose, 3): where that is in the session's axes; `session` (pose): which one."""

    xyz: Float32[np.ndarray, "pose joint 3"]
    place: Float32[np.ndarray, "pose 3"]
    session: Int64[np.ndarray, " pose"]


@dataclass(frozen=True, eq=False)
class SessionBank:
    """What a run trains on, and what chooses its epoch; the sessions; their own cameras, where they are known."""

    skeleton: Skeleton
    sessions: tuple[Session, ...]
    train: Poses
    val: Poses
    rigs: tuple[Rig, ...]
    split: Split


def bank_of_sessions(
    sessions: Sequence[Session],
    skeleton: Skeleton,
    *,
    held_out: Sequence[str] = (),
    cameras: Mapping[str, Camera] | None = None,
) -> SessionBank:
    """Poses of every usable frame. Raises InputError where nothing is left to train on, or to choose the epoch by."""
    split = split_of(sessions, held_out)
    train, val = (_poses(sessions, which, skeleton) for which in (split.train, split.choose))
    for poses, what in ((train, "to train on"), (val, "held out")):
        if not len(poses.xyz):
            raise InputError(f"no frame is left {what}: the recordings are too short, or show too few joints")
    rigs = tuple(rig_of(session, cameras) for session in sessions) if cameras else ()
    return SessionBank(skeleton, tuple(sessions), train, val, rigs, split)


def save_session_bank(bank: SessionBank, path: Path) -> None:
    """Write it: equal banks give equal bytes. Raises OutputError."""
    arrays = {
        "train": bank.train.xyz,
        "val": bank.val.xyz,
        "train_session": bank.train.session,
        "train_place": bank.train.place,
        "about": np.array(json.dumps(_about(bank))),
    }
    if bank.rigs:
        arrays["camera_rotation"] = np.stack([rig.rotation for rig in bank.rigs]).astype(np.float32)
        arrays["camera_translation"] = np.stack([rig.translation for rig in bank.rigs]).astype(np.float32)
    with written_whole(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)  # dates every member 1980


def told_of(bank: SessionBank) -> list[dict[str, Any]]:
    """Each session as a model's card names it: enough to know it again, and nothing of where it lay but the folders
    that its name takes to be told from others."""
    return [
        {
            "name": session.name,
            "sha256": session.sha256,
            "frames": len(session.xyz),
            "trained": int(train.sum()),
            "chose": int(choose.sum()),
            "body_length": round(session.length, 6),
            "unit": session.unit,
        }
        for session, train, choose in zip(bank.sessions, bank.split.train, bank.split.choose, strict=True)
    ]


def _about(bank: SessionBank) -> dict[str, Any]:
    ups = {session.up is not None for session in bank.sessions}
    return {
        "skeleton": bank.skeleton.name,
        "joints": list(bank.skeleton.joints),
        "parents": list(bank.skeleton.parents),
        "pairs": [list(pair) for pair in bank.skeleton.pairs],
        "unit": "body lengths",
        "size": list(bank.skeleton.size_chain),
        "up": "y" if ups == {True} else "unknown",
        "sessions": told_of(bank),
        "cameras": list(bank.rigs[0].names) if bank.rigs else [],
    }


def _poses(sessions: Sequence[Session], which: Sequence[np.ndarray], skeleton: Skeleton) -> Poses:
    parts = []
    total = sum(int(kept[session.usable].sum()) for session, kept in zip(sessions, which, strict=True))
    every = max(1, -(-total // MOST))
    for number, (session, kept) in enumerate(zip(sessions, which, strict=True)):
        frames = session.usable[kept[session.usable]][::every]
        xyz = session.xyz[frames]
        relative, _ = about_root(xyz, skeleton.root)
        parts.append(Poses(relative, xyz[:, skeleton.root], np.full(len(frames), number)))
    return Poses(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("xyz", "place", "session")))
