"""A skeleton in words: its tree, and a template of one's own."""

from flowlift.skeleton import MIN_JOINTS, Skeleton, plain_name
from flowlift.skeletons import BUILT_IN

TEMPLATE = """\
# A skeleton: joints, the bones between them, and what is left and right. `flowlift skeleton check` tells what is wrong.
name = "mouse"

# Joints that mirror each other: left first. The animal's own left and right.
pairs = [
    ["left_ear", "right_ear"],
    ["left_front_paw", "right_front_paw"],
    ["left_hip", "right_hip"],
    ["left_back_paw", "right_back_paw"],
]

# The joints along which a body's length is measured: results are in that length, or in metres where you tell it.
# Leave it out for the longest path of bones between two joints that stand in no pair.
size = ["nose", "neck", "tail_base"]

# Every joint, and the joint that it hangs on; the root hangs on nothing. Named as in your recordings, whatever the
# case, spaces and underscores. The joints' order is the order in results.
[parents]
tail_base = ""
neck = "tail_base"
nose = "neck"
left_ear = "neck"
right_ear = "neck"
left_front_paw = "neck"
right_front_paw = "neck"
left_hip = "tail_base"
right_hip = "tail_base"
left_back_paw = "left_hip"
right_back_paw = "right_hip"
tail_tip = "tail_base"
"""


def in_words(skeleton: Skeleton) -> list[str]:
    """Its tree, a line a joint; pairs, joints in the middle, and what a length means."""
    pairs = [f"{left} | {right}" for left, right in skeleton.pairs]
    paired = {joint for pair in skeleton.pairs for joint in pair}
    alone = [joint for joint in skeleton.joints if joint not in paired]
    size = " - ".join(skeleton.size_chain)
    return [
        f"{skeleton.name}: {len(skeleton)} joints",
        *_tree(skeleton),
        f"left | right: {', '.join(pairs) or 'none'}",
        f"in no pair: {', '.join(alone) or 'none'}",
        f"a body's length: {size}" + ("" if skeleton.size else " (size is not given: the longest path in the middle)"),
    ]


def _tree(skeleton: Skeleton) -> list[str]:
    lines, waiting = [], [(skeleton.root, "", "")]
    while waiting:
        joint, before, below = waiting.pop()
        lines.append(f"{before}{skeleton.joints[joint]}")
        children = skeleton.children[joint]
        for child in reversed(children):
            last = child == children[-1]
            waiting.append((child, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  ")))
    return lines


def doubts(skeleton: Skeleton) -> list[str]:
    """What is allowed, and is likely a slip: too few joints for a pose, a side without its other side, a left that
    stands on the right."""
    paired = {joint: other for pair in skeleton.pairs for joint, other in (pair, pair[::-1])}
    lines = []
    if len(skeleton) < MIN_JOINTS:
        lines.append(
            f"{skeleton.name} has {len(skeleton)} joints; a pose needs {MIN_JOINTS}: nothing can be trained on it"
        )
    if skeleton.name in BUILT_IN and BUILT_IN[skeleton.name] != skeleton:
        lines.append(f"{skeleton.name} is the name of a built-in skeleton, and this is another one")
    called: dict[str, str] = {}
    for joint in skeleton.joints:
        other = called.setdefault(plain_name(joint), joint)
        if other != joint:
            lines.append(f"{other} and {joint} are the same name: case, spaces and signs do not count")
        sides = [side for side in ("left", "right") if side in joint.lower()]
        if sides and joint not in paired:
            lines.append(f"{joint} stands in no pair: nothing tells that it has another side")
    for left, right in skeleton.pairs:
        if "right" in left.lower() or "left" in right.lower():
            lines.append(f"the pair {left} | {right} names the right side first")
        above = [skeleton.parents[skeleton.index(joint)] for joint in (left, right)]
        if paired.get(above[0] or "", above[0]) != above[1]:
            lines.append(f"{left} hangs on {above[0]}, {right} on {above[1]}: these are not each other's other side")
    return lines
