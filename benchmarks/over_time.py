"""What smoothing a clip is worth, on the Pose2Sim clip and on HDM05. Writes docs/results/over-time.json.

python benchmarks/over_time.py POSE2SIM HDM05 [--model human] [--every 4]
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pages import as_markdown, save_result

from flowlift import Camera, Keypoints2D, Lifter, Poses3D
from flowlift.datasets.hdm05 import read_captures
from flowlift.datasets.views import VARIATIONS, view
from flowlift.evaluation.metrics import p_mpjpe_per_pose
from flowlift.evaluation.motion import acceleration_error, bone_lengths, jitter
from flowlift.evaluation.pose2sim import Given, limbs_of, openpose_keypoints, read_shots

SMOOTH = ("off", "auto")


@dataclass(frozen=True, eq=False)
class Clip:
    """What was seen, and the truth (frame, J, 3) of the joints that are compared, in m; the hip's place (frame, 3)."""

    of: str
    keypoints: Keypoints2D
    camera: Camera
    truth: np.ndarray
    place: np.ndarray
    limbs: bool

    def compared(self, poses: Poses3D) -> np.ndarray:
        return limbs_of(poses.xyz[:, 0], poses.skeleton) if self.limbs else poses.xyz[:, 0]


def pose2sim_clips(folder: Path) -> Iterator[Clip]:
    for shot in read_shots(folder):
        keypoints = openpose_keypoints(shot)
        camera = shot.camera(Given.INTRINSICS, keypoints)
        yield Clip("Pose2Sim, OpenPose", keypoints, camera, shot.truth, shot.place, limbs=True)


def hdm05_clips(source: Path, every: int) -> Iterator[Clip]:
    captures = read_captures(source, stride=4)[::every]  # 30 frames a second
    for name in ("exact", "noise", "missing"):
        for i, capture in enumerate(captures):
            seen = view(capture, VARIATIONS[name], np.random.default_rng([0, i]))
            yield Clip(f"HDM05, {name}", seen.keypoints, seen.camera.without_pose, seen.truth, seen.root, limbs=False)


def figures(clip: Clip, poses: Poses3D) -> tuple[float, float, float, float, int]:
    """P-MPJPE and acceleration error (mm, mm/frame^2), spread of bone lengths over the clip and distance between the
    hip's found and true place, both relative, and how many frames count."""
    known = np.isfinite(clip.truth).all(axis=(1, 2))
    found, truth = clip.compared(poses)[: len(known)][known].astype(np.float64), clip.truth[known].astype(np.float64)
    lengths = bone_lengths(poses.xyz[:, 0].astype(np.float64), poses.skeleton)
    hips = poses.root[:, 0][: len(known)][known]
    off = np.linalg.norm(hips - clip.place[known], axis=-1) / np.linalg.norm(clip.place[known], axis=-1)
    spread = np.nanmean(np.nanstd(lengths, axis=0) / np.nanmean(lengths, axis=0))
    there = np.isfinite(found).all(axis=(1, 2))
    p_mpjpe = p_mpjpe_per_pose(found[there], truth[there]).mean()
    jolt = acceleration_error(found[there], truth[there])
    return 1000 * float(p_mpjpe), 1000 * float(jolt), float(spread), float(np.nanmean(off)), int(known.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pose2sim", type=Path, help="the folder of the balancing clip")
    parser.add_argument("hdm05", type=Path, help="the archive of HDM05, or what it unpacks to")
    parser.add_argument("--model", default="human", help="a packaged model or a model's folder")
    parser.add_argument("--every", type=int, default=4, help="every Nth clip of HDM05 only")
    options = parser.parse_args()
    lifter = Lifter.load(options.model)
    measured: dict[tuple[str, str], list[tuple[float, float, float, float, int]]] = {}
    for clip in (*pose2sim_clips(options.pose2sim), *hdm05_clips(options.hdm05, options.every)):
        for smooth in SMOOTH:
            poses = lifter(clip.keypoints, camera=clip.camera, smooth=smooth)
            measured.setdefault((clip.of, smooth), []).append(figures(clip, poses))
    truths = [shot.truth[np.isfinite(shot.truth).all(axis=(1, 2))] for shot in read_shots(options.pose2sim)]
    unsteady = 1000 * float(np.mean([jitter(truth.astype(np.float64)) for truth in truths]))
    rows = []
    for (of, smooth), values in measured.items():
        mean = np.average([value[:4] for value in values], axis=0, weights=[value[4] for value in values])
        frames = sum(value[4] for value in values)
        rows.append(
            [
                of,
                smooth,
                len(values),
                frames,
                f"{mean[0]:.1f}",
                f"{mean[1]:.1f}",
                f"{100 * mean[2]:.2f} %",
                f"{100 * mean[3]:.1f} %",
            ]
        )
    result = {
        "columns": [
            *("2D", "--smooth", "clips", "frames", "P-MPJPE mm", "acceleration error mm/frame²"),
            *("bones' spread over a clip", "hip's place off by, of its distance"),
        ],
        "rows": rows,
        "notes": [
            "Pose2Sim's balancing clip: cameras 1, 2, 4, 12 limb joints, 60 frames/s; the triangulated reference is "
            f"itself unsteady by {unsteady:.1f} mm/frame², so that much stays of a perfectly steady answer's error. "
            f"HDM05: actors bd, bk, dg, every {options.every}th clip at 30 frames/s, virtual cameras as in the model "
            "card's tables, 17 joints; exact 2D, with Gaussian noise of 1 % of the body's height, or 4 random joints "
            "missing in each frame. Intrinsics given, root solved, height not told, 20 hypotheses, 3 steps, seed 0."
        ],
    }
    save_result("over-time", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main()
