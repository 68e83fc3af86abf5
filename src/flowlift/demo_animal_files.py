"""The synthetic animal as files: what programs for several cameras and for 2D keypoints would have written."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D
from flowlift.demo_animal import MOUSE, cameras, roam, seen_by, triangulated
from flowlift.io.atomic import made_folder, written_whole
from flowlift.skeleton import Skeleton

CLIP_SECONDS = 10.0


def write_files(folder: Path, *, seed: int = 0, seconds: float = 480.0) -> tuple[Path, ...]:
    """mouse.toml, session.csv (anipose's columns, mm, z up), calibration.toml, and cam0.csv with the 2D of another
    recording as DeepLabCut writes it. Raises OutputError, InputError."""
    clip, later, views = roam(seed, seconds), roam(seed + 1, CLIP_SECONDS), cameras()
    made_folder(folder)
    name, camera = next(iter(views.items()))
    texts = {
        "mouse.toml": skeleton_toml(MOUSE),
        "session.csv": _csv(_anipose(triangulated(clip, seed))),
        "calibration.toml": _calibration(views),
        f"{name}.csv": _csv(_deeplabcut(seen_by(camera, later, seed))),
    }
    for file, text in texts.items():
        with written_whole(folder / file) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    return tuple(folder / file for file in texts)


def skeleton_toml(skeleton: Skeleton) -> str:
    """A skeleton as `Skeleton.load` reads it."""
    parents = zip(skeleton.joints, skeleton.parents, strict=True)
    lines = [f"{_key(joint)} = {json.dumps(above or '')}" for joint, above in parents]
    pairs = [f"    [{json.dumps(left)}, {json.dumps(right)}]," for left, right in skeleton.pairs]
    return "\n".join(
        [
            f"name = {json.dumps(skeleton.name)}",
            "pairs = [",
            *pairs,
            "]",
            f"size = {json.dumps(list(skeleton.size_chain))}",
            "",
            "[parents]",
            *lines,
            "",
        ]
    )


def _key(joint: str) -> str:
    return joint if re.fullmatch(r"[A-Za-z0-9_-]+", joint) else json.dumps(joint)


def _csv(rows: Iterable[Sequence[object]]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def _anipose(xyz: Float64[np.ndarray, "frame joint 3"]) -> Iterable[Sequence[object]]:
    """Positions, the error and the number of cameras of each joint, and the frame's number."""
    yield [f"{joint}_{what}" for joint in MOUSE.joints for what in ("x", "y", "z", "error", "ncams")] + ["fnum"]
    for frame, joints in enumerate(xyz.tolist()):
        cells: list[object] = []
        for place in joints:
            there = place[0] == place[0]
            cells += [*(f"{value:.3f}" for value in place), "1.0", 4] if there else ["", "", "", "", 0]
        yield [*cells, frame]


def _deeplabcut(keypoints: Keypoints2D) -> Iterable[Sequence[object]]:
    joints = [joint for joint in MOUSE.joints for _ in range(3)]
    yield ["scorer", *["flowlift"] * len(joints)]
    yield ["bodyparts", *joints]
    yield ["coords", *["x", "y", "likelihood"] * len(MOUSE)]
    for frame, (xy, score) in enumerate(zip(keypoints.xy[:, 0].tolist(), keypoints.score[:, 0].tolist(), strict=True)):
        cells = (f"{value:.3f}" for place, sure in zip(xy, score, strict=True) for value in (*place, sure))
        yield [frame, *cells]


def _calibration(views: dict[str, Camera]) -> str:
    """As anipose writes it: a section a camera, rotations as vectors."""
    parts = []
    for index, (name, camera) in enumerate(views.items()):
        assert camera.rotation is not None
        assert camera.translation is not None
        parts += [
            f"[cam_{index}]",
            f"name = {json.dumps(name)}",
            f"size = {list(camera.image_size)}",
            f"matrix = {camera.matrix.tolist()}",
            "distortions = [0.0, 0.0, 0.0, 0.0, 0.0]",
            f"rotation = {rotation_vector(camera.rotation).tolist()}",
            f"translation = {camera.translation.tolist()}",
            "",
        ]
    return "\n".join(parts)


def rotation_vector(rotation: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3"]:
    """Axis times angle (radians) of a rotation by less than half a turn: the inverse of `calibration.rodrigues`."""
    odd = np.array([rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]])
    sine = np.linalg.norm(odd) / 2
    angle = np.arctan2(sine, (np.trace(rotation) - 1) / 2)
    return odd / (2 * sine) * angle if sine > 1e-9 else np.zeros(3)
