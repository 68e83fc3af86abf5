"""Hypotheses to one answer and how sure it is, wherever the hypotheses are: in NumPy, or on the device of an engine."""

from dataclasses import dataclass

from array_api_compat import array_namespace

from flowlift.aggregate import covariance, reproject, rpea_weights, weighted_mean
from flowlift.lifting.hypotheses import centre_weighted
from flowlift.lifting.onto_rays import misses, onto_rays
from flowlift.lifting.view import Array

RPEA_TEMPERATURE = 0.05
"""Temperature of pose-wise RPEA, in units of the subject's extent. All hypotheses are kept: on held-out poses every
choice among them was worse than their mean, which this comes close to unless some reproject badly."""

EXPECTED_WEIGHT = 4.0
"""As how many further hypotheses the expected spread counts."""


@dataclass(frozen=True, eq=False)
class Answer:
    """In the view's frame: `mean` (row, joint, 3), the covariance `cov` (row, joint, 3, 3) of the hypotheses about it,
    `missed` (row), by how much those that lead it miss the 2D (`onto_rays.Misses`), and the `hypotheses` themselves
    (row, hypothesis, joint, 3), moved as far as the 2D deserves it."""

    mean: Array
    cov: Array
    missed: Array
    hypotheses: Array


def answer_of(
    poses: Array, *, rays: Array, extent: Array, weights: Array, missed: Array, spread: Array, centred: bool, root: int
) -> Answer:
    """From root-relative poses (row, hypothesis, joint, 3) and what was seen: `rays` (row, joint, 2), `weights`
    (row, joint), 0 = missing, and `extent` (row) of a `View`. `missed` (joint): by how much, of the extent, exact 2D is
    missed; `spread` (row, joint, 3): variances that are expected. `centred`: the first pair leads the answer."""
    xp = array_namespace(poses)
    by = reproject(poses, rays, weights)
    apart = xp.sqrt(by.x * by.x + by.y * by.y)
    judged = xp.mean(apart, axis=2) / extent[:, None]
    expected = extent[:, None] * missed
    of = misses(by, weights, expected)
    poses = onto_rays(poses, by, of, expected, root)
    chosen = rpea_weights(judged, keep=judged.shape[1], temperature=RPEA_TEMPERATURE)
    mean = weighted_mean(poses, centre_weighted(chosen) if centred else chosen)
    cov = covariance(poses, mean, expected=spread, weight=EXPECTED_WEIGHT)
    return Answer(mean, cov, of.of_answer, poses)
