"""How cost grows with frames and with hypotheses. Writes docs/results/scaling.json and docs/pictures/scaling.png.

    python benchmarks/scaling.py [--most 8000]

Each point is a process of its own that lifts a keypoint file: its seconds without loading, and the most memory that it
ever held. Two minutes.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pages import ROOT, as_markdown, save_result

import flowlift
from flowlift.bench.machine import describe_device, describe_machine
from flowlift.demo import synthesize

FRAMES, HYPOTHESES = (500, 1000, 2000, 4000, 8000), (1, 5, 10, 20, 40, 80)
USUAL = 20, 1000
"""Hypotheses where frames vary, and frames where hypotheses do."""

POINT = """
import json, resource, sys, time
import flowlift
flowlift.lift(sys.argv[1], hypotheses=2, end=0.5)  # what is loaded once
start = time.perf_counter()
flowlift.lift(sys.argv[1], hypotheses=int(sys.argv[2]), smooth="off", mend=False)
lifted = time.perf_counter() - start
print(json.dumps([lifted, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def measure(folder: Path, frames: int, hypotheses: int) -> dict[str, float]:
    """One point: seconds and MiB."""
    file = folder / f"{frames}.npz"
    if not file.exists():
        flowlift.save(synthesize(seconds=frames / 30, fps=30.0).keypoints, file)
    done = subprocess.run(
        [sys.executable, "-c", POINT, str(file), str(hypotheses)], capture_output=True, text=True, check=True
    )
    seconds, memory = json.loads(done.stdout)
    return {"frames": frames, "hypotheses": hypotheses, "seconds": seconds, "MiB": memory}


def exponent(points: Sequence[dict[str, float]], by: str) -> float:
    """p of seconds = a + b n^p: how much the second half of the range costs against the first, 1 where it is linear."""
    n, seconds = (np.array([point[name] for point in points], dtype=float) for name in (by, "seconds"))
    least, middle, most = np.interp([n[0], (n[0] + n[-1]) / 2, n[-1]], n, seconds)
    return float(np.log2((most - least) / (middle - least)))


def draw(by_frames: Sequence[dict[str, float]], by_hypotheses: Sequence[dict[str, float]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained")
    for axes, points, by in ((left, by_frames, "frames"), (middle, by_hypotheses, "hypotheses")):
        axes.plot([point[by] for point in points], [point["seconds"] for point in points], "o-", color="#2a6f97")
        axes.set(xlabel=by, ylabel="seconds")
    right.plot([point["frames"] for point in by_frames], [point["MiB"] for point in by_frames], "o-", color="#2a6f97")
    right.set(xlabel="frames", ylabel="most memory, MiB")
    for axes in (left, middle, right):
        axes.set(xlim=(0, None), ylim=(0, 1.1 * axes.get_ylim()[1]))
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=FRAMES[-1], help="frames of the longest clip")
    options = parser.parse_args()
    hypotheses, frames = USUAL
    with TemporaryDirectory() as place:
        by_frames = [measure(Path(place), count, hypotheses) for count in FRAMES if count <= options.most]
        by_hypotheses = [measure(Path(place), frames, count) for count in HYPOTHESES]
    points = [*by_frames, *by_hypotheses]
    slope = (by_frames[-1]["MiB"] - by_frames[0]["MiB"]) / (by_frames[-1]["frames"] - by_frames[0]["frames"])
    result = {
        "columns": ["frames", "hypotheses", "seconds", "most memory, MiB"],
        "rows": [[p["frames"], p["hypotheses"], f"{p['seconds']:.2f}", f"{p['MiB']:.0f}"] for p in points],
        "notes": [
            f"Measured by `benchmarks/scaling.py` on {describe_device('cpu')}: the packaged model, 3 steps. Cost grows "
            f"with frames to the power of {exponent(by_frames, 'frames'):.2f}, with hypotheses to the power of "
            f"{exponent(by_hypotheses, 'hypotheses'):.2f} (1: linear); memory by {1024 * slope:.1f} KiB a frame, which "
            "the keypoints and the result take."
        ],
        "measured": points,
        "machine": describe_machine(),
    }
    save_result("scaling", result)
    draw(by_frames, by_hypotheses, ROOT / "docs" / "pictures" / "scaling.png")
    print(as_markdown(result))


if __name__ == "__main__":
    main()
