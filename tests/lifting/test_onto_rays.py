"""Hypotheses on their rays: put there where the 2D may be exact, moved little where it cannot be, never in depth."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift import Keypoints2D, Lifter
from flowlift.aggregate import reproject, reprojection_errors
from flowlift.demo import synthesize
from flowlift.lifting.onto_rays import LEADING, misses, onto_rays
from flowlift.models import find_model
from flowlift.skeletons import HUMAN36M17

ROOT = HUMAN36M17.root


def scene(seed, *, off=0.0, missing=0):
    """Two people seen exactly, and three hypotheses of each, off in x, y (metres) and in depth."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 0.3, (2, 17, 3)).astype(np.float32)
    truth -= truth[:, [ROOT]]
    placed = truth + np.array([0.2, -0.1, 4.0])
    rays = placed[..., :2] / placed[..., 2:]
    weights = np.ones((2, 17))
    weights[:, rng.permutation([j for j in range(17) if j != ROOT])[:missing]] = 0
    wrong = rng.normal(0, 1, (2, 3, 17, 3)) * [off, off, 0.1]
    hypotheses = truth[:, None] + wrong
    hypotheses -= hypotheses[:, :, [ROOT]]
    return hypotheses.astype(np.float32), rays, weights


def moved(hypotheses, rays, weights, expected):
    limit, missed = np.full((len(hypotheses), 17), expected), reproject(hypotheses, rays, weights)
    return onto_rays(hypotheses, missed, misses(missed, weights, limit), limit, ROOT)


@given(st.integers(0, 1000), st.integers(0, 6))
def test_what_may_be_exact_is_put_onto_its_rays(seed, missing):
    hypotheses, rays, weights = scene(seed, off=0.02, missing=missing)
    found = moved(hypotheses, rays, weights, expected=1.0)
    before, after = (reprojection_errors(x.astype(np.float64), rays, weights) for x in (hypotheses, found))
    assert after.max() < 1e-5
    assert before.max() > 1e-3
    np.testing.assert_array_equal(found[..., 2], hypotheses[..., 2])
    np.testing.assert_allclose(found[:, :, ROOT], 0, atol=1e-6)


@given(st.integers(0, 1000))
def test_missing_joints_keep_their_place_in_space(seed):
    hypotheses, rays, weights = scene(seed, off=0.02, missing=5)
    found = moved(hypotheses, rays, weights, expected=1.0)
    shift = found - hypotheses
    gone = weights[0] == 0
    gone &= weights[1] == 0
    # Relative to the root all of them move alike: by what the root moved the other way.
    np.testing.assert_allclose(
        shift[:, :, gone], np.broadcast_to(shift[:, :, gone][:, :, :1], shift[:, :, gone].shape), atol=1e-6
    )


def test_nothing_moves_where_nobody_measured():
    hypotheses, rays, weights = scene(0, off=0.05)
    np.testing.assert_array_equal(moved(hypotheses, rays, weights, expected=0.0), hypotheses)


@given(st.integers(0, 200), st.floats(0.001, 0.004))
def test_the_more_it_misses_the_less_it_moves(seed, expected):
    hypotheses, rays, weights = scene(seed, off=0.3)
    missed = reproject(hypotheses, rays, weights)
    distance = np.hypot(missed.x, missed.y)
    found = moved(hypotheses, rays, weights, expected)
    step = np.linalg.norm((found - hypotheses)[..., :2], axis=-1)
    # No joint moves by more than is expected, on the plane, and the root's step comes on top.
    assert (step <= 2 * expected * missed.depth.max() + 1e-6).all()
    after = reprojection_errors(found.astype(np.float64), rays, weights)
    assert after.mean() < distance.mean()


def test_one_outlier_does_not_pull():
    hypotheses, rays, weights = scene(3, off=0.002)
    rays = rays.copy()
    wrist = HUMAN36M17.index("left_wrist")
    rays[:, wrist] += 0.2
    found = moved(hypotheses, rays, weights, expected=0.003)
    assert np.abs((found - hypotheses)[:, :, wrist, :2]).max() < 0.01


@given(st.integers(0, 200), st.floats(0.5, 3.0))
def test_misses_are_told_in_what_is_expected(seed, times):
    hypotheses, rays, weights = scene(seed, off=0.02, missing=4)
    missed = reproject(hypotheses, rays, weights)
    distance = np.hypot(missed.x, missed.y)
    expected = np.full((2, 17), distance.mean() / times)
    of = misses(missed, weights, expected)
    seen = weights > 0
    np.testing.assert_allclose(of.joint, (distance / expected[:, None]) ** 2 * seen[:, None], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(of.of_answer, of.joint[:, :2].sum(axis=-1).mean(axis=1) / (seen.sum(axis=1) - 1.5))


def test_who_misses_more_is_doubted_more_and_joints_of_others_are_trusted_no_more_than_on_average():
    clip = synthesize(seconds=1)
    lifter = Lifter.load("human")
    px = clip.camera.project(clip.truth.absolute.astype(np.float64)).astype(np.float32)
    scores = np.ones(px.shape[:3], dtype=np.float32)
    own = Keypoints2D(px, scores, HUMAN36M17, clip.keypoints.image_size)
    noise = np.random.default_rng(0).normal(0, 8, px.shape).astype(np.float32)
    renamed = replace(HUMAN36M17, name="mine")

    def volume(keypoints):
        poses = lifter(keypoints, camera=clip.camera, height=1.7)
        return np.median(np.linalg.det(poses.cov[:, 0, 1:].astype(np.float64)))

    assert volume(own) < 0.8 * volume(replace(own, xy=px + noise))
    assert volume(own) < 0.8 * volume(replace(own, skeleton=renamed))


def test_a_lifter_can_leave_hypotheses_where_the_network_puts_them():
    clip, lifter = synthesize(seconds=0.5), Lifter.load("human")
    moved_ones, bare = (
        each(clip.keypoints, camera=clip.camera, keep_hypotheses=True, smooth="off")
        for each in (lifter, lifter.unmoved)
    )
    step = np.abs(moved_ones.hypotheses - bare.hypotheses)[:, :, :LEADING]  # the others start elsewhere
    assert 1e-4 < np.nanmax(step) < 0.2
    assert not lifter.unmoved.model.calibration.missed.any()


@pytest.mark.parametrize("model", ["human", "human-fast"])
def test_the_packaged_models_know_by_how_much_they_miss(model):
    calibration = find_model(model).calibration
    missed = calibration.missed
    assert missed.shape == (17,)
    assert ((missed > 0.002) & (missed < 0.06)).all()
    knots, factors = calibration.doubt.T
    np.testing.assert_allclose(calibration.doubted(knots), factors, rtol=1e-5)
    assert calibration.doubted(np.array([1e-6, 1e6])) == pytest.approx([factors.min(), factors.max()])
    assert factors[-1] > 2 * factors[0]
