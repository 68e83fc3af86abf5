"""A live session as one clip: what was shown, frame by frame."""

from collections import Counter
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.lifting.stream import Streamed

Part = Float32[np.ndarray, "person ..."]


class _Shown(NamedTuple):
    """One frame: who, and what is known of them."""

    time: float
    people: tuple[int, ...]
    parts: dict[str, Part]


class Recording:
    """Keeps what is added: some 2 kB for each person and frame."""

    def __init__(self) -> None:
        self._frames: list[_Shown] = []

    def add(self, seen: Streamed) -> None:
        """One frame more."""
        self._frames.append(_Shown(float(seen.poses.frame_times[0]), seen.people, _parts(seen.poses)))

    def clip(self, nothing: Poses3D, *, source: str, fps: float | None, detector: str, keep: int | None) -> Poses3D:
        """All frames as one clip, with what `nothing` (poses of a frame without anybody) says of all of them.

        People stand in the order in which they came; `keep`: how many, of those who were there for longest, None: all.
        `fps`: the source's; where frames were dropped they are missing, and each has its own time. Raises InputError
        where nobody was seen.
        """
        there = Counter(who for frame in self._frames for who in frame.people)
        if not there:
            raise InputError(f"{source}: nothing to write: nobody was seen in {len(self._frames)} frames")
        place = {who: at for at, who in enumerate(sorted(who for who, _ in there.most_common(keep)))}
        sizes = {name: part.shape[1:] for name, part in _parts(nothing).items()}
        whole: dict[str, Any] = {name: self._together(name, len(place), size) for name, size in sizes.items()}
        for row, frame in enumerate(self._frames):
            for index, who in enumerate(frame.people):
                if who in place:
                    for name, part in frame.parts.items():
                        whole[name][row, place[who]] = part[index]
        times = np.array([frame.time for frame in self._frames])
        keypoints = nothing.keypoints
        if keypoints is not None:
            xy, score = whole.pop("xy"), whole.pop("score")
            keypoints = replace(keypoints, xy=xy, score=score, times=times, fps=fps, source=source)
        bridged = whole.pop("bridged") > 0
        provenance = {**nothing.provenance, "source": source, "detector": detector, "live": True}
        return replace(
            nothing, **whole, bridged=bridged, keypoints=keypoints, times=times, fps=fps, provenance=provenance
        )

    def __len__(self) -> int:
        return len(self._frames)

    def _together(self, name: str, people: int, shape: tuple[int, ...]) -> Float32[np.ndarray, "frame person ..."]:
        return np.full((len(self._frames), people, *shape), 0 if name == "bridged" else np.nan, dtype=np.float32)


def _parts(poses: Poses3D) -> dict[str, Part]:
    """The arrays of one frame, by name."""
    marks = np.zeros(poses.xyz.shape[1:3], np.float32) if poses.bridged is None else poses.bridged[0].astype(np.float32)
    parts = {"xyz": poses.xyz[0], "cov": poses.cov[0], "bridged": marks}
    if poses.root is not None and poses.root_cov is not None:
        parts |= {"root": poses.root[0], "root_cov": poses.root_cov[0]}
    if poses.keypoints is not None:
        parts |= {"xy": poses.keypoints.xy[0], "score": poses.keypoints.score[0]}
    return parts
