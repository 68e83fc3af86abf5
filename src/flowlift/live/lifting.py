"""One frame after another into 3D: found, followed, lifted, smoothed from the past alone."""

from functools import partial

import numpy as np

from flowlift.camera import DEFAULT_FOV, Camera
from flowlift.clip_camera import check_place
from flowlift.containers import Keypoints2D
from flowlift.detect import Detector
from flowlift.io.frames import Frame
from flowlift.lifter import Lifter
from flowlift.lifting.stream import Stream, Streamed
from flowlift.track import MEMORY, Sighting, Tracked, Tracker

_REMEMBERED = MEMORY + 1.0  # seconds: the tracker never gives an identity again after its own memory


class LiveLifter:
    """Call it with each frame; it knows of the past what the next frame needs. `smooth`: or each frame by itself.

    `metres`: whether the camera's translation is known to be in metres. Calls raise InputError where it cannot be.
    """

    def __init__(
        self,
        detector: Detector,
        lifter: Lifter,
        image_size: tuple[int, int],
        *,
        camera: Camera | None = None,
        hypotheses: int = 20,
        steps: int | None = None,
        seed: int = 0,
        height: float | None = None,
        size: float | None = None,
        smooth: bool = True,
        metres: bool = True,
    ) -> None:
        self._detector, self._lifter, self._image_size = detector, lifter, image_size
        self._camera = camera or Camera.from_fov(DEFAULT_FOV, image_size, assumed=True)
        self._settings = {"hypotheses": hypotheses, "steps": steps, "seed": seed, "height": height, "size": size}
        self._tracker = Tracker()
        self._new_stream = partial(lifter.stream, height, size)
        self._stream: Stream | None = self._new_stream() if smooth else None
        self._placed = metres
        self._warm_up()

    def __call__(self, frame: Frame) -> Streamed:
        """The people in a frame: in view, or missing for a moment only."""
        found = self._detector(frame)
        return self._lift(self._tracker.push_now(frame.time, found.xy, found.score))

    def nobody(self) -> Streamed:
        """A frame without anybody: what all frames have in common."""
        raw = self._raw(Tracked(0.0, {}))
        return raw if self._stream is None else self._new_stream().push(raw.poses, raw.people)

    def _lift(self, seen: Tracked) -> Streamed:
        raw = self._raw(seen)
        self._placed = self._placed or check_place(raw.poses)
        if self._stream is None:
            return raw
        self._stream.forget(seen.time - _REMEMBERED)
        return self._stream.push(raw.poses, raw.people)

    def _raw(self, seen: Tracked) -> Streamed:
        skeleton = self._detector.skeleton
        people = sorted(seen.people)
        xy = np.full((1, len(people), len(skeleton), 2), np.nan, dtype=np.float32)
        score = np.full(xy.shape[:3], np.nan, dtype=np.float32)
        for row, who in enumerate(people):
            xy[0, row], score[0, row] = seen.people[who]
        keypoints = Keypoints2D(xy, score, skeleton, self._image_size, times=np.array([seen.time]))
        poses = self._lifter(keypoints, camera=self._camera, smooth="off", **self._settings)  # type: ignore[arg-type]
        return Streamed(poses, tuple(people))

    def _warm_up(self) -> None:
        """The first call of a network takes longer than all that follow. Refuses settings that cannot be."""
        middle = np.array(self._image_size, dtype=np.float32) / 2
        spread = np.random.default_rng(0).uniform(-0.2, 0.2, (len(self._detector.skeleton), 2)).astype(np.float32)
        somebody = middle + spread * self._image_size[1]
        self._raw(Tracked(0.0, {0: Sighting(somebody, np.ones(len(spread), dtype=np.float32))}))
