"""Hypotheses moved onto the rays along which their joints were seen, as far as the 2D deserves it."""

import numpy as np
from jaxtyping import Float, Float32

from flowlift.aggregate import Reprojection
from flowlift.lifting.view import States


def onto_rays(
    hypotheses: States,
    missed: Reprojection,
    weights: Float[np.ndarray, "row joint"],
    expected: Float[np.ndarray, "row joint"],
    root: int,
) -> States:
    """Root-relative hypotheses, in the view's frame, moved across the line of sight; `missed`: how they miss the rays.

    A network that has seen many detectors does not quite believe 2D that happens to be exact: it misses it by
    `expected` (on the plane z = 1, root-mean-square; 0: not known, and nothing moves). A body that misses its rays by
    no more is put onto them; of one that misses them by more the rest is taken for the 2D's error, and it moves by
    expected^2 / missed^2, which is how a Kalman filter weighs the two. A joint is judged by the whole body and by
    itself, by whichever misses more.
    """
    square = missed.x * missed.x + missed.y * missed.y
    known = (expected > 0)[:, None]
    ratio = np.where(known, square / np.maximum(expected, 1e-9)[:, None] ** 2, 0)
    seen = (weights > 0)[:, None]
    body = (ratio * seen).sum(axis=-1, keepdims=True) / np.maximum(seen.sum(axis=-1, keepdims=True), 1)
    gain = np.where(known, missed.depth / np.maximum(np.maximum(body, ratio), 1), 0)
    moved = hypotheses.copy()
    for axis, off in enumerate((missed.x, missed.y)):
        shift: Float32[np.ndarray, "row hypothesis joint"] = (off * gain).astype(np.float32)
        moved[..., axis] -= shift - shift[..., root, None]
    return moved
