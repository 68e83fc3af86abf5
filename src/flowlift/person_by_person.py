"""One person's clip changed at a time: each in the frames from the first to the last that shows them.

So that many people, most of them there for a short while, take little more memory than their arrays.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from flowlift.containers import Poses3D
from flowlift.gaps import LIMIT


def person_by_person(poses: Poses3D, change: Callable[[Poses3D], Poses3D]) -> Poses3D:
    """The poses with what `change` makes of each person's `xyz`, `cov`, `root`, `root_cov`, `hypotheses` and `bridged`.

    It gets one person, from the first frame that shows them to the length of a short gap after the
    last, at the clip's times, and keeps the number of frames. Everything else stays as it is.
    """
    given = {name: getattr(poses, name) for name in ("xyz", "cov", "root", "root_cov", "hypotheses")}
    made = {name: array.copy() for name, array in given.items() if array is not None}
    made["bridged"] = np.zeros(poses.xyz.shape[:3], dtype=bool) if poses.bridged is None else poses.bridged.copy()
    for person in range(poses.people):
        frames = _frames_of(poses, person)
        if frames.start == frames.stop:
            continue
        changed = change(_alone(poses, person, frames))
        for name, array in made.items():
            new = getattr(changed, name)
            array[frames, person] = False if new is None else new[:, 0]
    for array in made.values():
        array.setflags(write=False)  # nobody else has them: the result need not copy them
    told: Any = made
    return replace(poses, **told)


def _frames_of(poses: Poses3D, person: int) -> slice:
    there = np.flatnonzero(np.isfinite(poses.xyz[:, person]).all(axis=(1, 2)))
    if not len(there):
        return slice(0, 0)
    times = poses.frame_times
    stop = np.searchsorted(times, times[there[-1]] + LIMIT * (1 + 1e-3), side="right")
    return slice(int(there[0]), int(stop))


def _alone(poses: Poses3D, person: int, frames: slice) -> Poses3D:
    which, seen = (frames, slice(person, person + 1)), poses.keypoints
    rest = {name: getattr(poses, name) for name in ("root", "root_cov", "hypotheses", "bridged")}
    cut: Any = {name: None if array is None else array[which] for name, array in rest.items()}
    return replace(
        poses,
        xyz=poses.xyz[which],
        cov=poses.cov[which],
        keypoints=None if seen is None else replace(seen, xy=seen.xy[which], score=seen.score[which], times=None),
        times=poses.frame_times[frames] if poses.timed else None,
        **cut,
    )
