"""BVH files in which a body moves: every joint hangs at the root and has its own path."""

import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from flowlift.datasets.mocap import GENERIC_RIG, ICLONE_RIG, SUBJECT_RIG
from flowlift.demo import walk
from flowlift.skeletons import HUMAN36M17

from .mocap_files import write_amc, write_asf


def walking(frames: int, *, fps: float = 120.0, start: float = 0.0) -> np.ndarray:
    """(frame, 17, 3) m, Y up."""
    return np.asarray(walk(start + np.arange(frames) / fps), dtype=np.float64)


def t_pose() -> np.ndarray:
    """(17, 3) m: the body of the walk, its legs straight down and its arms straight out."""
    pose = walking(1)[0]
    place = {joint: pose[i] for i, joint in enumerate(HUMAN36M17.joints)}
    across = place["left_shoulder"] - place["right_shoulder"]
    across /= np.linalg.norm(across)
    for side, out in (("left", across), ("right", -across)):
        for chain, line in ((("shoulder", "elbow", "wrist"), out), (("hip", "knee", "ankle"), np.array([0, -1.0, 0]))):
            first, middle, last = (f"{side}_{joint}" for joint in chain)
            upper, lower = np.linalg.norm(place[middle] - place[first]), np.linalg.norm(place[last] - place[middle])
            place[middle] = place[first] + upper * line
            place[last] = place[middle] + lower * line
    return np.stack([place[joint] for joint in HUMAN36M17.joints])


def write_moving_bvh(path: Path, rig: Mapping[str, str], xyz: np.ndarray, *, fps: float = 120.0) -> Path:
    """A motion (frame, 17, 3) on the joints of a rig; a free end stands still above its joint."""
    place = {rule: joint for joint, rule in rig.items() if joint != "hip" and "->" not in rule}
    lines = ["HIERARCHY", "ROOT Reference", "{", "OFFSET 0 0 0", "CHANNELS 0"]
    told = []
    for name, joint in place.items():
        if name.endswith(".end"):
            continue
        told.append(HUMAN36M17.index(joint))
        lines += [f"JOINT {name}", "{", "OFFSET 0 0 0", "CHANNELS 3 Xposition Yposition Zposition"]
        if f"{name}.end" in place:
            lines += ["End Site", "{", "OFFSET 0 0.1 0", "}"]
        lines += ["}"]
    lines += ["}", "MOTION", f"Frames: {len(xyz)}", f"Frame Time: {1 / fps:.8f}"]
    rows = xyz[:, told].reshape(len(xyz), -1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, *(" ".join(f"{value:.6f}" for value in row) for row in rows)]) + "\n")
    return path


def write_captures(folder: Path) -> Path:
    """A small folder with every conversion: 2 subjects (one is held out), a dance, 2 iClone files of which one repeats
    a subject's trial, a native trial, and what is left out on purpose."""
    t_pose_first = np.concatenate([t_pose()[None], np.repeat(walking(1), 3, axis=0), walking(237)])
    write_moving_bvh(folder / "cmu/subjects/02_01.bvh", SUBJECT_RIG, t_pose_first)
    write_moving_bvh(folder / "cmu/subjects/49_01.bvh", SUBJECT_RIG, walking(120, start=0.3))
    write_moving_bvh(folder / "cmu/dances/salsa/01.bvh", GENERIC_RIG, walking(60, start=0.5))
    write_moving_bvh(folder / "cmu/iclone/002_01.bvh", ICLONE_RIG, 100 * walking(60, fps=60), fps=60)
    write_moving_bvh(folder / "cmu/iclone/003_02.bvh", ICLONE_RIG, 100 * walking(60, fps=60, start=0.2), fps=60)
    (folder / "cmu/misc").mkdir()
    write_asf(folder / "cmu/misc/01.asf")
    write_amc(folder / "cmu/misc/01_01.amc", [0.0] * 12)
    np.savez(folder / "cmu_actions_h36m17_30fps.npz", clip=walking(3))
    return folder


def archived(folder: Path, archive: Path) -> Path:
    """The folder's content as .tar.xz."""
    with tarfile.open(archive, "w:xz") as packed:
        for path in sorted(folder.iterdir()):
            packed.add(path, arcname=path.name)
    return archive
