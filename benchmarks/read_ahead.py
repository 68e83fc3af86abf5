"""What decoding ahead of the detector gains, by the size of the video. Writes docs/results/read-ahead.json.

    python benchmarks/read_ahead.py [--seconds 3]

The demo's drawn clip, MediaPipe, the packaged model; both ways take turns, the better of three runs counts.
Two minutes.
On one core flowlift does not read ahead: there is nothing to gain.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from pages import as_markdown, save_result

import flowlift
from flowlift import clips
from flowlift.bench.machine import describe_device, describe_machine
from flowlift.demo import synthesize
from flowlift.demo_video import pictures
from flowlift.detect import load_detector
from flowlift.io.video import Frame, FrameSource
from flowlift.read_ahead import ReadAhead

SIZES = ((1280, 720), (1920, 1080), (3840, 2160))
RUNS = 3


def ahead(frames: FrameSource) -> AbstractContextManager[Iterator[Frame]]:
    return closing(ReadAhead(frames, held=clips.AHEAD))


def in_turn(frames: FrameSource) -> AbstractContextManager[Iterator[Frame]]:
    return nullcontext(iter(frames))


def write_video(path: Path, size: tuple[int, int], seconds: float) -> int:
    """H.264 of the drawn clip at some size; how many frames."""
    clip, count = synthesize(seconds=seconds), 0
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=30, options={"crf": "23", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for picture in pictures(clip):
            count += 1
            file.mux(stream.encode(av.VideoFrame.from_image(picture.resize(size))))
        file.mux(stream.encode())
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="of video")
    options = parser.parse_args()
    measured = []
    with closing(load_detector("mediapipe")) as detector, TemporaryDirectory() as place:
        for size in SIZES:
            video = Path(place) / f"{size[1]}.mp4"
            frames = write_video(video, size, options.seconds)
            best = {"ahead": 0.0, "in turn": 0.0}
            for _ in range(RUNS):
                for name, way in (("ahead", ahead), ("in turn", in_turn)):
                    clips._reading = way
                    start = time.perf_counter()
                    flowlift.lift(video, detector=detector, smooth="off", mend=False)
                    best[name] = max(best[name], frames / (time.perf_counter() - start))
            measured.append({"size": size, **best})
    result = {
        "columns": ["video", "frames/s, decoding ahead", "frames/s, one after the other"],
        "rows": [[f"{m['size'][0]} x {m['size'][1]}", f"{m['ahead']:.1f}", f"{m['in turn']:.1f}"] for m in measured],
        "notes": [f"Measured by `benchmarks/read_ahead.py` on {describe_device('cpu')}."],
        "measured": measured,
        "machine": describe_machine(),
    }
    save_result("read-ahead", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main()
