"""MediaPipe's own 3D: the world landmarks that its pose solution gives, as the yardstick."""

from importlib import import_module
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from flowlift.errors import MissingExtraError
from flowlift.skeletons import MEDIAPIPE33


def world_landmarks(video: str | Path, *, complexity: int = 1) -> Float64[np.ndarray, "frame 33 3"]:
    """One person's landmarks in every frame: m, mid-hip at 0, x right, y down, z forward; NaN where there is none.

    Tracks through the clip, as MediaPipe does by default. Raises MissingExtraError without MediaPipe (with its
    solutions API, up to 0.10.21), InputError for a video that cannot be read.
    """
    from flowlift.io.video import open_frames

    try:
        solution = import_module("mediapipe.python.solutions.pose")
    except ImportError as error:
        raise MissingExtraError("MediaPipe's world landmarks", "mediapipe") from error
    found = []
    with solution.Pose(static_image_mode=False, model_complexity=complexity) as pose:
        for frame in open_frames(video):
            landmarks = pose.process(frame.image).pose_world_landmarks
            nobody = [[np.nan] * 3] * len(MEDIAPIPE33)
            found.append([[p.x, p.y, p.z] for p in landmarks.landmark] if landmarks else nobody)
    return np.array(found, dtype=np.float64).reshape(-1, len(MEDIAPIPE33), 3)
