"""What a protocol asks of a method: 2D keypoints in, 3D poses out. The Lifter is one, a baseline another."""

from dataclasses import dataclass
from typing import Protocol

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D


class Lift(Protocol):
    """Lifts one clip, all its frames in one call; `flowlift.Lifter` is one."""

    def __call__(
        self,
        keypoints: Keypoints2D,
        *,
        camera: Camera | None,
        hypotheses: int,
        steps: int | None,
        seed: int,
        smooth: str,
        height: float | None,
        keep_hypotheses: bool,
    ) -> Poses3D:
        """3D poses, one a frame and person of the keypoints; NaN where there is none."""


@dataclass(frozen=True)
class LiftSettings:
    """How a method is run: the same for every clip of a protocol. `steps` None: the model's own number."""

    model: str = "human"
    hypotheses: int = 20
    steps: int | None = None
    seeds: tuple[int, ...] = (0, 1, 2)
    smooth: str = "auto"

    def run(
        self, lift: Lift, keypoints: Keypoints2D, *, camera: Camera | None, height: float | None, seed: int
    ) -> Poses3D:
        """Lift a clip with one of the seeds; hypotheses kept."""
        return lift(
            keypoints,
            camera=camera,
            hypotheses=self.hypotheses,
            steps=self.steps,
            seed=seed,
            smooth=self.smooth,
            height=height,
            keep_hypotheses=True,
        )


def steps_taken(poses: Poses3D, settings: LiftSettings) -> int | None:
    """The solver steps behind the poses: as they say themselves, else as they were asked for."""
    steps = poses.provenance.get("steps", settings.steps)
    return steps if isinstance(steps, int) else None
