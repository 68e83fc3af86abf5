"""What is streamed: JSON texts, as `poses.schema.json` beside this file lays down.

`hello` once, a `frame` for each that was lifted, `end` when there will be no more. Who listens slowly misses frames.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from flowlift import __version__
from flowlift.containers import Poses3D
from flowlift.lifting.stream import Streamed
from flowlift.live.report import Report
from flowlift.view.payload import scenery, surroundings
from flowlift.view.scene import Scene

VERSION = 1
"""Of the messages: a larger one where a reader of the last would misunderstand."""

_UPPER = (0, 0, 0, 1, 1, 2), (0, 1, 2, 1, 2, 2)
# Digits after the point: a tenth of a millimetre, its square, a tenth of a pixel.
_LENGTH, _SQUARE, _PIXEL, _SCORE = 4, 8, 1, 2


@dataclass(frozen=True)
class About:
    """One frame among the others: its number from 0 on, when it came in (seconds since 1970), how many were dropped
    before it."""

    number: int
    captured: float
    dropped: int


def hello(nothing: Poses3D, scene: Scene, *, source: str, fps: float | None) -> str:
    """What is the same in all frames; `nothing`: poses of a frame without anybody."""
    return _text(
        {
            "type": "hello",
            "version": VERSION,
            "flowlift": __version__,
            "source": source,
            "fps": fps,
            "made_by": {name: value for name, value in nothing.provenance.items() if value is not None},
            **surroundings(nothing),
            **scenery(scene),
        }
    )


def frame(seen: Streamed, scene: Scene, about: About) -> str:
    """The people of one frame."""
    poses = seen.poses
    there = [row for row in range(poses.people) if np.isfinite(poses.xyz[0, row]).all()]
    return _text(
        {
            "type": "frame",
            "version": VERSION,
            "frame": about.number,
            "time": round(float(poses.frame_times[0]), 4),
            "captured": round(about.captured, 4),
            "dropped": about.dropped,
            "people": [{"person": seen.people[row], **_person(poses, row)} for row in there],
            **scenery(scene),
        }
    )


def end(report: Report) -> str:
    """There will be no more frames."""
    return _text({"type": "end", "version": VERSION, **asdict(report)})


def schema() -> str:
    """The JSON Schema of every message."""
    return (files("flowlift.live") / "poses.schema.json").read_text(encoding="utf-8")


def _person(poses: Poses3D, row: int) -> dict[str, object]:
    root = None if poses.root is None or np.isnan(poses.root[0, row]).any() else poses.root[0, row]
    return {
        "bridged": bool(poses.bridged is not None and poses.bridged[0, row].any()),
        "root": None if root is None else _rounded(root, _LENGTH),
        "xyz": _rounded(poses.xyz[0, row], _LENGTH),
        "cov": _rounded(poses.cov[0, row][:, *_UPPER], _SQUARE),
        "keypoints": None if poses.keypoints is None else _keypoints(poses, row),
    }


def _keypoints(poses: Poses3D, row: int) -> list[list[float | None] | None]:
    """x, y (px) and score of each joint of the 2D; null where it is missing."""
    assert poses.keypoints is not None
    places = np.round(poses.keypoints.xy[0, row].astype(np.float64), _PIXEL).tolist()
    scores = np.round(poses.keypoints.score[0, row].astype(np.float64), _SCORE).tolist()
    return [
        None if math.isnan(x) else [x, y, None if math.isnan(score) else score]
        for (x, y), score in zip(places, scores, strict=True)
    ]


def _rounded(array: Float[np.ndarray, "..."], digits: int) -> object:
    return np.round(array.astype(np.float64), digits).tolist()


def _text(values: Mapping[str, object]) -> str:
    return json.dumps(values, allow_nan=False, separators=(",", ":"))
