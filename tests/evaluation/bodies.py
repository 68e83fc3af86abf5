"""A standing body and lifters that know the answer, for the tests of the protocols."""

from collections.abc import Callable, Sequence

import numpy as np

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.datasets.views import Capture
from flowlift.skeletons import HUMAN36M17

# Y up, facing +Z, metres: the subject's left is +X. The right arm reaches forward, the left arm down.
_STANDING = {
    "hip": (0, 0.9, 0),
    "right_hip": (-0.1, 0.9, 0),
    "right_knee": (-0.1, 0.5, 0.02),
    "right_ankle": (-0.1, 0.1, 0),
    "left_hip": (0.1, 0.9, 0),
    "left_knee": (0.1, 0.5, 0.02),
    "left_ankle": (0.1, 0.1, 0),
    "spine": (0, 1.1, -0.02),
    "thorax": (0, 1.4, 0),
    "nose": (0, 1.5, 0.08),
    "head": (0, 1.65, 0.02),
    "left_shoulder": (0.2, 1.35, 0),
    "left_elbow": (0.25, 1.1, 0),
    "left_wrist": (0.25, 0.85, 0.05),
    "right_shoulder": (-0.2, 1.35, 0),
    "right_elbow": (-0.25, 1.3, 0.25),
    "right_wrist": (-0.2, 1.35, 0.5),
}
STANDING = np.array([_STANDING[joint] for joint in HUMAN36M17.joints], dtype=np.float32)


def standing_clip(frames: int = 4, *, actor: str = "bd", action: str = "squat") -> Capture:
    """The body, drifting sideways."""
    drift = np.linspace(0, 0.3, frames, dtype=np.float32)[:, None, None] * np.array([1, 0, 0], dtype=np.float32)
    return Capture(actor, action, STANDING + drift, 1.55, 10.0)


class Answer:
    """A method that gives poses (frame, joint, 3) looked up by the keypoints; it notes how it was called."""

    def __init__(self, find: Callable[[Keypoints2D, int], np.ndarray], spread: float = 0.0) -> None:
        self.find, self.spread, self.calls = find, spread, list[dict[str, object]]()

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
        self.calls.append({"keypoints": keypoints, "camera": camera, "height": height, "seed": seed, "smooth": smooth})
        xyz = self.find(keypoints, seed).astype(np.float32)[:, None]
        noise = np.random.default_rng(seed).normal(size=(len(xyz), 1, hypotheses, 17, 3)).astype(np.float32)
        variance = np.eye(3, dtype=np.float32) * np.float32(max(self.spread, 1e-3) ** 2)
        drawn = xyz[:, :, None] + noise * np.float32(self.spread)
        return Poses3D(
            xyz,
            None,
            np.broadcast_to(variance, (*xyz.shape, 3)),
            HUMAN36M17,
            hypotheses=drawn if keep_hypotheses else None,
            provenance={"steps": steps or 3, "hypotheses": hypotheses, "root": "solved", "intrinsics": "given"},
        )


def answers(pairs: Sequence[tuple[Keypoints2D, np.ndarray]]) -> Callable[[Keypoints2D, int], np.ndarray]:
    """Poses by the keypoints that they belong to."""
    table = {keypoints.xy.tobytes(): xyz for keypoints, xyz in pairs}
    return lambda keypoints, seed: table[keypoints.xy.tobytes()]
