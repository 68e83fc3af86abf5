"""The mediapipe detector: one person, 33 landmarks, no GPU; the default for humans.

MediaPipe up to 0.10.21 carries its "full" pose model in its wheel and runs it through the solutions API. Later wheels
hold no model and have the tasks API only, which takes a model file. This module uses what is installed. The later
releases send Google figures about their use (no images), and have no setting against it: their NOTICE file says so.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from flowlift.detect.protocol import Detection, ManagedDetector
from flowlift.errors import InputError, MissingExtraError, ModelError
from flowlift.io.video import Frame
from flowlift.quiet import quiet_stderr
from flowlift.skeletons import MEDIAPIPE33

PURPOSE = "the mediapipe detector"

Image = UInt8[np.ndarray, "height width 3"]


class Landmarks(NamedTuple):
    """One person: `xy` in fractions of the image's width and height, `world` in metres, `score` in [0, 1]."""

    xy: Float32[np.ndarray, "33 2"]
    world: Float32[np.ndarray, "33 3"]
    score: Float32[np.ndarray, "33"]


@runtime_checkable
class Landmarker(Protocol):
    """One of MediaPipe's two interfaces."""

    def find(self, image: Image, time: float) -> Landmarks | None:
        """The person in an image, whose rows follow one another in memory; `time`: seconds, never falling."""

    def restart(self) -> None:
        """Forget every image: the next begins another clip."""

    def close(self) -> None: ...


class MediapipeDetector(ManagedDetector):
    """Finds one person and follows them from frame to frame; a time that goes back begins a new clip.

    `model_path`: a pose landmarker's .task file, instead of the model that is packaged or downloaded. `static`: look
    at every frame anew, for images that have nothing to do with one another. `confidence`: below it, in [0, 1],
    nobody is found, or a person is lost. A landmark outside the image is MediaPipe's guess, with a low score.

    `last_world` (33, 3): the last frame's person in 3D as MediaPipe has it, None if nobody was found. Metres from the
    middle of the hips, x to the image's right, y down, z away from the camera, on no known camera.

    While the detector is made, and until it has found somebody, its process's standard error (descriptor 2) is
    silenced, because MediaPipe logs to it in a way that no setting stops.
    """

    name = "mediapipe"
    skeleton = MEDIAPIPE33

    def __init__(self, *, model_path: str | Path | None = None, static: bool = False, confidence: float = 0.5) -> None:
        if not 0 <= confidence <= 1:
            raise InputError(f"confidence must lie between 0 and 1, got {confidence}")
        self.last_world: Float32[np.ndarray, "33 3"] | None = None
        self._time = -np.inf
        self._noisy = True
        self._landmarker: Landmarker | None = None
        with quiet_stderr():
            self._landmarker = _open(model_path, static, confidence)
            self._landmarker.find(np.zeros((64, 64, 3), np.uint8), 0.0)  # its threads log when they begin

    def __call__(self, frame: Frame) -> Detection:
        if self._landmarker is None:
            raise InputError(f"{PURPOSE} is closed")
        if frame.time < self._time:
            self._begin_again(self._landmarker)
        self._time = frame.time
        found = self._find(self._landmarker, np.ascontiguousarray(frame.image))
        self.last_world = None if found is None else found.world
        if found is None:
            return Detection.nobody(self.skeleton)
        height, width = frame.image.shape[:2]
        return Detection(found.xy[None] * np.array([width, height], np.float32), found.score[None])

    def close(self) -> None:
        if self._landmarker is not None:
            self._landmarker.close()
            self._landmarker = None

    def _begin_again(self, landmarker: Landmarker) -> None:
        self._noisy = True
        with quiet_stderr():
            landmarker.restart()

    def _find(self, landmarker: Landmarker, image: Image) -> Landmarks | None:
        if not self._noisy:
            return landmarker.find(image, self._time)
        with quiet_stderr():
            found = landmarker.find(image, self._time)
        self._noisy = found is None
        return found


def packaged_model() -> bool:
    """Whether the installed MediaPipe holds a pose model in its wheel. Imports nothing."""
    spec = find_spec("mediapipe")
    places = (spec.submodule_search_locations if spec else None) or ()
    return any((Path(place) / "modules" / "pose_landmark" / "pose_landmark_full.tflite").is_file() for place in places)


def _open(model_path: str | Path | None, static: bool, confidence: float) -> Landmarker:
    if find_spec("mediapipe") is None:
        raise MissingExtraError(PURPOSE, "mediapipe")
    if model_path is None and packaged_model():
        from flowlift.detect.mediapipe_solutions import SolutionsLandmarker

        return SolutionsLandmarker(static=static, confidence=confidence)
    from flowlift.detect.mediapipe_tasks import TasksLandmarker, fetch_model

    path = fetch_model() if model_path is None else Path(model_path)
    if not path.is_file():
        raise ModelError(f"{path}: there is no such model file")
    return TasksLandmarker(path, static=static, confidence=confidence)
