"""What mending exchanged sides does to real and to synthetic keypoints. Writes docs/results/swaps.json.

python benchmarks/swaps.py POSE2SIM HDM05

Mended as `flowlift lift` does, the intrinsics given. Pose2Sim's clip: keypoints by OpenPose and MediaPipe; in how many
frames arms or legs are nearer to the other side of the checked keypoints. HDM05: every second clip seen by a virtual
camera, noise of 0.5 % of the body's height, as it is and with exchanges put in (whole body, arms or legs, for a frame
to 0.8 s).
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pages import as_markdown, save_result

from flowlift.containers import Keypoints2D
from flowlift.datasets.hdm05 import read_captures
from flowlift.datasets.views import Capture, Variation, view
from flowlift.evaluation.pose2sim import LIMBS, Given, Shot, detected_keypoints, openpose_keypoints, read_shots
from flowlift.lifter import Lifter
from flowlift.lifting.mending import mended_sides
from flowlift.limbs import limbs
from flowlift.swaps import exchange

LEGS = [joint for joint in LIMBS if joint.split("_")[1] in ("hip", "knee", "ankle")]
ARMS = [joint for joint in LIMBS if joint not in LEGS]
NOISE = 0.005


def exchanged_frames(keypoints: Keypoints2D, shot: Shot, joints: Sequence[str]) -> int:
    """In how many frames joints are nearer to where their twins are."""
    twins = [
        joint.replace("left", "right") if joint.startswith("left") else joint.replace("right", "left")
        for joint in joints
    ]
    frames = min(len(keypoints), len(shot.subject))
    here = keypoints.xy[:frames, 0][:, keypoints.skeleton.indices(joints)]
    own, other = (shot.subject.xy[:frames, 0][:, shot.subject.skeleton.indices(each)] for each in (joints, twins))
    near, far = (np.nansum(np.linalg.norm(here - each, axis=-1), axis=1) for each in (own, other))
    return int((near > far).sum())


def on_a_real_clip(folder: Path, lifter: Lifter) -> list[list[object]]:
    rows = []
    for shot in read_shots(folder):
        for source, keypoints in (("OpenPose", openpose_keypoints(shot)), ("MediaPipe", detected_keypoints(shot))):
            mended = mended_sides(keypoints, lifter, shot.camera(Given.INTRINSICS, keypoints))
            wrong = [
                " → ".join(str(exchanged_frames(each, shot, joints)) for each in (keypoints, mended.keypoints))
                for joints in (ARMS, LEGS)
            ]
            rows.append(
                [f"Pose2Sim, camera {shot.number}, {source}", len(keypoints), int(mended.frames[0]), *wrong, "-"]
            )
    return rows


def mistakes(keypoints: Keypoints2D, seed: int) -> np.ndarray:
    """Where (frame, person, joint) sides are to be exchanged."""
    random, times, parts = np.random.default_rng(seed), keypoints.frame_times, limbs(keypoints.skeleton)
    where = np.zeros(keypoints.score.shape, dtype=bool)
    start = random.uniform(0.1, 1.0)
    while start < times[-1]:
        stop = start + random.choice([0.02, 0.1, 0.3, 0.8])
        joints = [[joint for part in parts for joint in part], *parts][random.integers(1 + len(parts))]
        where[np.ix_((times >= start) & (times < stop), [True], joints)] = True
        start = stop + random.uniform(0.4, 2.0)
    return where


def on_captures(captures: Sequence[Capture], lifter: Lifter) -> list[list[object]]:
    rows = []
    for skip in (1, 2):
        frames, touched, before, after = 0, 0, 0, 0
        for number, capture in enumerate(captures):
            slower = replace(capture, xyz=capture.xyz[::skip], fps=capture.fps / skip)
            seen = view(slower, Variation(noise=NOISE), np.random.default_rng([0, number]))
            clean = seen.keypoints
            frames += len(clean)
            touched += int(mended_sides(clean, lifter, seen.camera).frames[0])
            where = mistakes(clean, number)
            wrong = exchange(clean, where)
            mended = mended_sides(wrong, lifter, seen.camera)
            for each, count in ((wrong, "before"), (mended.keypoints, "after")):
                right = int(((each.xy == clean.xy) | np.isnan(clean.xy)).all(axis=(1, 2, 3)).sum())
                before, after = (before + right, after) if count == "before" else (before, after + right)
        shares = f"{100 * before / frames:.1f} → {100 * after / frames:.1f} %"
        rows.append([f"HDM05, {captures[0].fps / skip:g} fps", frames, touched, "-", "-", shares])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pose2sim", type=Path, help="folder of the Pose2Sim clip")
    parser.add_argument("hdm05", type=Path, help="HDM05's archive or folder")
    options = parser.parse_args()
    lifter = Lifter.load("human")
    captures = read_captures(options.hdm05, stride=4)[::2]
    result = {
        "columns": [
            "keypoints",
            "frames",
            "changed as they are",
            "arms on the wrong side",
            "legs on the wrong side",
            "frames right, exchanges put in",
        ],
        "rows": [*on_a_real_clip(options.pose2sim, lifter), *on_captures(captures, lifter)],
        "notes": [
            f"Before → after mending, by `human`. HDM05: {len(captures)} clips, virtual cameras, seed 0, noise of "
            f"{100 * NOISE:g} % of the body's height; whole body, arms or legs exchanged for a frame to 0.8 s. By "
            "`benchmarks/swaps.py`."
        ],
    }
    save_result("swaps", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main()
