"""A skeleton for joints that a file names: a built-in one where it fits, else one made of the names."""

from collections.abc import Sequence

from flowlift.errors import InputError
from flowlift.skeleton import Skeleton, plain_name
from flowlift.skeletons import BUILT_IN

__all__ = ["plain_name", "skeleton_of"]


def skeleton_of(names: Sequence[str], given: Skeleton | None, made: str) -> Skeleton:
    """The given skeleton; else the largest built-in one whose joints are all among `names`; else one called `made`.

    The one that is made hangs all joints on the first, and pairs left_x with right_x. Raises InputError where the given
    one has joints that `names` lacks, or two names are the same.
    """
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two body parts are called {twice!r}")
    if not names or "" in names:
        raise InputError("a body part has no name" if names else "there are no body parts")
    if given is not None:
        lacking = [joint for joint in given.joints if joint not in names]
        if lacking:
            raise InputError(f"nothing is called {', '.join(lacking)} as in {given.name!r}; it has {', '.join(names)}")
        return given
    fitting = [skeleton for skeleton in BUILT_IN.values() if set(skeleton.joints) <= set(names)]
    if fitting:
        return max(fitting, key=len)
    lefts = [name for name in names if name.startswith("left_") and f"right_{name[5:]}" in names]
    pairs = tuple((left, f"right_{left[5:]}") for left in lefts)
    return Skeleton(made, tuple(names), (None, *[names[0]] * (len(names) - 1)), pairs)
