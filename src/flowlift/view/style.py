"""What the views agree on: sides of bones, colours, how large an uncertainty counts as large."""

import math

from flowlift.skeleton import Skeleton

Color = tuple[int, int, int]

LEFT: Color = (43, 123, 186)
RIGHT: Color = (217, 98, 43)
CENTRE: Color = (110, 116, 124)
SIDES = {"left": LEFT, "right": RIGHT, "centre": CENTRE}

PEOPLE: tuple[Color, ...] = (
    (132, 88, 201),
    (31, 158, 116),
    (194, 65, 124),
    (176, 137, 0),
    (61, 127, 191),
    (204, 90, 42),
)

# Small, middling, large uncertainty: told apart with any colour vision, on light and on dark.
HEAT: tuple[Color, Color, Color] = ((20, 160, 140), (232, 176, 48), (200, 30, 110))


def joint_sides(skeleton: Skeleton) -> tuple[str, ...]:
    """'left', 'right' (the subject's own) or 'centre' for each joint."""
    side = {joint: "left" for joint, _ in skeleton.pairs} | {joint: "right" for _, joint in skeleton.pairs}
    return tuple(side.get(joint, "centre") for joint in skeleton.joints)


def bone_sides(skeleton: Skeleton) -> tuple[str, ...]:
    """The side of each of `skeleton.bones`: that of its far joint."""
    sides = joint_sides(skeleton)
    return tuple(sides[child] for _, child in skeleton.bones)


def round_number(value: float) -> float:
    """The nearest of 1, 2, 5, 10 times a power of ten.

    >>> round_number(0.094), round_number(0.51), round_number(1800.0)
    (0.1, 0.5, 2000.0)
    """
    power = 10.0 ** math.floor(math.log10(value))
    return float(f"{min((1, 2, 5, 10), key=lambda digit: abs(digit - value / power)) * power:.3g}")


def large_deviation(size: float) -> float:
    """The standard deviation (metres) that is drawn as large, for a body of `size` metres: 0.1 m for an adult."""
    return round_number(size / 18)


def heat(deviation: float, large: float) -> Color:
    """The colour of a standard deviation; `large` and beyond get the last one."""
    place = 2 * min(max(deviation / large, 0.0), 1.0)
    low, high = (HEAT[0], HEAT[1]) if place < 1 else (HEAT[1], HEAT[2])
    part = place if place < 1 else place - 1
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(low, high, strict=True))
    return red, green, blue
