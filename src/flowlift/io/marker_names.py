"""Joints under the names that markers have in Pose2Sim's OpenSim models: `left_big_toe` is LBigToe."""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from flowlift.skeletons import BUILT_IN

_SIDES = {"left": "L", "right": "R"}


def marker_names(joints: Sequence[str]) -> tuple[str, ...]:
    """A marker's name for each joint: no spaces, no underscores, a letter for the side; as given where two would meet.

    >>> marker_names(("hip", "left_big_toe", "right_wrist", "RKnee"))
    ('Hip', 'LBigToe', 'RWrist', 'RKnee')
    """
    names = tuple(_marker_name(joint) for joint in joints)
    return names if len(set(names)) == len(names) and all(names) else tuple("_".join(joint.split()) for joint in joints)


def joint_names(markers: Sequence[str]) -> tuple[str, ...]:
    """The built-in skeletons' names for markers that are called after their joints; other markers keep their names."""
    known = _joints()
    return tuple(known.get(marker, marker) for marker in markers)


def _marker_name(joint: str) -> str:
    first, *words = re.split(r"[\s_-]+", joint.strip())
    if words and first.lower() in _SIDES:
        first = _SIDES[first.lower()]
    return "".join(word[:1].upper() + word[1:] for word in (first, *words))


@cache
def _joints() -> Mapping[str, str]:
    return {_marker_name(joint): joint for skeleton in BUILT_IN.values() for joint in skeleton.joints}
