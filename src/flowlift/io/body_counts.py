"""Which skeleton a detector's people have, by their number of joints, where a file has no names."""

from pathlib import Path

from flowlift.errors import InputError
from flowlift.skeleton import Skeleton
from flowlift.skeletons import COCO17, HALPE26

BODIES = {17: COCO17, 26: HALPE26, 133: COCO17, 136: HALPE26}
"""133 and 136: with face and hands, whose joints follow the body's (and, of 133, the feet's)."""


def body_of(joints: int, given: Skeleton | None, path: Path) -> Skeleton:
    """The given skeleton, else the known one; its joints are the first. Raises InputError where there is none."""
    if given is not None:
        if len(given) > joints:
            raise InputError(f"{path}: {joints} joints a person, but {given.name!r} has {len(given)}")
        return given
    if joints not in BODIES:
        raise InputError(
            f"{path}: {joints} joints a person and no names; {', '.join(map(str, BODIES))} are known, "
            f"else give --skeleton"
        )
    return BODIES[joints]
