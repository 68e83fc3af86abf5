"""Where the ground is and which way is up, found again as more is seen: often at first, then now and then."""

from collections import deque
from dataclasses import replace

from flowlift.concatenate import concatenate_poses
from flowlift.containers import Poses3D
from flowlift.view.scene import Scene, scene_of

_KEPT = 150  # frames
_SOON, _LATER, _BEGINNING = 0.5, 2.0, 5.0  # seconds from one time to the next: at the beginning, and then


class Surroundings:
    """The scene of the last frames with somebody in them. `scene` is a guess until there were some."""

    def __init__(self, nothing: Poses3D) -> None:
        self.scene: Scene = scene_of(nothing)
        self._recent: deque[Poses3D] = deque(maxlen=_KEPT)
        self._first = self._next = float("-inf")

    def see(self, poses: Poses3D) -> None:
        """Take in one frame."""
        if not poses.people:
            return
        time = float(poses.frame_times[0])
        if not self._recent:
            self._first = time
        self._recent.append(replace(poses, hypotheses=None, keypoints=None))
        if time >= self._next:
            self.scene = scene_of(concatenate_poses(list(self._recent)))
            self._next = time + (_SOON if time - self._first < _BEGINNING else _LATER)
