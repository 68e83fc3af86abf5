"""A skeleton for joints that a file names: a built-in one where it fits, else one made of the names."""

from collections.abc import Sequence

from flowlift.errors import InputError
from flowlift.joint_names import animal_edges, named_pairs
from flowlift.skeleton import Skeleton, plain_name
from flowlift.skeletons import BUILT_IN

__all__ = ["plain_name", "skeleton_of"]


def joint_name(name: str) -> str:
    """The plain name where a built-in skeleton has a joint called so, which can then be lifted; else the file's own."""
    plain = plain_name(name)
    return plain if any(plain in skeleton.joints for skeleton in BUILT_IN.values()) else name


def skeleton_of(
    names: Sequence[str],
    given: Skeleton | None,
    made: str,
    edges: Sequence[tuple[str, str]] = (),
    pairs: Sequence[tuple[str, str]] = (),
) -> Skeleton:
    """The given skeleton; else the largest built-in one whose joints are all among `names`; else one called `made`.

    The one that is made follows `edges` (parent, child) from the joint that is nobody's child, and hangs what they do
    not reach on that one: without edges those of an animal, if the names are an animal's, else all joints on the first.
    It has `pairs` (left, right), and pairs names that differ in the side only.

    Raises InputError where the given one has joints that `names` lacks, or two names are the same.
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
    return Skeleton(made, tuple(names), _parents(names, edges or animal_edges(names)), _pairs(names, pairs))


def _parents(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> tuple[str | None, ...]:
    """A tree along the edges, in whichever direction; edges that would close a circle are left out."""
    edges = [(one, other) for one, other in edges if one in names and other in names]
    children = {child for _, child in edges}
    root = next((parent for parent, _ in edges if parent not in children), names[0])
    parents, reached = dict.fromkeys(names, root), [root]
    for joint in reached:
        for one, other in edges:
            for near, far in ((one, other), (other, one)):
                if near == joint and far not in reached:
                    parents[far] = near
                    reached.append(far)
    return tuple(None if name == root else parents[name] for name in names)


def _pairs(names: Sequence[str], given: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for left, right in (*given, *named_pairs(names)):
        taken = {name for pair in pairs for name in pair}
        if left != right and {left, right} <= set(names) and not {left, right} & taken:
            pairs.append((left, right))
    return tuple(pairs)
