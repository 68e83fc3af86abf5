"""How fast flowlift is: a whole video, and lifting alone. Writes docs/results/speed.json and prints the table.

python benchmarks/end_to_end.py VIDEO [--frames 1800]
"""

import argparse
import time
from pathlib import Path

from machine import describe_machine
from tables import as_markdown, save_result

import flowlift
from flowlift.demo import synthesize

HYPOTHESES = 20


def time_video(video: Path) -> dict[str, object]:
    """Lift a video with the default detector: frames per second with and without the time that loading takes."""
    first_frame = []

    def progress(done: int, total: int | None) -> None:
        if done == 1 and not first_frame:
            first_frame.append(time.perf_counter())

    start = time.perf_counter()
    poses = flowlift.lift(video, hypotheses=HYPOTHESES, progress=progress)
    stop = time.perf_counter()
    assert poses.keypoints is not None
    width, height = poses.keypoints.image_size
    return {
        "what": f"video {width} x {height}, MediaPipe, {HYPOTHESES} hypotheses",
        "frames": len(poses),
        "per_second": (len(poses) - 1) / (stop - first_frame[0]),
        "per_second_with_loading": len(poses) / (stop - start),
    }


def time_lifting(frames: int, hypotheses: int) -> dict[str, object]:
    """Lift the demo's keypoints: poses per second, the best of three."""
    keypoints = synthesize(seconds=frames / 30, fps=30.0).keypoints
    lifter = flowlift.Lifter.load("human")
    lifter(keypoints.frames(0, 64), hypotheses=hypotheses)  # the first call allocates
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        poses = lifter(keypoints, hypotheses=hypotheses)
        seconds.append(time.perf_counter() - start)
    steps = poses.provenance["steps"]
    what = f"lifting alone, {hypotheses} {'hypothesis' if hypotheses == 1 else 'hypotheses'}, {steps} steps"
    return {"what": what, "frames": frames, "per_second": frames / min(seconds)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video", type=Path, help="a video of a person, 1920 x 1080 or 1080 x 1920")
    parser.add_argument("--frames", type=int, default=1800, help="frames of keypoints for lifting alone")
    options = parser.parse_args()
    measured = [time_video(options.video), *(time_lifting(options.frames, count) for count in (1, HYPOTHESES))]
    machine = describe_machine()
    result = {
        "columns": ["what", "frames", "frames/s"],
        "rows": [[each["what"], each["frames"], f"{each['per_second']:.0f}"] for each in measured],
        "notes": [f"Measured by `benchmarks/end_to_end.py` on {machine['cores']} cores of {machine['cpu']}."],
        "measured": measured,
        "machine": machine,
    }
    save_result("speed", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main()
