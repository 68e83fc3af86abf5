"""Captured clips as a camera sees them: 2D keypoints, as good or as bad as asked for, with the true poses."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D
from flowlift.datasets.labelled import LabelledClip
from flowlift.datasets.virtual_camera import PHONE, ViewRange, draw_camera_that_sees, in_image, to_camera_frame
from flowlift.skeletons import HUMAN36M17


@dataclass(frozen=True, eq=False)
class Capture:
    """One clip: `xyz` (frame, 17, 3) m, Y up, on Human3.6M's joints; `height` (m): the actor's, standing."""

    actor: str
    action: str
    xyz: Float32[np.ndarray, "frame 17 3"]
    height: float
    fps: float


@dataclass(frozen=True)
class Variation:
    """What a method is given. `noise`: standard deviation along each image axis, as a share of the body's height;
    `missing`: joints left out of each frame at random; whether it is told the intrinsics, with them how the camera
    stands (`vertical`), and the body's height."""

    noise: float = 0.0
    missing: int = 0
    intrinsics: bool = True
    vertical: bool = False
    height: bool = False
    views: ViewRange = PHONE

    @property
    def keypoints(self) -> str:
        """What the 2D keypoints are, in words."""
        quality = f"with Gaussian noise of {100 * self.noise:g} % of the body's height" if self.noise else "exact"
        return quality + (f", {self.missing} random joints missing in each frame" if self.missing else "")


VARIATIONS = {
    "exact": Variation(),
    "noise": Variation(noise=0.01),
    "missing": Variation(missing=4),
    "uncalibrated": Variation(intrinsics=False, views=replace(PHONE, fov=(40.0, 80.0))),
    "height": Variation(height=True),
    "vertical": Variation(vertical=True),
}
"""The variations that are measured, by the names the command line takes."""


@dataclass(frozen=True, eq=False)
class View:
    """A clip as a camera sees it: the keypoints, the true pose (frame, 17, 3) m, camera frame, hip at 0, and where the
    hip is, `root` (frame, 3) m."""

    camera: Camera
    keypoints: Keypoints2D
    truth: Float32[np.ndarray, "frame 17 3"]
    root: Float32[np.ndarray, "frame 3"]


def view(capture: Capture, variation: Variation, rng: np.random.Generator) -> View:
    """See a clip with one camera, drawn with `rng`, as is the noise. Joints outside the image are missing."""
    camera = draw_camera_that_sees(rng, capture.xyz, variation.views)
    xyz = to_camera_frame(camera, capture.xyz)
    px = camera.project(xyz)
    hip = xyz[:, HUMAN36M17.root]
    body_px = capture.height * camera.matrix[0, 0] / hip[:, 2]
    kept = in_image(camera, px) & (np.argsort(rng.uniform(size=px.shape[:2]), axis=1) >= variation.missing)
    px = px + variation.noise * body_px[:, None, None] * rng.normal(size=px.shape)
    keypoints = Keypoints2D(
        np.where(kept[..., None], px, np.nan).astype(np.float32)[:, None],
        kept.astype(np.float32)[:, None],
        HUMAN36M17,
        camera.image_size,
        fps=capture.fps,
        source=f"{capture.actor} {capture.action}",
    )
    return View(camera, keypoints, (xyz - hip[:, None]).astype(np.float32), hip.astype(np.float32))


def labelled(
    name: str, labels: Mapping[str, str], capture: Capture, variation: Variation, rng: np.random.Generator
) -> LabelledClip:
    """A capture as a clip of a data set; without its camera where the variation does not tell the intrinsics."""
    seen = view(capture, variation, rng)
    return LabelledClip(
        name=name,
        labels=labels,
        keypoints=seen.keypoints,
        xyz=seen.truth,
        root=seen.root,
        camera=seen.camera if variation.intrinsics else None,
        valid=np.ones(len(seen.truth), dtype=bool),
    )
