"""How 2D enters a network and poses come out of it: one protocol, whatever the conditioning."""

from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from array_api_compat import array_namespace, device
from jaxtyping import Bool, Float, Float32, Shaped

from flowlift.containers import Keypoints2D
from flowlift.skeleton import Skeleton

Array = Any  # (row, hypothesis, joint, 3) as an engine holds it: a NumPy array or a torch tensor


@dataclass(frozen=True, eq=False)
class Seen:
    """Some people in some frames, one a row, on the model's skeleton.

    `xy`: px, anything where not visible. `rays`: on the plane z = 1 of the camera frame, 0 where not visible.
    `score` in [0, 1]. `image_size`: (width, height) px.
    """

    xy: Float32[np.ndarray, "row joint 2"]
    rays: Float[np.ndarray, "row joint 2"]
    visible: Bool[np.ndarray, "row joint"]
    score: Float32[np.ndarray, "row joint"]
    image_size: tuple[int, int]

    def rows(self, which: Shaped[np.ndarray, " some"]) -> Self:
        """Some of the rows, by index."""
        kept = {name: getattr(self, name)[which] for name in ("xy", "rays", "visible", "score")}
        return replace(self, **kept)


@dataclass(frozen=True, eq=False)
class View:
    """The same rows as the network sees them.

    `condition` is what it gets, `mirrored` the same of the mirrored image. `rays` lie on the plane z = 1 of the frame
    in which the poses come out, which `to_camera` turns into the camera frame; `extent` is the subject's
    root-mean-square size there.
    """

    condition: Float32[np.ndarray, "row *inputs"]
    mirrored: Float32[np.ndarray, "row *inputs"]
    rays: Float[np.ndarray, "row joint 2"]
    extent: Float[np.ndarray, " row"]
    to_camera: Float[np.ndarray, "row 3 3"]


@runtime_checkable
class Conditioning(Protocol):
    """One way for 2D into a network, and for poses out of it."""

    def convert(self, keypoints: Keypoints2D) -> Keypoints2D:
        """Keypoints on the model's skeleton. Raises InputError where they share too little."""

    def view(self, seen: Seen) -> View:
        """What the network gets."""

    def unmirror(self, states: Array) -> Array:
        """What was sampled from the mirrored view, as if it had been from the view itself."""

    def poses(self, states: Array) -> Array:
        """What was sampled as root-relative poses in the view's frame, in the model's unit (of a person of 1.7 m)."""

    def scale(
        self, pose: Float32[np.ndarray, "row joint 3"], height: float | None
    ) -> float | Float32[np.ndarray, " row"]:
        """Factors that bring poses of `poses` to the person's height (m; None: not known)."""


def extent_of(
    rays: Float[np.ndarray, "row joint 2"], visible: Bool[np.ndarray, "row joint"]
) -> Float[np.ndarray, " row"]:
    """Root-mean-square distance of the visible rays from their centre, at least 1e-4."""
    count = np.maximum(visible.sum(axis=1), 1)[:, None]
    centre = (rays * visible[..., None]).sum(axis=1) / count
    square = ((rays - centre[:, None]) ** 2).sum(axis=-1) * visible
    return np.maximum(np.sqrt(square.sum(axis=1) / count[:, 0]), 1e-4)


def mirrored_poses(poses: Array, skeleton: Skeleton, *, kept: int | None = None) -> Array:
    """Poses (..., J, 3) as a mirror shows them, left joints where right ones were. `kept`: a joint in the middle whose
    row stays as it is."""
    xp = array_namespace(poses)
    where = device(poses)
    signs = [[1.0 if joint == kept else -1.0, 1.0, 1.0] for joint in range(len(skeleton))]
    flip = xp.asarray(signs, dtype=poses.dtype, device=where)
    return xp.take(poses, xp.asarray(skeleton.mirror, device=where), axis=-2) * flip
