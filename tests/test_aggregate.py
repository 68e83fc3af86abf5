"""Aggregation: golden values of the published RPEA, fixed points, and covariances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.aggregate import (
    Aggregation,
    aggregate,
    covariance,
    oracle_errors,
    reprojection_errors,
    rpea,
    rpea_weights,
    weighted_mean,
)
from flowlift.errors import InputError

seeds = st.integers(0, 2**32 - 1)


def hypotheses(seed, count=7):
    return np.random.default_rng(seed).standard_normal((4, count, 17, 3))


def published_errors(golden):
    """Hypotheses (B, H, 17, 3) and their errors as published: the true root and the true camera."""
    found = golden["hypotheses"][:, :, 0].transpose(1, 0, 2, 3)
    return found, oracle_errors(
        found, golden["input_2d"][:, 0], true_root=golden["gt_3d"][:, 0, 0], intrinsics=golden["camera"], root=0
    )


@pytest.mark.parametrize(("keep", "temperature"), [(3, 0.002), (8, 0.005), (5, 0.01)])
def test_joint_wise_rpea_agrees_with_the_published_one(parity, keep, temperature):
    found, errors = published_errors(parity)
    answer = aggregate(found, errors, Aggregation("rpea-joint", keep, temperature))
    answer[:, 0] = 0
    np.testing.assert_allclose(answer, parity[f"rpea_k{keep}_temp{temperature}"][:, 0], atol=1e-5)


def test_jpma_and_mean_agree_with_the_published_ones(parity):
    found, errors = published_errors(parity)
    best = aggregate(found, errors, Aggregation("jpma"))
    best[:, 0] = 0
    np.testing.assert_allclose(best, parity["jpma"][:, 0], atol=1e-5)
    np.testing.assert_allclose(aggregate(found, None, Aggregation("mean")), parity["mean"][:, 0], atol=1e-5)


@given(seed=seeds)
def test_the_oracle_knows_the_true_pose_and_the_solved_root_finds_it_as_well(seed):
    generator = np.random.default_rng(seed)
    pose = generator.standard_normal((3, 17, 3)) * 0.4
    pose[:, 0] = 0
    root = generator.uniform([-1, -1, 4], [1, 1, 9], (3, 3))
    lens = np.tile([2.0, 2.0, 0.1, -0.1, 0, 0, 0, 0, 0], (3, 1))
    rays = (pose + root[:, None])[..., :2] / (pose + root[:, None])[..., 2:]
    screen = 2.0 * rays + [0.1, -0.1]
    wrong = pose + 0.1 * generator.standard_normal(pose.shape)
    both = np.stack([wrong, pose], axis=1)
    for errors in (
        oracle_errors(both, screen, true_root=root, intrinsics=lens, root=0),
        reprojection_errors(both, rays, np.ones((3, 17))),
    ):
        np.testing.assert_allclose(errors[:, 1], 0, atol=1e-9)
        for method in ("jpma", "rpea-joint", "rpea-pose"):
            answer = aggregate(both, errors, Aggregation(method, keep=1))
            np.testing.assert_allclose(answer[:, 1:], pose[:, 1:], atol=1e-9)


def test_hypotheses_placed_as_one_pose_share_its_root():
    generator = np.random.default_rng(3)
    pose = generator.standard_normal((1, 17, 3)) * 0.4
    root = np.array([0.2, -0.1, 5.0])
    rays = (pose + root)[..., :2] / (pose + root)[..., 2:]
    larger = np.stack([pose, 1.3 * pose], axis=1)
    own = reprojection_errors(larger, rays, np.ones((1, 17)))
    shared = reprojection_errors(larger, rays, np.ones((1, 17)), placed_as=pose[:, None])
    np.testing.assert_allclose(shared[:, 0], own[:, 0], atol=1e-9)
    assert (own[:, 1] < 1e-9).all()  # a larger body farther away looks the same
    assert shared[:, 1].mean() > 0.01


@given(seed=seeds, count=st.integers(1, 6))
def test_the_median_is_numpys(seed, count):
    some = hypotheses(seed, count)
    np.testing.assert_allclose(aggregate(some, None, Aggregation("median")), np.median(some, axis=1))


def test_aggregations_that_cannot_be_are_named():
    for settings in ({"method": "best"}, {"keep": 0}, {"temperature": 0.0}, {"temperature": float("nan")}):
        with pytest.raises(InputError, match=r"aggregation|RPEA"):
            Aggregation(**settings)
    with pytest.raises(InputError, match="camera"):
        aggregate(hypotheses(0), None, Aggregation("jpma"))


@given(seed=seeds, keep=st.integers(1, 9), temperature=st.floats(1e-3, 1), per_joint=st.booleans())
def test_equal_hypotheses_are_a_fixed_point(seed, keep, temperature, per_joint):
    pose = hypotheses(seed, 1)
    same = np.repeat(pose, 5, axis=1)
    errors = np.random.default_rng(seed).random((4, 5, 17))
    np.testing.assert_allclose(rpea(same, errors, keep=keep, temperature=temperature, per_joint=per_joint), pose[:, 0])


@given(seed=seeds, keep=st.integers(1, 9))
def test_weights_sum_to_one_keep_the_best_and_ignore_the_order(seed, keep):
    errors = np.random.default_rng(seed).random((4, 7))
    weights = rpea_weights(errors, keep=keep, temperature=0.1)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert ((weights > 0).sum(axis=1) == min(keep, 7)).all()
    assert (weights.argmax(axis=1) == errors.argmin(axis=1)).all()
    np.testing.assert_allclose(rpea_weights(errors[:, ::-1], keep=keep, temperature=0.1), weights[:, ::-1])


@pytest.mark.parametrize("settings", [{"keep": 0, "temperature": 1.0}, {"keep": 3, "temperature": 0.0}])
def test_rpea_settings_out_of_range_are_refused(settings):
    with pytest.raises(InputError):
        rpea_weights(np.zeros((1, 2)), **settings)


@given(seed=seeds)
def test_hypotheses_that_project_onto_the_rays_have_no_error_at_any_depth(seed):
    generator = np.random.default_rng(seed)
    pose = generator.standard_normal((3, 17, 3)) * 0.4
    root = generator.uniform([-1, -1, 3], [1, 1, 9], (3, 3))
    points = pose + root[:, None]
    rays = points[..., :2] / points[..., 2:]
    seen = (generator.random((3, 17)) < 0.7) * 1.0
    seen[:, :4] = 1
    rays[seen == 0] = 77.0  # ignored
    errors = reprojection_errors(pose[:, None], rays, seen)
    assert np.abs(errors).max() < 1e-9


def test_worse_hypotheses_have_larger_errors_and_missing_joints_none():
    generator = np.random.default_rng(0)
    pose = generator.standard_normal((1, 17, 3)) * 0.4
    points = pose + np.array([0, 0, 5.0])
    rays = points[..., :2] / points[..., 2:]
    seen = np.ones((1, 17))
    seen[:, 3] = 0
    noise = generator.standard_normal(pose.shape)
    errors = reprojection_errors(np.stack([pose + s * noise for s in (0, 0.05, 0.2)], axis=1), rays, seen)
    assert (errors[:, :, 3] == 0).all()
    assert (np.diff(errors.mean(axis=2)[0]) > 0).all()


@given(seed=seeds)
def test_covariance_is_symmetric_positive_and_tends_to_the_sample_covariance(seed):
    found = hypotheses(seed, 50)
    mean = found.mean(axis=1)
    cov = covariance(found, mean, expected=np.full((4, 17, 3), 0.3), weight=4.0)
    np.testing.assert_allclose(cov, cov.swapaxes(-1, -2))
    assert (np.linalg.eigvalsh(cov) > 0).all()
    sample = covariance(found, mean, expected=np.zeros((4, 17, 3)), weight=0.0)
    np.testing.assert_allclose(sample[1, 5], np.cov(found[1, :, 5].T), atol=1e-9)


def test_one_hypothesis_has_the_expected_uncertainty():
    found, expected = hypotheses(0, 1), np.random.default_rng(1).random((4, 17, 3))
    cov = covariance(found, found[:, 0], expected=expected, weight=4.0)
    np.testing.assert_allclose(cov, expected[..., None] * np.eye(3))


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_the_mean_covariance_does_not_depend_on_the_number_of_hypotheses(count):
    found = np.random.default_rng(2).standard_normal((3000, count, 1, 3)) * [1.0, 2.0, 3.0]
    cov = covariance(found, found.mean(axis=1), expected=np.tile([1.0, 4.0, 9.0], (3000, 1, 1)), weight=4.0)
    np.testing.assert_allclose(cov.mean(axis=(0, 1)), np.diag([1.0, 4.0, 9.0]), atol=0.35)


def test_mean_agrees_with_the_published_one(parity):
    golden = parity
    found = golden["hypotheses"][:, :, 0].transpose(1, 0, 2, 3)
    weights = np.full(found.shape[:2], 1 / found.shape[1], dtype=np.float32)
    answer = weighted_mean(found, weights)
    np.testing.assert_allclose(answer[:, 1:], golden["mean"][:, 0, 1:], atol=1e-5)
