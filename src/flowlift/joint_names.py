"""Joints found by their names: which joints of a file, however they are called, a skeleton's are."""

from collections.abc import Sequence

from flowlift.animal_rules import ANIMAL_NAMES, Sum
from flowlift.animal_skeletons import ANIMAL3D26
from flowlift.joint_words import Words, how_plain, words_of
from flowlift.skeleton import Skeleton, plain_name
from flowlift.skeletons import BUILT_IN

LEAST = 6
"""With fewer joints in common two skeletons are not of the same kind of body."""
_HUMAN_NAMES = {
    "hip": (("hip", "mid"), ("pelvis",)),
    "left_wrist": (("left", "carpus"), ("left", "hand")),
    "right_wrist": (("right", "carpus"), ("right", "hand")),
    "left_ankle": (("left", "hock"), ("left", "paw")),
    "right_ankle": (("right", "hock"), ("right", "paw")),
}
_MEAN_OTHER_PLACES = {"neck", "head"}
"""Joints of a person that are never found by name: they mean another place in every built-in skeleton."""


def joints_by_name(names: Sequence[str], target: Skeleton) -> dict[str, Sum]:
    """Target joint -> weights of the named joints that it is made of, for those that can be found.

    Of names that mean the same the target's own counts, else the plainest (`how_plain`), else the first. A name is the
    joint of one target joint only, but may enter means.
    """
    own = {plain_name(joint) for joint in target.joints}
    by_words: dict[Words, str] = {}
    for name in sorted(names, key=lambda name: (plain_name(name) not in own, how_plain(name))):
        by_words.setdefault(words_of(name), name)
    found: dict[str, Sum] = {}
    taken: set[str] = set()
    for joint, ways in _ways(target).items():
        for way in ways:
            parts = [by_words[words] for words in way if words in by_words]
            if len(parts) < len(way) or (len(parts) == 1 and parts[0] in taken):
                continue
            found[joint] = {name: 1 / len(parts) for name in parts}
            taken.update(parts if len(parts) == 1 else ())
            break
    return {joint: found[joint] for joint in target.joints if joint in found}


def _ways(target: Skeleton) -> dict[str, tuple[tuple[Words, ...], ...]]:
    """Each target joint's possible origins, the best first."""
    if target == ANIMAL3D26:
        return ANIMAL_NAMES
    own: dict[str, tuple[tuple[Words, ...], ...]] = {joint: ((words_of(joint),),) for joint in target.joints}
    if target.name in BUILT_IN:
        own = {joint: ways for joint, ways in own.items() if joint not in _MEAN_OTHER_PLACES}
    if target.name != "human36m17":
        return own
    more = {joint: tuple((frozenset(words),) for words in ways) for joint, ways in _HUMAN_NAMES.items()}
    return {joint: (*ways, *more.get(joint, ())) for joint, ways in own.items()}


def animal_edges(names: Sequence[str]) -> list[tuple[str, str]]:
    """(parent, child) pairs of names that are an animal's joints, as animal3d26 links them; none for too few of them.

    A joint that is not among them is stepped over.
    """
    named = {joint: next(iter(rule)) for joint, rule in joints_by_name(names, ANIMAL3D26).items() if len(rule) == 1}
    if len(named) < LEAST:
        return []
    edges = []
    for joint in named:
        above = ANIMAL3D26.parents[ANIMAL3D26.index(joint)]
        while above is not None and above not in named:
            above = ANIMAL3D26.parents[ANIMAL3D26.index(above)]
        if above is not None:
            edges.append((named[above], named[joint]))
    return edges


def named_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """(left, right) pairs of names that say the same but for the side."""
    right = {words_of(name): name for name in reversed(names) if "right" in words_of(name)}
    lefts = ((name, words_of(name)) for name in names if "left" in words_of(name))
    return [(name, right[other]) for name, words in lefts if (other := words - {"left"} | {"right"}) in right]
