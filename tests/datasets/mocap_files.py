"""Small BVH, ASF and AMC files that hold one stiff body, for the tests of what reads them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from flowlift.demo import walk
from flowlift.skeletons import HUMAN36M17

BODY = np.asarray(walk(np.zeros(1)), dtype=np.float64)[0]
"""(17, 3) m, Y up."""
UP = np.array([0.0, 1, 0])
ASF_UNIT = 0.0254 / 0.45

_BONES = {  # bone: its parent, and the joint at its end
    "rhipjoint": ("root", "right_hip"),
    "rfemur": ("rhipjoint", "right_knee"),
    "rtibia": ("rfemur", "right_ankle"),
    "lhipjoint": ("root", "left_hip"),
    "lfemur": ("lhipjoint", "left_knee"),
    "ltibia": ("lfemur", "left_ankle"),
    "lowerback": ("root", "spine"),
    "lowerneck": ("lowerback", "thorax"),
    "upperneck": ("lowerneck", "nose"),
    "head": ("upperneck", "head"),
    "lclavicle": ("lowerneck", "left_shoulder"),
    "lhumerus": ("lclavicle", "left_elbow"),
    "lradius": ("lhumerus", "left_wrist"),
    "rclavicle": ("lowerneck", "right_shoulder"),
    "rhumerus": ("rclavicle", "right_elbow"),
    "rradius": ("rhumerus", "right_wrist"),
    "ltoes": ("ltibia", ""),
    "rtoes": ("rtibia", ""),
}
_DOWN = np.array([0, -0.1, 0])
"""From the ankles to the toes, m."""


def write_bvh(path: Path, rig: Mapping[str, str], metres: float, heights: list[float], *, fps: float = 120.0) -> Path:
    """The body on the joints of a rig, in units of `metres`; in frame i lifted by `heights[i]` m."""
    place = {rule.split()[0]: joint for joint, rule in rig.items() if joint != "hip" and "->" not in rule}
    lines = ["HIERARCHY", "ROOT Reference", "{", "OFFSET 0 0 0", "CHANNELS 3 Xposition Yposition Zposition"]
    for name, joint in place.items():
        if not name.endswith(".end"):
            lines += [f"JOINT {name}", "{", _offset(BODY[HUMAN36M17.index(joint)] / metres), "CHANNELS 0"]
            if f"{name}.end" in place:
                top = BODY[HUMAN36M17.index(place[f"{name}.end"])] - BODY[HUMAN36M17.index(joint)]
                lines += ["End Site", "{", _offset(top / metres), "}"]
            lines += ["}"]
    lines += ["}", "MOTION", f"Frames: {len(heights)}", f"Frame Time: {1 / fps:.8f}"]
    path.write_text("\n".join([*lines, *(f"0 {height / metres:.6f} 0" for height in heights)]) + "\n")
    return path


def _offset(vector: np.ndarray) -> str:
    return "OFFSET " + " ".join(f"{value:.6f}" for value in vector)


def write_asf(path: Path) -> Path:
    """The body's bones at rest, its root at the hip, toes 10 cm below the ankles."""
    hip = BODY[HUMAN36M17.index("hip")]
    ends = {"root": hip} | {bone: BODY[HUMAN36M17.index(joint)] for bone, (_, joint) in _BONES.items() if joint}
    ends |= {f"{side}toes": ends[f"{side}tibia"] + _DOWN for side in "lr"}
    lines = [":units", "length 0.45", "angle deg", ":root", "order TX TY TZ RX RY RZ", "axis XYZ"]
    lines += ["position 0 0 0", "orientation 0 0 0", ":bonedata"]
    for bone, (parent, _) in _BONES.items():
        vector = " ".join(f"{value:.6f}" for value in (ends[bone] - ends[parent]) / ASF_UNIT)
        lines += ["begin", f"name {bone}", f"direction {vector}", "length 1", "axis 0 0 0 XYZ", "end"]
    children = {parent: " ".join(b for b, (p, _) in _BONES.items() if p == parent) for parent, _ in _BONES.values()}
    lines += [":hierarchy", "begin", *(f"{parent} {names}" for parent, names in children.items()), "end"]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_amc(path: Path, heights: list[float]) -> Path:
    """A trial of that skeleton; in frame i the body is lifted by `heights[i]` m."""
    hip = BODY[HUMAN36M17.index("hip")]
    lines = [":FULLY-SPECIFIED", ":DEGREES"]
    for frame, height in enumerate(heights, 1):
        x, y, z = (hip + height * UP) / ASF_UNIT
        lines += [str(frame), f"root {x:.6f} {y:.6f} {z:.6f} 0 0 0"]
    path.write_text("\n".join(lines) + "\n")
    return path
