"""MediaPipe's tasks API (0.10.30 and later, where it is the only one), with a model file."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from flowlift.detect.download import cached, fetch
from flowlift.detect.mediapipe import PURPOSE, Image, Landmarks
from flowlift.detect.optional import import_optional, one_line
from flowlift.errors import ModelError

MODEL = "pose_landmarker_full.task"
MODEL_URL = f"https://storage.googleapis.com/mediapipe-models/pose_landmarker/pose_landmarker_full/float16/1/{MODEL}"
MODEL_SHA256 = "5134a3aad27a58b93da0088d431f366da362b44e3ccfbe3462b3827a839011b1"


def fetch_model() -> Path:
    """MediaPipe's full pose model, 9 MB, from the cache or the network. Raises ModelError."""
    return fetch(MODEL_URL, MODEL_SHA256, MODEL, option="model_path=...")


def model_cached() -> bool:
    """Whether the model needs no network any more."""
    return cached(MODEL, MODEL_SHA256)


class TasksLandmarker:
    """A pose landmarker in video mode; `static`: in image mode. Raises ModelError for a file that holds no model."""

    def __init__(self, path: Path, *, static: bool, confidence: float) -> None:
        self._mediapipe = import_optional("mediapipe", PURPOSE, "mediapipe")
        vision = import_optional("mediapipe.tasks.python.vision", PURPOSE, "mediapipe")
        base = import_optional("mediapipe.tasks.python", PURPOSE, "mediapipe").BaseOptions
        options = vision.PoseLandmarkerOptions(
            base_options=base(model_asset_path=str(path)),
            running_mode=vision.RunningMode.IMAGE if static else vision.RunningMode.VIDEO,
            min_pose_detection_confidence=confidence,
            min_pose_presence_confidence=confidence,
            min_tracking_confidence=confidence,
        )
        self._path, self._static = path, static
        self._make = partial(vision.PoseLandmarker.create_from_options, options)
        self._landmarker, self._clock = self._made(), -1

    def find(self, image: Image, time: float) -> Landmarks | None:
        shown = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=image)
        if self._static:
            results = self._landmarker.detect(shown)
        else:
            self._clock = max(self._clock + 1, round(time * 1000))  # milliseconds, never one twice
            results = self._landmarker.detect_for_video(shown, self._clock)
        if not results.pose_landmarks:
            return None
        people, worlds = results.pose_landmarks[0], results.pose_world_landmarks[0]
        pixels = np.array([[p.x, p.y] for p in people], np.float32)
        world = np.array([[p.x, p.y, p.z] for p in worlds], np.float32)
        seen = [_given(p.visibility) * _given(p.presence) for p in people]
        return Landmarks(pixels, world, np.array(seen, np.float32).clip(0, 1))

    def restart(self) -> None:
        self._landmarker.close()
        self._landmarker, self._clock = self._made(), 0  # as after the first image, which is nobody's

    def close(self) -> None:
        self._landmarker.close()

    def _made(self) -> Any:
        try:
            return self._make()
        except Exception as error:  # its type differs between releases
            raise ModelError(f"{self._path}: mediapipe cannot load this model ({one_line(error)})") from error


def _given(probability: float | None) -> float:
    return 1.0 if probability is None else probability
