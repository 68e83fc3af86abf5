"""Methods that know nothing, to tell what a number is worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.datasets.views import Capture
from flowlift.skeletons import HUMAN36M17


@dataclass(frozen=True, eq=False)
class SamePose:
    """Answers one pose (17, 3) (m, camera frame, hip at 0) to everything, with variances (17,) (m^2) for each axis."""

    pose: Float32[np.ndarray, "17 3"]
    variance: Float32[np.ndarray, "17"]

    def __call__(
        self,
        keypoints: Keypoints2D,
        *,
        camera: Camera | None,
        hypotheses: int,
        steps: int | None,
        seed: int,
        smooth: str,
        height: float | None,
        keep_hypotheses: bool,
    ) -> Poses3D:
        """As a `Lift`; no setting changes anything."""
        people = keypoints.xy.shape[:2]
        cov = self.variance[:, None, None] * np.eye(3, dtype=np.float32)
        return Poses3D(
            np.broadcast_to(self.pose, (*people, 17, 3)),
            None,
            np.broadcast_to(cov, (*people, 17, 3, 3)),
            HUMAN36M17,
            fps=keypoints.fps,
            camera=camera,
        )


def mean_pose(captures: Sequence[Capture]) -> SamePose:
    """The mean of all captured poses (Y up), each turned to face the camera."""
    turned = facing_camera(np.concatenate([capture.xyz for capture in captures]).astype(np.float64))
    variance = turned.var(axis=0).mean(axis=-1)
    return SamePose(turned.mean(axis=0).astype(np.float32), variance.astype(np.float32))


def facing_camera(xyz: Float[np.ndarray, "frame 17 3"]) -> Float[np.ndarray, "frame 17 3"]:
    """Poses with Y up, in the frame of a camera that they face: hips across the image, left hip to its right."""
    right, left = HUMAN36M17.indices(["right_hip", "left_hip"])
    centred = xyz - xyz[:, [HUMAN36M17.root]]
    across = centred[:, left] - centred[:, right]
    angle = np.arctan2(across[:, 2], across[:, 0])
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y, z = centred[..., 0], centred[..., 1], centred[..., 2]
    return np.stack([c * x + s * z, -y, s * x - c * z], axis=-1)
