"""What is timed: every stage of the way from a video to files, on a clip that flowlift synthesises."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from flowlift.aggregate import covariance, reprojection_errors, rpea
from flowlift.bench.operations import count_operations
from flowlift.bench.published_size import write_published_size
from flowlift.bench.timing import frames_per_second
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.demo import synthesize
from flowlift.demo_video import write_demo_video
from flowlift.detect import load_detector
from flowlift.errors import FlowliftError
from flowlift.io import save
from flowlift.io.video import open_frames
from flowlift.lifter import Lifter
from flowlift.models import Model, find_model
from flowlift.runtime import load_engine

QUICKEST = "human-fast"
PACKAGED, PUBLISHED = ("human", QUICKEST), "published size"
HYPOTHESES, STEPS = (1, 20, 40), (1, 3)
FILES = ("npz", "csv", "html", "trc")
_FRAMES = 1800
_SMOOTHED = 450
_VIDEO_SECONDS = 2.0
_USUAL = 20
"""Hypotheses where nothing else is said."""


@dataclass(frozen=True)
class Row:
    """One speed, frames/s. `of_limit`: how much of the arithmetic limit that is, the machine's rate of matrix products
    over the operations of the network's own layers. Where something is missing there is no speed; `note` says what.
    """

    stage: str
    what: str
    frames: int = 0
    per_second: float | None = None
    of_limit: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Bench:
    """How to measure. `seconds`: for each row. `device`: where networks run, as `Lifter.load` takes it.

    `rate`: matrix products there, operations a second, where that is known.
    """

    rate: float | None
    seconds: float = 2.0
    device: str | None = None
    hypotheses: Sequence[int] = HYPOTHESES
    steps: Sequence[int] = STEPS

    def rows(self) -> Iterator[Row]:
        """Measure, and give each row when it is there."""
        yield from _if_there("detection", "MediaPipe", self._detection)
        yield from self.lifting()
        yield self._aggregation()
        yield from self._after_lifting(_clip(_SMOOTHED))

    def lifting(self) -> Iterator[Row]:
        """The rows of lifting alone."""
        keypoints = _clip(_FRAMES)
        for name in PACKAGED:
            yield from _if_there("lifting", name, partial(self._packaged, name, keypoints))
        yield from _if_there("lifting", PUBLISHED, partial(self._published, keypoints))

    def _detection(self) -> Iterator[Row]:
        clip, count = synthesize(seconds=_VIDEO_SECONDS, fps=30.0), round(30 * _VIDEO_SECONDS)
        with closing(load_detector("mediapipe")) as detector, TemporaryDirectory() as folder:
            video = Path(folder) / "walk.mp4"
            write_demo_video(video, clip)
            frames = open_frames(video)

            def decode(count: int) -> None:
                list(islice(frames, count))

            def detect(count: int) -> None:
                for frame in islice(frames, count):
                    detector(frame)

            yield self._row("decoding", "H.264, 1280 x 720", decode, most=count)
            yield self._row("detection", "MediaPipe, decoding included", detect, most=count)

    def _packaged(self, name: str, keypoints: Keypoints2D) -> Iterator[Row]:
        return self._lifting(find_model(name), keypoints)

    def _published(self, keypoints: Keypoints2D) -> Iterator[Row]:
        with TemporaryDirectory() as folder:
            yield from self._lifting(write_published_size(Path(folder)), keypoints)

    def _lifting(self, model: Model, keypoints: Keypoints2D) -> Iterator[Row]:
        lifter = Lifter(model, load_engine(model, self.device))
        limit = _limit(model, self.rate)
        for hypotheses in self.hypotheses:
            for steps in self.steps:

                def lift(count: int, hypotheses: int = hypotheses, steps: int = steps) -> Poses3D:
                    return lifter(keypoints.frames(0, count), hypotheses=hypotheses, steps=steps, smooth="off")

                what, most = lifting_words(model.name, hypotheses, steps), limit(hypotheses, steps)
                yield self._row("lifting", what, lift, most=len(keypoints), limit=most)

    def _aggregation(self) -> Row:
        draw = np.random.default_rng(0)
        poses = draw.normal(0, 0.3, (_FRAMES // 6, _USUAL, 17, 3)).astype(np.float32)
        rays = poses.mean(axis=1)[..., :2] / 4
        weights, expected = np.ones_like(rays[..., 0]), np.full_like(poses[:, 0], 0.01)

        def aggregate(count: int) -> None:
            some = poses[:count]
            errors = reprojection_errors(some, rays[:count], weights[:count])
            mean = rpea(some, errors, keep=_USUAL, temperature=0.01, per_joint=False)
            covariance(some, mean, expected=expected[:count], weight=4.0)

        return self._row("aggregation", f"RPEA and covariance, {_USUAL} hypotheses", aggregate, most=len(poses))

    def _after_lifting(self, keypoints: Keypoints2D) -> Iterator[Row]:
        lifter, frames = Lifter.load(QUICKEST), len(keypoints)
        poses = lifter(keypoints, hypotheses=_USUAL, smooth="off")
        yield self._whole("smoothing", "joints, bones, path", partial(lifter.over_time, poses), frames)
        with TemporaryDirectory() as folder:
            for kind in FILES:
                yield self._whole("writing", kind, partial(save, poses, Path(folder) / f"walk.{kind}"), frames)

    def _whole(self, stage: str, what: str, work: Callable[[], object], frames: int) -> Row:
        """Of work that takes all the frames."""
        return self._row(stage, what, lambda _: work(), most=frames, least=frames)

    def _row(
        self,
        stage: str,
        what: str,
        work: Callable[[int], object],
        *,
        most: int,
        least: int = 4,
        limit: float | None = None,
    ) -> Row:
        frames, speed = frames_per_second(work, most=most, least=least, seconds=self.seconds)
        return Row(stage, what, frames, speed, None if limit is None else speed / limit)


def _clip(frames: int) -> Keypoints2D:
    return synthesize(seconds=frames / 30, fps=30.0).keypoints


def _if_there(stage: str, what: str, rows: Callable[[], Iterator[Row]]) -> Iterator[Row]:
    """The rows, or one that says what is missing."""
    try:
        yield from rows()
    except FlowliftError as error:
        yield Row(stage, what, note=str(error))


def _limit(model: Model, rate: float | None) -> Callable[[int, int], float | None]:
    """Frames/s at most, from hypotheses and steps; None where nothing counts the operations."""
    try:
        operations = count_operations(model)
    except FlowliftError:
        operations = None
    if rate is None or operations is None:
        return lambda hypotheses, steps: None
    return lambda hypotheses, steps: rate / operations.of_frame(hypotheses, steps)


def lifting_words(model: str, hypotheses: int, steps: int) -> str:
    """What a row of lifting is called."""
    return f"{model}, {_of(hypotheses, 'hypothesis', 'hypotheses')}, {_of(steps, 'step', 'steps')}"


def _of(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
