"""Canonical conditioning for a lifter: the network sees the subject through a virtual camera that looks at it."""

from dataclasses import dataclass

import numpy as np

from flowlift.conditioning import Canonical, canonicalize, decode_pose, features
from flowlift.containers import Keypoints2D
from flowlift.conversion import convert
from flowlift.lifting.view import Array, Seen, View, mirrored_poses
from flowlift.skeleton import Skeleton

DEFAULT_HEIGHT = 1.7
"""A person's height (m) that is assumed when none is given: it sets the scale of everything."""

_FLIP = np.array([-1, 1], dtype=np.float32)


def mirrored_states(states: Array, skeleton: Skeleton) -> Array:
    """States (..., J, 3) (of `flowlift.conditioning.encode_pose`, or the noise they come from) as the mirrored view has
    them."""
    return mirrored_poses(states, skeleton, kept=skeleton.root)  # its row holds the log size, which no mirror changes


@dataclass(frozen=True)
class CanonicalConditioning:
    """`stature`: length from ankle to head along the bones, as a fraction of a person's height. `standard`: the height
    that poses have when none is given. A body whose length itself is measured has 1 for both."""

    skeleton: Skeleton
    stature: float
    standard: float = DEFAULT_HEIGHT

    def convert(self, keypoints: Keypoints2D) -> Keypoints2D:
        return convert(keypoints, self.skeleton)

    def view(self, seen: Seen) -> View:
        view = canonicalize(seen.rays.astype(np.float32), seen.visible, seen.score)
        mirror = list(self.skeleton.mirror)
        mirrored = Canonical(
            view.xy[:, mirror] * _FLIP,
            view.visible[:, mirror],
            view.confidence[:, mirror],
            view.rotation,
            view.scale,
        )
        return View(
            condition=np.asarray(features(view), dtype=np.float32),
            mirrored=np.asarray(features(mirrored), dtype=np.float32),
            rays=view.xy * view.scale[:, None, None],
            extent=view.scale,
            to_camera=np.swapaxes(view.rotation, -1, -2),
        )

    def unmirror(self, states: Array) -> Array:
        return mirrored_states(states, self.skeleton)

    def poses(self, states: Array) -> Array:
        pose, size = decode_pose(states, self.skeleton.root)
        return pose * (self.standard * self.stature / size)[..., None, None]

    def scale(self, pose: Array, height: float | None) -> float:
        return (self.standard if height is None else height) / self.standard
