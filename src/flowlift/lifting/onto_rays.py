"""How far hypotheses miss the rays of what was seen: what that says of the 2D, and what comes of it."""

from typing import NamedTuple

from array_api_compat import array_namespace

from flowlift.aggregate import Reprojection
from flowlift.lifting.view import Array

LEADING = 2
"""The first pair of hypotheses, which leads the answer."""
_PLACED = 1.5
"""Joints whose misses the solved root, three numbers, takes away."""


class Misses(NamedTuple):
    """Squares of how far joints miss their rays, over the squares that are expected of exact 2D.

    `joint` (row, hypothesis, joint): 0 where nothing was seen, or nothing is expected. `body` (row, hypothesis, 1): the
    mean over the joints that were seen.
    """

    joint: Array
    body: Array

    @property
    def of_answer(self) -> Array:
        """The body's (row), by the hypotheses that lead the answer."""
        return array_namespace(self.body).mean(self.body[:, :LEADING, 0], axis=1)


def misses(missed: Reprojection, weights: Array, expected: Array) -> Misses:
    """`missed`: how hypotheses miss their rays on the plane z = 1; `expected` (row, joint): by how much
    (root-mean-square) they miss exact 2D there, 0: not known. `weights` (row, joint): 0 where a joint was not seen."""
    xp = array_namespace(missed.x, weights, expected)
    counts = ((weights > 0) & (expected > 0))[:, None]
    limit = xp.where(expected > 0, expected, xp.ones_like(expected))[:, None]
    square = (missed.x * missed.x + missed.y * missed.y) / (limit * limit)
    joint = xp.where(counts, square, xp.zeros_like(square))
    seen = xp.clip(xp.sum(xp.astype(counts, square.dtype), axis=-1, keepdims=True) - _PLACED, 1.0, None)
    return Misses(joint, xp.sum(joint, axis=-1, keepdims=True) / seen)


def onto_rays(hypotheses: Array, missed: Reprojection, of: Misses, expected: Array, root: int) -> Array:
    """Root-relative hypotheses (row, hypothesis, joint, 3), in the view's frame, moved across the line of sight as far
    as the 2D deserves it; `expected` (row, joint) as for `misses`.

    A network that has seen many detectors does not quite believe 2D that happens to be exact, and misses it. A body
    that misses its rays by no more than that is put onto them; of one that misses them by more the rest is taken for
    the 2D's error, and it moves by expected^2 / missed^2, which is how a Kalman filter weighs the two. A joint is
    judged by the whole body and by itself, by whichever misses more. Where nothing is expected nothing moves.
    """
    xp = array_namespace(hypotheses, expected)
    gain = missed.depth / xp.clip(xp.maximum(of.body, of.joint), 1.0, None)
    gain = xp.where((expected > 0)[:, None], gain, xp.zeros_like(gain))

    def moved(axis: int, off: Array) -> Array:
        shift = xp.astype(off * gain, hypotheses.dtype)
        return hypotheses[..., axis] - (shift - shift[..., root, None])

    return xp.stack([moved(0, missed.x), moved(1, missed.y), hypotheses[..., 2]], axis=-1)
