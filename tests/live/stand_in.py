"""A detector that knows what the demo's figure does, as fast or as slow as wanted, and a video for it to look at."""

import os
import time
from pathlib import Path

import av
import numpy as np

from flowlift.demo import synthesize
from flowlift.detect.protocol import Detection
from flowlift.io.frames import Frame

DELAY = "FLOWLIFT_TEST_DELAY"


class StandIn:
    """Finds the demo's figure where it is at a frame's time; `delay`: seconds that it takes."""

    name = "stand-in"

    def __init__(self) -> None:
        self.keypoints = synthesize(seconds=10.0).keypoints
        self.skeleton = self.keypoints.skeleton
        self.delay = float(os.environ.get(DELAY, "0"))

    def __call__(self, frame: Frame) -> Detection:
        time.sleep(self.delay)
        row = round(frame.time * 30) % len(self.keypoints)
        return Detection(self.keypoints.xy[row], self.keypoints.score[row])

    def close(self) -> None:
        pass

    def __enter__(self) -> "StandIn":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def write_film(path: Path, seconds: float, fps: int = 30) -> Path:
    """A grey video of the demo's image size (1280 x 720)."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        grey = av.VideoFrame.from_ndarray(np.full((1080, 1280), 128, np.uint8), format="yuv420p")
        for number in range(round(seconds * fps)):
            grey.pts = number
            file.mux(stream.encode(grey))
        file.mux(stream.encode())
    return path
