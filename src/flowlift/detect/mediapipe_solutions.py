"""MediaPipe's solutions API (up to 0.10.21), with the model in its wheel."""

import numpy as np

from flowlift.detect.mediapipe import PURPOSE, Image, Landmarks
from flowlift.detect.optional import import_optional


class SolutionsLandmarker:
    """MediaPipe Pose at complexity 1, "full". Its smoothing takes every clip for one of 30 frames a second."""

    def __init__(self, *, static: bool, confidence: float) -> None:
        solution = import_optional("mediapipe.python.solutions.pose", PURPOSE, "mediapipe")
        self._pose = solution.Pose(
            static_image_mode=static,
            model_complexity=1,
            min_detection_confidence=confidence,
            min_tracking_confidence=confidence,
        )

    def find(self, image: Image, time: float) -> Landmarks | None:
        shown = image.view()
        shown.flags.writeable = False  # MediaPipe copies what could change under it
        results = self._pose.process(shown)
        if results.pose_landmarks is None or results.pose_world_landmarks is None:
            return None
        pixels = np.array([[p.x, p.y, p.visibility] for p in results.pose_landmarks.landmark], np.float32)
        world = np.array([[p.x, p.y, p.z] for p in results.pose_world_landmarks.landmark], np.float32)
        return Landmarks(pixels[:, :2], world, pixels[:, 2].clip(0, 1))

    def restart(self) -> None:
        self._pose.reset()

    def close(self) -> None:
        self._pose.close()
