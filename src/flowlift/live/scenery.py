"""Where the ground is and which way is up, found again as more is seen: soon at first, then rarely."""

from collections import deque
from dataclasses import replace

from flowlift.concatenate import concatenate_poses
from flowlift.containers import Poses3D
from flowlift.view.scene import Scene, scene_of

_KEPT = 150  # frames
_FIRST, _RARELY = 10, 150  # frames with somebody in them, until it is found and until it is found again


class Surroundings:
    """The scene of the last frames with somebody in them. `scene` is a guess until there were some."""

    def __init__(self, nothing: Poses3D) -> None:
        self.scene: Scene = scene_of(nothing)
        self._recent: deque[Poses3D] = deque(maxlen=_KEPT)
        self._seen, self._next = 0, 1

    def see(self, poses: Poses3D) -> None:
        """Take in one frame."""
        if not poses.people:
            return
        self._recent.append(replace(poses, hypotheses=None, keypoints=None))
        self._seen += 1
        if self._seen >= self._next:
            self.scene = scene_of(concatenate_poses(list(self._recent)))
            self._next = self._seen + (_FIRST if self._seen < _RARELY else _RARELY)
