"""Which joints of other four-legged skeletons the 26 of Animal3D are, and by what names people call them."""

from collections.abc import Iterator, Mapping

Sum = Mapping[str, float]
"""Source joint -> weight; the weights of a position sum to 1."""


def _both_sides(rules: Mapping[str, Sum]) -> dict[str, Sum]:
    """Rules for the left, and the same for the right."""
    right = {
        joint.replace("left", "right"): {name.replace("left", "right"): weight for name, weight in rule.items()}
        for joint, rule in rules.items()
        if "left" in joint
    }
    return {**rules, **right}


_TO_ANIMAL3D: Mapping[str, Mapping[str, Sum]] = {
    # As the method's authors feed their networks (golden values hold it).
    "superanimal_quadruped39": {
        "mouth_mid": {"mouth_end_left": 0.5, "mouth_end_right": 0.5},
        "left_front_paw": {"front_left_paw": 1.0},
        "left_back_paw": {"back_left_paw": 1.0},
        "left_front_thigh": {"front_left_thai": 1.0},
        "left_back_thigh": {"back_left_thai": 1.0},
        "left_shoulder": {"back_base": 0.5, "front_left_thai": 0.5},
        "left_front_knee": {"front_left_knee": 1.0},
        "left_back_knee": {"back_left_knee": 1.0},
        "neck": {"neck_base": 1.0},
        "left_ear": {"left_earbase": 1.0},
        "left_mouth_corner": {"mouth_end_left": 1.0},
        "tail_mid": {"tail_base": 0.5, "tail_end": 0.5},
    },
    # AP-10K's and AnimalPose's joints as SuperAnimal's own training took them, and from there as above. AP-10K's elbow
    # stood for none.
    "ap10k17": {
        "neck": {"neck": 1.0},
        "tail_base": {"root_of_tail": 1.0},
        "left_front_thigh": {"left_shoulder": 1.0},
        "left_back_thigh": {"left_hip": 1.0},
        "left_back_knee": {"left_knee": 1.0},
        "left_shoulder": {},
    },
    "animalpose20": {
        "left_ear": {"left_ear_base": 1.0},
        "left_front_thigh": {"left_front_elbow": 1.0},
        "left_back_thigh": {"left_back_elbow": 1.0},
        "left_shoulder": {"withers": 0.5, "left_front_elbow": 0.5},
    },
}
ANIMAL_RULES = {(source, "animal3d26"): _both_sides(rules) for source, rules in _TO_ANIMAL3D.items()}
"""(source, target) -> target joint -> what it is made of; {}: nothing, although a joint has the name."""

_NAMES = {
    "nose": "nose, nose end",
    "left_eye": "left eye",
    "left_ear": "left ear base, left ear, left ear end",
    "left_mouth_corner": "left mouth corner, left mouth, left mouth end",
    "mouth_mid": "mouth mid, mouth, left mouth corner + right mouth corner, left mouth end + right mouth end, jaw",
    "neck": "neck base, neck, neck mid",
    "tail_base": "tail base",
    "tail_end": "tail end",
    "tail_mid": "tail mid, tail base + tail end",
    "left_front_paw": "left front paw, left front paw end, left hand",
    "left_back_paw": "left back paw, left back paw end",
    "left_front_knee": "left front knee, left carpus, left front carpus",
    "left_back_knee": "left back hock, left hock, left back knee, left knee",
    "left_front_thigh": "left front thigh, left front elbow, left elbow",
    "left_back_thigh": "left back thigh, left stifle, left back stifle, left back elbow, left back knee, left knee, "
    "left hip, left back hip",
    "left_shoulder": "left shoulder, left front shoulder, withers + left front elbow, withers + left elbow, "
    "withers + left front thigh, back base + left front thigh",
}


def _alternatives() -> Iterator[tuple[str, tuple[tuple[frozenset[str], ...], ...]]]:
    for joint, names in _NAMES.items():
        for side in ("left", "right") if "left" in joint else ("",):
            other = {"left": "right", "right": "left"}.get(side, "")
            told = names if side != "right" else names.replace("left", "*").replace("right", other).replace("*", side)
            ways = tuple(tuple(frozenset(part.split()) for part in way.split(" + ")) for way in told.split(", "))
            yield joint.replace("left", side) if side else joint, ways


ANIMAL_NAMES = dict(_alternatives())
"""Joint of animal3d26 -> the ways to make it of joints with such words in their names, the best first; each way is the
mean of one or more. In an order in which a joint takes no name that one before it wants more: where there is a hock, it
is the back knee, and the knee is the stifle."""
