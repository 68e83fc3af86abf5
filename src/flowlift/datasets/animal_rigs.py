"""Animated animals' rigs: of which nodes the joints of Animal3D are made, rig by rig."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from flowlift.datasets.gltf import Scene

Sum = Mapping[str, float]
"""Node -> weight; the weights of a position sum to 1."""


@dataclass(frozen=True)
class Rig:
    """`joints`: joint of animal3d26 -> nodes; those of the face are missing, they come from the mesh. `head`: the node
    that moves the head; `face`: those whose vertices belong to it. `right`: (left, right) endings of nodes' names.
    """

    name: str
    joints: Mapping[str, Sum]
    head: str
    face: tuple[str, ...]


def _joints(middle: Mapping[str, str], left: Mapping[str, str], sides: tuple[str, str]) -> Mapping[str, Sum]:
    """Joints from lines such as "0.5 A + 0.5 B"; of the left ones the right ones too."""
    told = {joint: _sum(line) for joint, line in middle.items()}
    for joint, line in left.items():
        told[f"left_{joint}"] = _sum(line)
        told[f"right_{joint}"] = {
            node.removesuffix(sides[0]) + sides[1] if node.endswith(sides[0]) else node.replace(*_inner(sides)): weight
            for node, weight in _sum(line).items()
        }
    return MappingProxyType(told)


def _inner(sides: tuple[str, str]) -> tuple[str, str]:
    """The sides inside a name, as in FrontLowerLeg.L_end."""
    return f"{sides[0]}_", f"{sides[1]}_"


def _sum(line: str) -> Sum:
    parts = [part.split() for part in line.split(" + ")]
    return {part[-1]: float(part[0]) if len(part) > 1 else 1.0 for part in parts}


# The foot hangs on a target of its own, which the leg does not always reach: it is put where the leg ends.
_FEET = {
    "front_paw": "FrontLowerLeg.L_end + FF.L + -1 IKFrontLeg.L",
    "back_paw": "BackLowerLeg.L_end + FFB.L + -1 IKBackLeg.L",
}
_BACK = {"back_thigh": "BackUpperLeg.L", "back_knee": "BackLowerLeg.L", "shoulder": "FrontUpperLeg.L"}
# The front legs bend once: with claws at the elbow, with hooves at the carpus. The other joint lies on the bone.
_CLAWED = {"front_thigh": "FrontLowerLeg.L", "front_knee": "0.35 FrontLowerLeg.L + 0.65 FrontLowerLeg.L_end"}
_HOOVED = {"front_thigh": "0.5 FrontUpperLeg.L + 0.5 FrontLowerLeg.L", "front_knee": "FrontLowerLeg.L"}
_EAR = {"ear": "Ear1.L"}
_TAILS = {  # joints of the tail -> its middle
    3: "Tail2",
    6: "Tail4",
    7: "0.5 Tail4 + 0.5 Tail5",
    8: "Tail5",
}


def _quaternius(name: str, *, front: Mapping[str, str], tail: int, ears: bool = True) -> Rig:
    middle = {"tail_base": "Tail1", "tail_mid": _TAILS[tail], "tail_end": f"Tail{tail}_end", "neck": "Neck1"}
    left = {**_FEET, **_BACK, **front, **(_EAR if ears else {})}
    return Rig(name, _joints(middle, left, (".L", ".R")), "Head", ("Head",))


_FOX = Rig(
    "mesh2motion fox",
    _joints(
        {"tail_base": "Tail_Base", "tail_mid": "0.5 Tail_Mid + 0.5 Tail_Mid.001", "tail_end": "Tail_Tip"}
        | {"neck": "Spine_3"},
        {
            "shoulder": "Front_Leg_Upper_L",
            "front_thigh": "0.35 Front_Leg_Upper_L + 0.65 Front_Leg_Lower_L",
            "front_knee": "0.5 Front_Leg_Lower_L + 0.5 Front_Leg_Ankle_L",
            "front_paw": "Front_Leg_Foot_L",
            "back_thigh": "Back_Leg_Lower_L",
            "back_knee": "Back_Leg_Ankle_L",
            "back_paw": "Back_Leg_Foot_1_L",
            "ear": "Ear_L",
        },
        ("_L", "_R"),
    ),
    "Head",
    ("Head", "Nose", "Head.tip", "Chin", "Chin_Tip"),
)
_HORSE = Rig(
    "mesh2motion horse",
    _joints(
        {"tail_base": "tail_1", "tail_mid": "tail_3", "tail_end": "tail_leaf", "neck": "spine_5"},
        {
            "shoulder": "front_humerus_l",
            "front_thigh": "front_leg_upper_l",
            "front_knee": "front_leg_lower_l",
            "front_paw": "0.5 front_leg_foot_l + 0.5 front_leg_leaf_l",
            "back_thigh": "back_leg_lower_l",
            "back_knee": "back_leg_ankle_l",
            "back_paw": "0.5 back_leg_toe_l + 0.5 back_leg_leaf_l",
            "ear": "ear_1_l",
        },
        ("_l", "_r"),
    ),
    "head",
    ("head", "nose", "head_leaf", "mouth", "mouth_tip"),
)


def rig_of(scene: Scene, file: str) -> Rig | None:
    """The rig of a file, by its nodes; None for another program's."""
    nodes = set(scene.nodes)
    for rig in (_FOX, _HORSE):
        if all(node in nodes for rule in rig.joints.values() for node in rule):
            return rig
    tail = max((number for number in _TAILS if f"Tail{number}_end" in nodes), default=0)
    if not tail:
        return None
    # Where the front leg bends: an elbow is behind the shoulder, a carpus below it or before.
    height = dict(zip(scene.nodes, scene.at_rest()[:, 1, 3], strict=True))
    bend = (height["FrontLowerLeg.L"] - height["FF.L"]) / (height["FrontUpperLeg.L"] - height["FF.L"])
    front = _CLAWED if bend > 0.65 else _HOOVED
    return _quaternius(f"quaternius {file}", front=front, tail=tail, ears="Ear1.L" in nodes)
