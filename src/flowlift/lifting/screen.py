"""Screen conditioning for a lifter, as published: pixels over half the image's width go in, metres come out.

The network answers in the camera frame and in the unit of the poses it learned; it knows neither the camera nor that a
joint can be missing.
"""

from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace
from jaxtyping import Float32

from flowlift.containers import Keypoints2D
from flowlift.conversion import convert
from flowlift.errors import InputError
from flowlift.lifting.missing import filled
from flowlift.lifting.stature import stature
from flowlift.lifting.view import Array, Seen, View, extent_of, mirrored_poses
from flowlift.screen import to_screen
from flowlift.skeleton import Skeleton

_PUBLISHED = {("coco17", "human36m17")}
"""From, to: what the method's authors have a recipe for, which their networks expect."""


@dataclass(frozen=True)
class ScreenConditioning:
    """`stature`: length from ankle to head along the bones, as a fraction of a person's height; None: no person."""

    skeleton: Skeleton
    stature: float | None

    def convert(self, keypoints: Keypoints2D) -> Keypoints2D:
        published = (keypoints.skeleton.name, self.skeleton.name) in _PUBLISHED
        return convert(keypoints, self.skeleton, "published" if published else "default")

    def view(self, seen: Seen) -> View:
        """A missing joint is put between its visible neighbours on the skeleton: the network must be told something."""
        screen = to_screen(filled(seen.xy, seen.visible, self.skeleton), seen.image_size).astype(np.float32)
        mirrored = screen[:, list(self.skeleton.mirror)] * np.array([-1, 1], dtype=np.float32)
        return View(
            condition=screen,
            mirrored=mirrored,
            rays=seen.rays.astype(np.float32),
            extent=extent_of(seen.rays, seen.visible).astype(np.float32),
            to_camera=np.broadcast_to(np.eye(3, dtype=np.float32), (len(screen), 3, 3)),
        )

    def unmirror(self, states: Array) -> Array:
        return mirrored_poses(states, self.skeleton)

    def poses(self, states: Array) -> Array:
        root, xp = self.skeleton.root, array_namespace(states)
        zero = xp.zeros_like(states[..., :1, :])  # as published: the root's row is set, nothing is subtracted
        return xp.concat([states[..., :root, :], zero, states[..., root + 1 :, :]], axis=-2)

    def scale(
        self, pose: Float32[np.ndarray, "row joint 3"], height: float | None
    ) -> float | Float32[np.ndarray, " row"]:
        if height is None:
            return 1.0
        if self.stature is None:
            raise InputError(f"height: the skeleton {self.skeleton.name!r} has no stature; leave height out")
        tall = np.maximum(stature(pose, self.skeleton), 1e-6)
        return (height * self.stature / tall).astype(np.float32)
