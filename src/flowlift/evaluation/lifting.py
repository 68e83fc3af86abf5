"""What a protocol asks of a method: 2D keypoints in, 3D poses out. The Lifter is one, a baseline another."""

from dataclasses import dataclass
from typing import Protocol, TypedDict, runtime_checkable

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D


@runtime_checkable
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


class Said(TypedDict):
    """What poses tell of how they were made; None where they do not."""

    intrinsics: str | None
    vertical: str | None
    root: str | None
    hypotheses: int | None
    steps: int | None


UNSAID = Said(intrinsics=None, vertical=None, root=None, hypotheses=None, steps=None)


def said(poses: Poses3D) -> Said:
    """The conditions that the poses' own provenance names: nothing is claimed that the method does not say."""
    words = {name: poses.provenance.get(name) for name in Said.__annotations__}
    texts = {name: None if (word := words[name]) is None else str(word) for name in ("intrinsics", "vertical", "root")}
    counts = {name: word if isinstance(word := words[name], int) else None for name in ("hypotheses", "steps")}
    return Said(
        intrinsics=texts["intrinsics"],
        vertical=texts["vertical"],
        root=texts["root"],
        hypotheses=counts["hypotheses"],
        steps=counts["steps"],
    )
