"""MediaPipe's own 3D: the world landmarks that its pose solution gives, as the yardstick."""

from contextlib import nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from flowlift.errors import MissingExtraError, ModelError
from flowlift.io.video import open_frames
from flowlift.quiet import quiet_stderr
from flowlift.skeletons import MEDIAPIPE33


def world_landmarks(video: str | Path, *, complexity: int = 1) -> Float64[np.ndarray, "frame 33 3"]:
    """One person's landmarks in every frame: m, mid-hip at 0, x right, y down, z forward; NaN where there is none.

    Tracks through the clip, as MediaPipe does by default. Raises MissingExtraError without MediaPipe, ModelError where
    it has no solutions API (it had up to 0.10.21), InputError for a video that cannot be read.
    """
    found: list[list[list[float]]] = []
    with _started(complexity) as pose:
        for frame in open_frames(video):
            # Its native code complains once, when it first finds somebody.
            with quiet_stderr() if not found else nullcontext():
                landmarks = pose.process(frame.image).pose_world_landmarks
            nobody = [[np.nan] * 3] * len(MEDIAPIPE33)
            found.append([[p.x, p.y, p.z] for p in landmarks.landmark] if landmarks else nobody)
    return np.array(found, dtype=np.float64).reshape(-1, len(MEDIAPIPE33), 3)


def _started(complexity: int) -> Any:
    if find_spec("mediapipe") is None:
        raise MissingExtraError("MediaPipe's world landmarks", "mediapipe")
    try:
        with quiet_stderr():
            solution = import_module("mediapipe.python.solutions.pose")
            pose = solution.Pose(static_image_mode=False, model_complexity=complexity)
            # The first image makes the native threads start and talk; it leaves no track.
            pose.process(np.zeros((64, 64, 3), dtype=np.uint8))
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise ModelError(
            "MediaPipe's world landmarks come from its solutions API, which this version lacks: "
            "install mediapipe 0.10.21"
        ) from error
    return pose
