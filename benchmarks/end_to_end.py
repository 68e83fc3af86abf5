"""How fast flowlift is: a whole video, and lifting alone. Writes docs/results/speed.json and prints the table.

python benchmarks/end_to_end.py VIDEO... [--frames 1800]
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from pages import as_markdown, save_result

import flowlift
from flowlift.bench.machine import describe_device, describe_machine
from flowlift.demo import synthesize

HYPOTHESES = 20


def time_videos(videos: Sequence[Path]) -> dict[str, object]:
    """Lift videos of one size with the default detector: frames per second, with and without the time of loading."""
    frames, lifting, whole = 0, 0.0, 0.0
    for video in videos:
        clock = _Clock()
        start = time.perf_counter()
        poses = flowlift.lift(video, hypotheses=HYPOTHESES, progress=clock)
        stop = time.perf_counter()
        frames, lifting, whole = frames + len(poses), lifting + stop - clock.first, whole + stop - start
    assert poses.keypoints is not None
    width, height = poses.keypoints.image_size
    return {
        "what": f"video {width} x {height}, MediaPipe, {HYPOTHESES} hypotheses",
        "frames": frames,
        "per_second": (frames - len(videos)) / lifting,  # the clock starts when the first frame of each is done
        "per_second_with_loading": frames / whole,
    }


class _Clock:
    """A progress report that notes when the first frame was done."""

    first = 0.0

    def __call__(self, done: int, total: int | None) -> None:
        self.first = self.first or (done and time.perf_counter())


def time_lifting(frames: int, hypotheses: int, *, model: str = "human", smooth: str = "off") -> dict[str, object]:
    """Lift the demo's keypoints: poses per second, the best of three."""
    keypoints = synthesize(seconds=frames / 30, fps=30.0).keypoints
    lifter = flowlift.Lifter.load(model)
    lifter(keypoints.frames(0, 64), hypotheses=hypotheses, smooth=smooth)  # the first call allocates
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        poses = lifter(keypoints, hypotheses=hypotheses, smooth=smooth)
        seconds.append(time.perf_counter() - start)
    steps = poses.provenance["steps"]
    drawn = f"{hypotheses} {'hypothesis' if hypotheses == 1 else 'hypotheses'}"
    taken = f"{steps} {'step' if steps == 1 else 'steps'}"
    what = f"{model}, lifting alone, {drawn}, {taken}{', smoothed over the clip' if smooth != 'off' else ''}"
    return {"what": what, "frames": frames, "per_second": frames / min(seconds)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, nargs="+", help="videos of a person, 1920 x 1080 or 1080 x 1920")
    parser.add_argument("--frames", type=int, default=1800, help="frames of keypoints for lifting alone")
    options = parser.parse_args()
    measured = [time_videos(options.videos)]
    for model in ("human", "human-fast"):
        measured += [time_lifting(options.frames, count, model=model) for count in (1, HYPOTHESES)]
        measured.append(time_lifting(options.frames, HYPOTHESES, model=model, smooth="auto"))
    machine = describe_machine()
    result = {
        "columns": ["what", "frames", "frames/s"],
        "rows": [[each["what"], each["frames"], f"{each['per_second']:.0f}"] for each in measured],
        "notes": [f"Measured by `benchmarks/end_to_end.py` on {describe_device('cpu')}."],
        "measured": measured,
        "machine": machine,
    }
    save_result("speed", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main()
