"""What a user may say of a file that does not say it itself."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError
from flowlift.io.naming import skeleton_of
from flowlift.plain_numbers import check_rate, real, whole
from flowlift.skeleton import Skeleton


@dataclass(frozen=True)
class Hints:
    """`fps`: frames per second. `image_size`: (width, height) px. `clip`: the name of a clip inside the file.
    `min_score`: joints of less confidence are missing; None: the format's own. `camera_size`: the images that their
    camera was calibrated for, (width, height) px: what a file that does not tell its image size has."""

    skeleton: Skeleton | None = None
    fps: float | None = None
    image_size: tuple[int, int] | None = None
    clip: str | None = None
    min_score: float | None = None
    camera_size: tuple[int, int] | None = None

    @classmethod
    def of(
        cls,
        skeleton: str | None = None,
        fps: float | None = None,
        image_size: tuple[int, int] | None = None,
        min_score: float | None = None,
        camera_size: tuple[int, int] | None = None,
    ) -> "Hints":
        """With the skeleton by its name. Raises InputError, also for a name that there is not, and for what is neither
        name, number nor size."""
        if not isinstance(skeleton, str | None):
            raise InputError(f"skeleton must be the name of a built-in one, such as 'coco17', got {skeleton!r:.80}")
        named = None if skeleton is None else Skeleton.named(skeleton)
        rate, least = real("fps", fps), real("min_score", min_score)
        return cls(named, rate, _plain_size(image_size), min_score=least, camera_size=camera_size)

    def __post_init__(self) -> None:
        if self.image_size is not None and min(self.image_size) <= 0:
            raise InputError(f"the image size must be positive, got {self.image_size[0]} x {self.image_size[1]}")
        check_rate(self.fps)
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise InputError(f"the least score must lie between 0 and 1, got {self.min_score}")


UNSAID = Hints()


def _plain_size(given: object) -> tuple[int, int] | None:
    if given is None:
        return None
    try:
        width, height = (whole("image_size", side) for side in given)  # type: ignore[attr-defined]
    except (TypeError, ValueError, InputError) as error:
        raise InputError(
            f"image_size must be (width, height) in pixels, such as (1920, 1080), got {given!r}"
        ) from error
    return width, height


def size_in_words(text: str) -> tuple[int, int]:
    """The image size (width, height) that a user writes as 1920x1080. Raises InputError for anything else."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise InputError(f"expected WIDTHxHEIGHT in pixels, such as 1920x1080, got {text!r}")
    return int(width), int(height)


def apply(hints: Hints, found: Keypoints2D | Poses3D) -> Keypoints2D | Poses3D:
    """What a file says, with what the user says in its place. Raises InputError where the skeleton has other joints."""
    found = found if hints.skeleton in (None, found.skeleton) else _as(hints.skeleton, found)
    changes: dict[str, Any] = {}
    if hints.fps is not None and hints.fps != found.fps:
        changes |= {"fps": hints.fps, "times": None}
    if isinstance(found, Keypoints2D) and hints.image_size not in (None, found.image_size):
        changes["image_size"] = hints.image_size
    if isinstance(found, Keypoints2D) and hints.min_score:
        changes["xy"] = np.where((found.score < hints.min_score)[..., None], np.nan, found.xy)
    return replace(found, **changes) if changes else found


def _as(skeleton: Skeleton, found: Keypoints2D | Poses3D) -> Keypoints2D | Poses3D:
    """The joints of a skeleton, by their names, which the file tells: readers of those that tell none took it already.
    Raises InputError where it lacks one, or poses are relative to another joint."""
    names = found.skeleton.joints
    order = [names.index(joint) for joint in skeleton_of(names, skeleton, skeleton.name).joints]
    if isinstance(found, Keypoints2D):
        return replace(found, xy=found.xy[:, :, order], score=found.score[:, :, order], skeleton=skeleton)
    if order[skeleton.root] != found.skeleton.root:
        wanted = skeleton.joints[skeleton.root]
        raise InputError(
            f"its poses are relative to {names[found.skeleton.root]}, those of {skeleton.name} to {wanted}"
        )
    return replace(
        found,
        xyz=found.xyz[:, :, order],
        cov=found.cov[:, :, order],
        hypotheses=None if found.hypotheses is None else found.hypotheses[:, :, :, order],
        bridged=None if found.bridged is None else found.bridged[:, :, order],
        skeleton=skeleton,
    )
