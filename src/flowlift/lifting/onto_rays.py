"""How far hypotheses miss the rays of what was seen: what that says of the 2D, and what comes of it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from flowlift.aggregate import Reprojection
from flowlift.lifting.view import States

LEADING = 2
"""The first pair of hypotheses, which leads the answer."""
_PLACED = 1.5
"""Joints whose misses the solved root, three numbers, takes away."""


class Misses(NamedTuple):
    """Squares of how far joints miss their rays, over the squares that are expected of exact 2D.

    `joint` (row, hypothesis, joint): 0 where nothing was seen, or nothing is expected. `body` (row, hypothesis, 1): the
    mean over the joints that were seen.
    """

    joint: Float[np.ndarray, "row hypothesis joint"]
    body: Float[np.ndarray, "row hypothesis 1"]

    @property
    def of_answer(self) -> Float[np.ndarray, " row"]:
        """The body's, by the hypotheses that lead the answer."""
        return self.body[:, :LEADING, 0].mean(axis=1)


def misses(
    missed: Reprojection, weights: Float[np.ndarray, "row joint"], expected: Float[np.ndarray, "row joint"]
) -> Misses:
    """`missed`: how hypotheses miss their rays on the plane z = 1; `expected`: by how much (root-mean-square) they miss
    exact 2D there, 0: not known. `weights`: 0 where a joint was not seen."""
    counts = ((weights > 0) & (expected > 0))[:, None]
    limit = np.where(expected > 0, expected, 1.0)[:, None]
    joint = np.where(counts, (missed.x * missed.x + missed.y * missed.y) / (limit * limit), 0)
    seen = np.maximum(counts.sum(axis=-1, keepdims=True) - _PLACED, 1)
    return Misses(joint, joint.sum(axis=-1, keepdims=True) / seen)


def onto_rays(
    hypotheses: States, missed: Reprojection, of: Misses, expected: Float[np.ndarray, "row joint"], root: int
) -> States:
    """Root-relative hypotheses, in the view's frame, moved across the line of sight as far as the 2D deserves it.

    A network that has seen many detectors does not quite believe 2D that happens to be exact, and misses it. A body
    that misses its rays by no more than that is put onto them; of one that misses them by more the rest is taken for
    the 2D's error, and it moves by expected^2 / missed^2, which is how a Kalman filter weighs the two. A joint is
    judged by the whole body and by itself, by whichever misses more. Where nothing is expected nothing moves.
    """
    known = (expected > 0)[:, None]
    gain = np.where(known, missed.depth / np.maximum(np.maximum(of.body, of.joint), 1), 0)
    moved = hypotheses.copy()
    for axis, off in enumerate((missed.x, missed.y)):
        shift: Float32[np.ndarray, "row hypothesis joint"] = (off * gain).astype(np.float32)
        moved[..., axis] -= shift - shift[..., root, None]
    return moved
