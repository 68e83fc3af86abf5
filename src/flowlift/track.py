"""Identities over time: who in one frame is who in the next. Frame by frame, so that a stream needs no end.

Every person is expected where their joints were, carried on by their speed. What was detected goes to whom it fits
best, all at once (a linear assignment), and to nobody when no person could have got there: then it is somebody new.
"""

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Float64

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.lifter import MIN_JOINTS
from flowlift.matching import Pairs, assign, body_size, distances, median, middles

ASSUMED_FPS = 30.0
"""Frames a second of keypoints that do not say."""
SURE = 2.0
"""A person is believed when the shares of joints seen, summed over frames, exceed this: a whole body's three frames."""
PATIENCE = 3
"""Who is not believed yet and is missing in more frames in a row than this was a ghost."""
MEMORY = 1.5
"""Seconds after which somebody who is missing is not waited for any longer."""
RECENT = 0.15
"""Seconds for which somebody who is missing has the first choice still, as those in view have."""
REACH, SPEED, FARTHEST = 0.3, 3.5, 2.5
"""How far from where they are expected people may turn up: body sizes, per second more, and at most."""
TWICE = 0.1
"""Two detections closer than this, in body sizes, are of one person."""
_STEADY, _COAST = 0.15, 0.5  # seconds over which speed is averaged, and for which it is believed to last
_SHRINK = 1.0  # seconds in which a body's size follows a smaller one: people bend down, and stand up again


class Tracked(NamedTuple):
    """One frame's people by their identity: 0, 1, ... in the order in which they came, from left to right.

    `xy` (joint, 2): px, NaN where missing; `score` (joint): as it was given.
    """

    time: float
    people: dict[int, "Sighting"]


class Sighting(NamedTuple):
    """One person in one frame: `xy` (joint, 2) px, `score` (joint)."""

    xy: Float32[np.ndarray, "joint 2"]
    score: Float32[np.ndarray, " joint"]


@dataclass(eq=False)
class _Track:
    """One person as last seen: `pose` (joint, 2) px, `velocity` (2,) px/s, `size` px; `missing`: frames since."""

    pose: Float64[np.ndarray, "joint 2"]
    size: float
    time: float
    velocity: Float64[np.ndarray, "2"] = field(default_factory=lambda: np.zeros(2))
    evidence: float = 0.0
    missing: int = 0
    identity: int | None = None
    lost: bool = False

    @property
    def sure(self) -> bool:
        return self.evidence > SURE

    def expected(self, time: float) -> Float64[np.ndarray, "joint 2"]:
        """Where the joints should be: the speed is believed to fade."""
        return self.pose + self.velocity * _COAST * -np.expm1(-(time - self.time) / _COAST)

    def reach(self, time: float) -> float:
        return min(REACH + SPEED * (time - self.time), FARTHEST)

    def see(self, xy: Float[np.ndarray, "joint 2"], time: float) -> None:
        passed = max(time - self.time, 1e-3)
        seen, both = np.isfinite(xy[:, 0]), np.isfinite(xy[:, 0]) & np.isfinite(self.pose[:, 0])
        moved = np.median((xy - self.pose)[both], axis=0) if both.any() else np.zeros(2)
        fastest = 2 * SPEED * self.size
        speed = np.clip(moved / passed, -fastest, fastest)
        self.velocity = self.velocity - np.expm1(-passed / _STEADY) * (speed - self.velocity)
        self.pose = np.where(seen[:, None], xy, self.pose + moved)
        self.size = max(body_size(xy[None])[0], self.size * float(np.exp(-passed / _SHRINK)))
        self.time, self.missing = time, 0
        self.evidence += float(seen.mean())


@dataclass(frozen=True, eq=False)
class _Waiting:
    """A frame that is not given out yet: some of its people may turn out to be ghosts."""

    time: float
    seen: list[tuple[_Track, Sighting]]


class Tracker:
    """Follows people through frames that are pushed in order; what it knows of the past has a fixed size.

    A frame comes out when everybody in it is either believed or known for a ghost, a few frames later. The order of
    people within a frame does not matter. Ghosts (seen in a few frames only, or a few joints of them) and second
    detections of one person are left out; somebody who is missing for up to 1.5 s keeps the identity.
    """

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._waiting: deque[_Waiting] = deque()
        self._identities = itertools.count()
        self._frames = 0

    def push(
        self, time: float, xy: Float32[np.ndarray, "person joint 2"], score: Float32[np.ndarray, "person joint"]
    ) -> list[Tracked]:
        """Take the people of one frame at `time` (s), NaN where there is nobody; the frames that are ready."""
        self._waiting.append(self._take(time, xy, score))
        self._age(time)
        return self._ready()

    def push_now(
        self, time: float, xy: Float32[np.ndarray, "person joint 2"], score: Float32[np.ndarray, "person joint"]
    ) -> Tracked:
        """The same for who cannot wait: the frame itself, with those who are believed by now. Of a tracker either this
        is called or `push`."""
        frame = self._take(time, xy, score)
        self._age(time)
        return _known(frame, self._identities)

    def _take(
        self, time: float, xy: Float32[np.ndarray, "person joint 2"], score: Float32[np.ndarray, "person joint"]
    ) -> _Waiting:
        there = np.flatnonzero(np.isfinite(xy[..., 0]).sum(axis=1) >= MIN_JOINTS)
        people = [Sighting(xy[p], score[p]) for p in there[np.lexsort(middles(xy[there]).T[::-1])]]
        self._frames += 1
        matched = self._match(time, people)
        return _Waiting(time, list(self._see(time, people, matched)))

    def flush(self) -> list[Tracked]:
        """The frames that were still waiting: the clip has ended."""
        for track in self._tracks:
            if not track.sure and self._frames <= PATIENCE:
                track.evidence = np.inf  # so short a clip leaves no time to believe anybody
            track.lost = True
        self._tracks = []
        return self._ready()

    def _match(self, time: float, people: list[Sighting]) -> Pairs:
        """Index of a sighting for tracks by their index: first for those in view, then for those who are missing."""
        found: Pairs = {}
        recent = [time - track.time <= RECENT or track.missing == 0 for track in self._tracks]
        for turn in (True, False):
            tracks = [i for i, now in enumerate(recent) if now == turn]
            left = [i for i in range(len(people)) if i not in found.values()]
            if not tracks or not left:
                continue
            cost = distances(
                np.stack([self._tracks[i].expected(time) for i in tracks]),
                np.array([self._tracks[i].size for i in tracks]),
                np.stack([people[i].xy for i in left]),
            )
            limits = np.array([self._tracks[i].reach(time) for i in tracks])
            found |= {tracks[i]: left[j] for i, j in assign(cost, limits).items()}
        return found

    def _see(self, time: float, people: list[Sighting], matched: Pairs) -> Iterator[tuple[_Track, Sighting]]:
        """Give each sighting to its track, a new one where it has none; the believed come first, duplicates last."""
        owner = {sighting: self._tracks[track] for track, sighting in matched.items()}
        accepted: list[int] = []
        kept: dict[int, Sighting] = {}
        order = sorted(range(len(people)), key=lambda i: (i not in owner, i in owner and not owner[i].sure, i))
        for i in order:
            track = owner.get(i)
            twin = None if track is not None and track.sure else _twin(people, i, accepted)
            if twin is not None:
                kept[twin] = _merged(kept[twin], people[i])
                if track is not None:
                    track.lost = True
                continue
            accepted.append(i)
            kept[i] = people[i]
        for i in sorted(accepted):
            xy = kept[i].xy.astype(np.float64)
            track = owner.get(i)
            if track is None:
                track = _Track(xy, float(body_size(xy[None])[0]), time)
                self._tracks.append(track)
            track.see(xy, time)
            yield track, kept[i]

    def _age(self, time: float) -> None:
        for track in self._tracks:
            if track.time < time:
                track.missing += 1
                gone = time - track.time > MEMORY if track.sure else True
                track.lost = track.lost or (track.missing > PATIENCE and gone)
        self._tracks = [track for track in self._tracks if not track.lost]

    def _ready(self) -> list[Tracked]:
        ready = []
        while self._waiting and all(track.sure or track.lost for track, _ in self._waiting[0].seen):
            ready.append(_known(self._waiting.popleft(), self._identities))
        return ready


def _known(frame: _Waiting, identities: Iterator[int]) -> Tracked:
    """A frame's people by identity; who is believed for the first time gets a new one."""
    people = {}
    for track, sighting in frame.seen:
        if track.sure:
            track.identity = next(identities) if track.identity is None else track.identity
            people[track.identity] = sighting
    return Tracked(frame.time, people)


def track(keypoints: Keypoints2D) -> Keypoints2D:
    """Keypoints whose people stand in any order in each frame, sorted: one person, one index throughout.

    People are numbered as they appear, from left to right. Raises InputError for frames that do not follow one another
    (more is lost in them as ghosts than kept). Without times or a frame rate 30 frames a second are assumed.
    """
    times = np.arange(len(keypoints)) / ASSUMED_FPS
    if keypoints.timed:
        times = keypoints.frame_times
    tracker = Tracker()
    frames: list[Tracked] = []
    for time, xy, score in zip(times.tolist(), keypoints.xy, keypoints.score, strict=True):
        frames += tracker.push(time, xy, score)
    frames += tracker.flush()
    there = int((np.isfinite(keypoints.xy[..., 0]).sum(axis=2) >= MIN_JOINTS).sum())
    if sum(len(frame.people) for frame in frames) < there / 2:
        raise InputError("people cannot be followed: the frames do not follow one another")
    xy, score = stack(frames, len(keypoints.skeleton))
    return replace(keypoints, xy=xy, score=score)


def stack(
    frames: list[Tracked], joints: int
) -> tuple[Float32[np.ndarray, "frame person joint 2"], Float32[np.ndarray, "frame person joint"]]:
    """Positions and scores by identity, NaN where somebody is not in view; one row of NaN where nobody ever is."""
    people = max((max(frame.people, default=0) for frame in frames), default=0) + 1
    xy = np.full((len(frames), people, joints, 2), np.nan, dtype=np.float32)
    score = np.full(xy.shape[:3], np.nan, dtype=np.float32)
    for row, frame in enumerate(frames):
        for identity, sighting in frame.people.items():
            xy[row, identity], score[row, identity] = sighting
    return xy, score


def _twin(people: list[Sighting], this: int, others: list[int]) -> int | None:
    """Who of the others is the same person, detected twice."""
    for other in others:
        a, b = people[this].xy, people[other].xy
        apart = np.linalg.norm(a - b, axis=-1)
        common = np.isfinite(apart).sum()
        if common >= MIN_JOINTS and median(apart) < TWICE * body_size(np.stack([a, b])).max():
            return other
    return None


def _merged(first: Sighting, second: Sighting) -> Sighting:
    """Both detections of one person: the first, with the joints that only the second has."""
    lacking = np.isnan(first.xy[:, 0])
    xy = np.where(lacking[:, None], second.xy, first.xy)
    return Sighting(xy, np.where(lacking, second.score, first.score))
