"""How fast a long video is lifted, beside its detector alone, and in what memory. Writes docs/results/long-video.json.

python benchmarks/long_video.py [--minutes 10] [--turn 20]

The video is made here: the demo's figure, 1920 x 1080, 30 frames a second, walks for a while and then the same way
backwards, over and over, so that the motion never jumps. Each run is a process of its own, on the same cores; both
times include the start. The detector alone gets the first tenth.
"""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from pages import as_markdown, save_result

import flowlift
from flowlift.bench.machine import describe_device, describe_machine
from flowlift.demo import DemoClip, synthesize
from flowlift.demo_video import pictures

SIZE, FPS = (1920, 1080), 30
SETTINGS = {"crf": "26", "preset": "veryfast", "bf": "0"}
"""Without B-frames packets can be repeated."""

DETECTOR_ALONE = """
import sys
from flowlift.detect import load_detector
from flowlift.io.video import open_frames

detector, count = load_detector("mediapipe"), int(sys.argv[2])
for _, frame in zip(range(count), open_frames(sys.argv[1])):
    detector(frame)
detector.close()
"""


def at_size(clip: DemoClip, size: tuple[int, int]) -> DemoClip:
    """The clip as a camera of the same view and more pixels takes it."""
    old = clip.camera
    matrix = old.matrix.copy()
    matrix[:2] *= size[0] / old.image_size[0]
    return replace(clip, camera=replace(old, matrix=matrix, image_size=size))


def backwards(clip: DemoClip) -> DemoClip:
    truth = clip.truth
    assert truth.root is not None
    return replace(clip, truth=replace(truth, xyz=truth.xyz[::-1], root=truth.root[::-1]))


def write_to_and_fro(path: Path, seconds: int, times: int) -> int:
    """The walk forwards and backwards, `times` times; the number of frames."""
    there = at_size(synthesize(seconds=seconds), SIZE)
    once = path.with_name("once.mp4")
    with av.open(str(once), "w") as file:
        stream = file.add_stream("libx264", rate=FPS, options=SETTINGS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for image in chain(pictures(there), pictures(backwards(there))):
            file.mux(stream.encode(av.VideoFrame.from_image(image)))
        file.mux(stream.encode())
    with av.open(str(once)) as source, av.open(str(path), "w") as file:
        given = source.streams.video[0]
        stream = file.add_stream_from_template(given)
        packets = [(bytes(packet), packet.is_keyframe) for packet in source.demux(given) if packet.pts is not None]
        assert given.time_base is not None
        step = round(1 / (FPS * given.time_base))
        for number in range(times * len(packets)):
            data, key = packets[number % len(packets)]
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = stream, given.time_base, key
            packet.pts = packet.dts = number * step
            file.mux(packet)
    return times * len(packets)


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds, and the most memory at once, MB, of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{command[:3]} failed with status {status}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--turn", type=int, default=20, help="seconds until the figure turns round")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        video, output = Path(folder, "long.mp4"), Path(folder, "long.npz")
        frames = write_to_and_fro(video, options.turn, max(1, round(60 * options.minutes / (2 * options.turn))))
        alone, detector_mb = timed([sys.executable, "-c", DETECTOR_ALONE, str(video), str(frames // 10)])
        whole, memory = timed([sys.executable, "-m", "flowlift", "lift", str(video), "-o", str(output), "--quiet"])
        people = flowlift.load(output).people
    rows = [
        ["the detector alone", frames // 10, f"{frames // 10 / alone:.1f}", f"{detector_mb:.0f}"],
        ["`flowlift lift`", frames, f"{frames / whole:.1f}", f"{memory:.0f}"],
    ]
    machine = describe_machine()
    result = {
        "columns": ["what", "frames", "frames/s", "most memory, MB"],
        "rows": rows,
        "notes": [
            f"A synthetic video of {frames / FPS / 60:.0f} minutes, {SIZE[0]} x {SIZE[1]}, {FPS} frames/s; MediaPipe, "
            f"model human, 20 hypotheses, smoothed; {people} {'person' if people == 1 else 'people'} found. Measured "
            f"by `benchmarks/long_video.py` on {describe_device('cpu')}."
        ],
        "machine": machine,
    }
    save_result("long-video", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main()
