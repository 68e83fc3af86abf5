"""A stream's poses made one motion as they come: `over_time`'s causal smoothing, a frame at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from flowlift.bone_lengths import bone_sums, lengths_of, with_lengths
from flowlift.camera import place_root
from flowlift.causal import (
    Joints,
    Measured,
    begin_joints,
    follow_joints,
    follow_path,
    joints_now,
    path_now,
)
from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.gaps import LIMIT
from flowlift.kalman import State
from flowlift.lifting.over_time import moved_along, outer
from flowlift.lifting.view import Seen
from flowlift.pick_people import pick_people

Look = Callable[[Poses3D], tuple[Seen, Float[np.ndarray, "row joint"]]]
"""What a frame's people were seen as, one a row, on the poses' skeleton, and how much each joint counts."""


class Streamed(NamedTuple):
    """One frame: `poses` (one frame), and `people`, who each of them is."""

    poses: Poses3D
    people: tuple[int, ...]


@dataclass(eq=False)
class _Person:
    """What is kept of one person; `joints` and `path` are None while nobody knows where they are."""

    seen: float
    bones: Float64[np.ndarray, "2 bone"]
    root_cov: Float64[np.ndarray, "3 3"]
    joints: Joints | None = None
    path: State | None = None


class Stream:
    """Smooths frames that are pushed in order; what it knows of each person has a fixed size.

    Each frame gets what a whole clip would with `smooth="causal"`. Somebody who is missing is carried on for as long
    as a short gap lasts (`gaps.LIMIT`), marked as bridged.
    """

    def __init__(self, look: Look, size_variance: float) -> None:
        self._look, self._size_variance = look, size_variance
        self._people: dict[int, _Person] = {}
        self._time: float | None = None

    def push(self, poses: Poses3D, people: Sequence[int]) -> Streamed:
        """The next frame: `poses` of one frame, with their keypoints, as this stream's lifter gives them with
        `smooth="off"`; `people`: who they are. Gives who is in view and who is carried on, in the order of `people`'s
        numbers."""
        time = float(poses.frame_times[0])
        if self._time is not None and not time > self._time:
            raise InputError(
                f"a stream's frames follow one another: one at {time:g} s came after one at {self._time:g} s; "
                "Keypoints2D.take keeps a frame's time"
            )
        poses = replace(poses, provenance={**poses.provenance, "smooth": "causal"})
        passed = 0.0 if self._time is None else time - self._time
        self._time = time
        rows = {who: row for row, who in enumerate(people) if np.isfinite(poses.xyz[0, row]).all()}
        for who in rows.keys() - self._people.keys():
            self._people[who] = _Person(time, np.zeros((2, len(poses.skeleton) - 1)), np.zeros((3, 3)))
        for who, known in self._people.items():
            self._move(known, poses, rows.get(who), time, passed)
        shown = sorted(who for who, known in self._people.items() if known.joints is not None)
        if not shown:
            return Streamed(pick_people(poses, []), ())
        return Streamed(self._place(poses, shown, [rows.get(who) for who in shown], passed), tuple(shown))

    def forget(self, before: float) -> None:
        """Forget who was last seen before that time (s): they would be somebody new."""
        self._people = {who: known for who, known in self._people.items() if known.seen >= before}

    def _move(self, known: _Person, poses: Poses3D, row: int | None, time: float, passed: float) -> None:
        """The joints of one person: measured, carried over a gap, or lost."""
        if row is None:
            if known.joints is None or time - known.seen > LIMIT * (1 + 1e-6):
                known.joints = known.path = None
            else:
                known.joints = follow_joints(known.joints, passed, None)
            return
        xyz, cov = poses.xyz[0, row].astype(np.float64), poses.cov[0, row].astype(np.float64)
        found = Measured(xyz, cov - self._size_variance * outer(xyz))
        known.joints = begin_joints(found) if known.joints is None else follow_joints(known.joints, passed, found)
        known.seen = time
        if poses.root_cov is not None:
            known.root_cov = poses.root_cov[0, row].astype(np.float64)

    def _place(self, poses: Poses3D, shown: list[int], rows: list[int | None], passed: float) -> Poses3D:
        """Everybody who is shown, with bones as long as they were until now, where they fit what was seen."""
        everybody = [self._people[who] for who in shown]
        now = [joints_now(known.joints) for known in everybody if known.joints is not None]
        xyz, cov = np.stack([each.xyz for each in now]), np.stack([each.cov for each in now])
        picked = pick_people(poses, rows)
        hypotheses = moved_along(picked.hypotheses, picked.xyz, xyz[None])
        for known, sums in zip(everybody, bone_sums(xyz, cov, poses.skeleton), strict=True):
            known.bones = known.bones + sums
        lengths = lengths_of(np.stack([known.bones for known in everybody]), poses.skeleton)
        xyz = with_lengths(xyz, cov, lengths, poses.skeleton, causal=True)
        seen, weights = self._look(poses)
        for known, row, body in zip(everybody, rows, xyz, strict=True):
            root = None if row is None else place_root(body[None], seen.rays[[row]], weights[[row]])[0]
            placed = root is not None and np.isfinite(root).all()
            known.path = follow_path(known.path, passed, root if placed else None)
        carried = np.array([row is None for row in rows])
        root_cov = np.stack([known.root_cov for known in everybody]) * np.where(carried, 4.0, 1.0)[:, None, None]
        return replace(
            picked,
            xyz=xyz[None],
            hypotheses=hypotheses,
            cov=(cov + self._size_variance * outer(xyz))[None],
            root=np.stack([path_now(known.path) for known in everybody])[None],
            root_cov=root_cov[None],
            bridged=np.broadcast_to(carried[None, :, None], (1, len(shown), len(poses.skeleton))),
        )
