"""Joints found by their names: which joints of a file, however they are called, a skeleton's are."""

from collections.abc import Sequence

from flowlift.animal_rules import ANIMAL_NAMES, Sum
from flowlift.joint_words import Words, words_of
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BUILT_IN

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

    Of two names that mean the same the first counts. A name is the joint of one target joint only, but may enter means.
    """
    by_words: dict[Words, str] = {}
    for name in names:
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
    if target.name == "animal3d26":
        return ANIMAL_NAMES
    own: dict[str, tuple[tuple[Words, ...], ...]] = {joint: ((words_of(joint),),) for joint in target.joints}
    if target.name in BUILT_IN:
        own = {joint: ways for joint, ways in own.items() if joint not in _MEAN_OTHER_PLACES}
    if target.name != "human36m17":
        return own
    more = {joint: tuple((frozenset(words),) for words in ways) for joint, ways in _HUMAN_NAMES.items()}
    return {joint: (*ways, *more.get(joint, ())) for joint, ways in own.items()}
