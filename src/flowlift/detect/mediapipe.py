"""MediaPipe's pose detector: one person, 33 landmarks.

Wheels up to 0.10.21 carry the "full" model and the solutions API, and need no network. Later wheels carry no model:
there the tasks API is used, with a model file that is given, found in the cache, or fetched.
"""

import os
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from flowlift.detect.download import fetch
from flowlift.detect.protocol import Detection, Detector
from flowlift.detect.quiet import quiet_stderr
from flowlift.errors import InputError, MissingExtraError, ModelError
from flowlift.io.frames import Frame
from flowlift.skeleton import Skeleton
from flowlift.skeletons import MEDIAPIPE33

MODEL_FILE = "pose_landmarker_full.task"
MODEL_URL = (
    "https://storage.googleapis.com/mediapipe-models/pose_landmarker/pose_landmarker_full/float16/1/"
    "pose_landmarker_full.task"
)


def load(*, model_path: str | Path | None = None, complexity: int = 1) -> Detector:
    """The detector of whichever API is installed; `model_path` (a .task file) chooses the tasks API.

    `complexity` 0, 1 or 2: the solutions API's models; only 1 is in the wheel. Raises MissingExtraError, ModelError.
    """
    _silence_logs()
    if find_spec("mediapipe") is None:
        raise MissingExtraError("the mediapipe detector", "mediapipe")
    if model_path is None and model_in_wheel():
        return SolutionsDetector.start(complexity)
    return TasksDetector.start(Path(model_path) if model_path else fetch(MODEL_URL, None, MODEL_FILE))


def model_in_wheel() -> bool:
    """Whether the installed wheel has the solutions API and its model."""
    found = find_spec("mediapipe")
    if found is None or found.origin is None:
        return False
    model = Path(found.origin).parent / "modules" / "pose_landmark" / "pose_landmark_full.tflite"
    return model.is_file()


def _silence_logs() -> None:
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _detection(landmarks: Any, frame: Frame) -> Detection:
    """Landmarks, normalised to the image, as one person; None as nobody."""
    if not landmarks:
        return Detection(np.empty((0, 33, 2), np.float32), np.empty((0, 33), np.float32))
    height, width = frame.image.shape[:2]
    values: Float32[np.ndarray, "33 3"] = np.array([[p.x, p.y, p.visibility] for p in landmarks], dtype=np.float32)
    xy = values[None, :, :2] * np.array([width, height], dtype=np.float32)
    return Detection(xy, values[None, :, 2].clip(0, 1))


@dataclass(frozen=True)
class SolutionsDetector:
    """The solutions API; it tracks from frame to frame."""

    _pose: Any
    _heard: list[bool]
    name: str = "mediapipe"
    skeleton: Skeleton = MEDIAPIPE33

    @classmethod
    def start(cls, complexity: int) -> "SolutionsDetector":
        if complexity not in (0, 1, 2):
            raise InputError(f"mediapipe's complexity is 0, 1 or 2, got {complexity}")
        try:
            with quiet_stderr():
                solution = import_module("mediapipe.python.solutions.pose")
                pose = solution.Pose(static_image_mode=False, model_complexity=complexity)
                # The first image makes the native threads start and talk; it leaves no track.
                pose.process(np.zeros((64, 64, 3), dtype=np.uint8))
        except ImportError as error:
            raise MissingExtraError("the mediapipe detector", "mediapipe") from error
        except (OSError, RuntimeError, ValueError) as error:
            raise ModelError(f"mediapipe cannot start: {str(error).splitlines()[0]}") from error
        return cls(pose, [])

    def __call__(self, frame: Frame) -> Detection:
        # Its native code complains once, when it first finds somebody.
        with nullcontext() if self._heard else quiet_stderr():
            found = self._pose.process(frame.image).pose_landmarks
        if found and not self._heard:
            self._heard.append(True)
        return _detection(found.landmark if found else None, frame)

    def close(self) -> None:
        with quiet_stderr():
            self._pose.close()


@dataclass(frozen=True)
class TasksDetector:
    """The tasks API with a model file, in video mode; it tracks from frame to frame."""

    _landmarker: Any
    _image: Any
    _clock: list[int]
    name: str = "mediapipe"
    skeleton: Skeleton = MEDIAPIPE33

    @classmethod
    def start(cls, model: Path) -> "TasksDetector":
        if not model.is_file():
            raise ModelError(f"{model}: there is no such model file; it is {MODEL_FILE} from {MODEL_URL}")
        try:
            with quiet_stderr():
                mp = import_module("mediapipe")
                vision = import_module("mediapipe.tasks.python.vision")
                base = import_module("mediapipe.tasks.python").BaseOptions
                options = vision.PoseLandmarkerOptions(
                    base_options=base(model_asset_path=str(model)), running_mode=vision.RunningMode.VIDEO
                )
                landmarker = vision.PoseLandmarker.create_from_options(options)
        except ImportError as error:
            raise MissingExtraError("the mediapipe detector", "mediapipe") from error
        except (OSError, RuntimeError, ValueError) as error:
            raise ModelError(f"{model}: mediapipe cannot load it: {str(error).splitlines()[0]}") from error
        return cls(landmarker, lambda pixels: mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels), [-1])

    def __call__(self, frame: Frame) -> Detection:
        # Times must rise, in whole milliseconds, whatever the clip says.
        self._clock[0] = max(self._clock[0] + 1, round(frame.time * 1000))
        found = self._landmarker.detect_for_video(self._image(frame.image), self._clock[0]).pose_landmarks
        return _detection(found[0] if found else None, frame)

    def close(self) -> None:
        with quiet_stderr():
            self._landmarker.close()
