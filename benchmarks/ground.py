"""How well the ground is found and feet are held, on walking captures. Writes docs/results/ground.json.

python benchmarks/ground.py HDM05 [--clips 12] [--stride 4]

HDM05's jogging and sneaking clips (archive or folder), each seen by a virtual camera as in the evaluation, keypoints
with noise of 0.5 % of the body's height, intrinsics and height given, lifted with the packaged model's defaults. The
true vertical is the capture's; a foot truly stands where its ankle is slower than 0.25 m/s and within 5 cm of its
lowest.
"""

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pages import as_markdown, save_result

from flowlift.containers import Poses3D
from flowlift.datasets.hdm05 import read_captures
from flowlift.datasets.views import Capture, Variation, View, view
from flowlift.footing import stand_on_ground
from flowlift.lifter import Lifter
from flowlift.skeletons import HUMAN36M17

ACTIONS = ("jog", "sneak")
NOISE = 0.005
ANKLES = HUMAN36M17.indices(["left_ankle", "right_ankle"])


def true_contacts(capture: Capture) -> list[tuple[int, slice]]:
    """(ankle, frames) of each stretch of 0.1 s or more in which a foot truly stands."""
    found = []
    for ankle in ANKLES:
        place = capture.xyz[:, ankle].astype(np.float64)
        speed = np.linalg.norm(np.gradient(place, 1 / capture.fps, axis=0), axis=1)
        still = (speed < 0.25) & (place[:, 1] < np.percentile(capture.xyz[:, ANKLES, 1], 5) + 0.05)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], still, [0]])))
        runs = [slice(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
        found += [(ankle, run) for run in runs if run.stop - run.start >= 0.1 * capture.fps]
    return found


def slides(poses: Poses3D, contacts: Sequence[tuple[int, slice]]) -> list[float]:
    """The furthest that each foot gets from its mean place while it truly stands, mm."""
    places = [poses.absolute[run, 0, ankle].astype(np.float64) for ankle, run in contacts]
    return [1000 * float(np.linalg.norm(place - place.mean(axis=0), axis=1).max()) for place in places]


def held_wrongly(poses: Poses3D, capture: Capture) -> tuple[int, int]:
    """In how many frames an ankle of the result stands still while the true one moves at more than 0.5 m/s; and in how
    many it stands still."""
    wrong, held = 0, 0
    for ankle in ANKLES:
        own, true = (
            np.linalg.norm(np.gradient(place.astype(np.float64), 1 / capture.fps, axis=0), axis=1)
            for place in (poses.absolute[:, 0, ankle], capture.xyz[:, ankle])
        )
        wrong += int((true[own < 0.01] > 0.5).sum())
        held += int((own < 0.01).sum())
    return wrong, held


def errors(poses: Poses3D, seen: View) -> tuple[float, float]:
    """MPJPE, and the mean distance of the root from the true path, both paths about their means; mm."""
    pose = np.linalg.norm(poses.xyz[:, 0] - seen.truth, axis=-1).mean()
    off = poses.absolute[:, 0, HUMAN36M17.root] - seen.root
    return 1000 * float(pose), 1000 * float(np.linalg.norm(off - off.mean(axis=0), axis=-1).mean())


def tilt(poses: Poses3D, seen: View) -> float | None:
    """Degrees between the found and the true vertical; None where none was found."""
    if poses.camera is None or poses.camera.rotation is None or seen.camera.rotation is None:
        return None
    cosine = float(poses.camera.rotation[:, 1] @ seen.camera.rotation[:, 1])
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def measure(captures: Sequence[Capture], lifter: Lifter) -> list[dict[str, object]]:
    measured: list[dict[str, object]] = []
    for number, capture in enumerate(captures):
        seen = view(capture, Variation(noise=NOISE), np.random.default_rng([0, number]))
        poses = lifter(seen.keypoints, camera=seen.camera.without_pose, height=capture.height)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what was not found is counted
            grounded = stand_on_ground(poses)
        contacts = true_contacts(capture)
        before, after = (errors(each, seen) for each in (poses, grounded))
        measured.append(
            {
                "clip": f"{capture.actor} {capture.action}",
                "frames": len(poses),
                "tilt_degrees": tilt(grounded, seen),
                "slides_before_mm": slides(poses, contacts),
                "slides_after_mm": slides(grounded, contacts),
                "held_wrongly": held_wrongly(grounded, capture),
                "mpjpe_mm": [before[0], after[0]],
                "path_mm": [before[1], after[1]],
            }
        )
        print(measured[-1]["clip"], measured[-1]["tilt_degrees"], flush=True)
    return measured


def table(measured: list[dict], fps: float) -> dict[str, object]:
    rows = []
    for action in (*ACTIONS, ""):
        clips = [each for each in measured if action in each["clip"]]
        tilts = [each["tilt_degrees"] for each in clips if each["tilt_degrees"] is not None]
        before, after = ([mm for each in clips for mm in each[f"slides_{when}_mm"]] for when in ("before", "after"))
        wrong, held = np.sum([each["held_wrongly"] for each in clips], axis=0)
        pose, path = (np.mean([each[name] for each in clips], axis=0) for name in ("mpjpe_mm", "path_mm"))
        rows.append(
            [
                action or "all",
                len(clips),
                f"{len(tilts)}",
                f"{np.mean(tilts):.1f} (at most {max(tilts):.1f})",
                len(before),
                f"{np.mean(before):.0f} → {np.mean(after):.0f}",
                f"{np.median(before):.0f} → {np.median(after):.0f}",
                f"{100 * wrong / held:.0f} %",
                f"{pose[0]:.1f} → {pose[1]:.1f}",
                f"{path[0]:.0f} → {path[1]:.0f}",
            ]
        )
    columns = ["clips of", "clips", "ground found", "tilt off, degrees", "contacts", "sliding, mean mm"]
    return {
        "columns": [*columns, "median mm", "held while moving", "MPJPE mm", "path mm"],
        "rows": rows,
        "notes": [
            f"HDM05 (never trained on), {fps:g} fps; virtual cameras as in the evaluation, seed 0; keypoints with "
            f"Gaussian noise of {100 * NOISE:g} % of the body's height; intrinsics and height given; "
            "20 hypotheses, 3 steps, seed 0, smoothing auto. Sliding: the furthest an ankle gets from its mean place "
            "while the true foot stands, before → after. Held while moving: of the frames in which an ankle is held, "
            "those in which the true one moves at more than 0.5 m/s. Path: mean distance of the root from the true "
            "one, both about their means. By `benchmarks/ground.py`."
        ],
        "measured": measured,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hdm05", type=Path, help="HDM05's archive or folder")
    parser.add_argument("--clips", type=int, default=12, help="how many clips, evenly chosen")
    parser.add_argument("--stride", type=int, default=4, help="every n-th of 120 frames a second")
    options = parser.parse_args()
    captures = [each for each in read_captures(options.hdm05, stride=options.stride) if each.action in ACTIONS]
    chosen = np.linspace(0, len(captures) - 1, min(options.clips, len(captures))).round().astype(int)
    measured = measure([captures[i] for i in chosen], Lifter.load("human"))
    result = table(measured, captures[0].fps)
    save_result("ground", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main()
