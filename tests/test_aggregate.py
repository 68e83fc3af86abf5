"""Aggregation: golden values of the published RPEA, fixed points, and covariances."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.aggregate import covariance, reprojection_errors, rpea, rpea_weights, weighted_mean
from flowlift.errors import InputError

seeds = st.integers(0, 2**32 - 1)


def hypotheses(seed, count=7):
    return np.random.default_rng(seed).standard_normal((4, count, 17, 3))


def project_published(xyz, camera):
    """The published projection: x/z and y/z clamped to 1, then the lens; `camera` is f2 c2 k3 p2, normalised."""
    f, c, k, p = (camera[:, None, a:b] for a, b in ((0, 2), (2, 4), (4, 7), (7, 9)))
    flat = np.clip(xyz[..., :2] / xyz[..., 2:], -1, 1)
    r2 = (flat**2).sum(-1, keepdims=True)
    radial = 1 + (k * np.concatenate([r2, r2**2, r2**3], axis=-1)).sum(-1, keepdims=True)
    tangential = (p * flat).sum(-1, keepdims=True)
    return f * (flat * (radial + tangential) + p * r2) + c


@pytest.mark.parametrize(("keep", "temperature"), [(3, 0.002), (8, 0.005), (5, 0.01)])
def test_joint_wise_rpea_agrees_with_the_published_one(parity, keep, temperature):
    golden = parity
    found = golden["hypotheses"][:, :, 0].transpose(1, 0, 2, 3)
    root = golden["gt_3d"][:, 0, :1]  # the true root: this is the oracle form
    placed = found.copy()
    placed[:, :, 0] = 0
    projected = np.stack([project_published(placed[:, h] + root, golden["camera"]) for h in range(found.shape[1])], 1)
    errors = np.linalg.norm(projected - golden["input_2d"][:, 0][:, None], axis=-1)
    errors[:, :, 0] = 0  # the published code gives the root equal weights, then sets it to 0
    answer = rpea(found, errors, keep=keep, temperature=temperature, per_joint=True)
    answer[:, 0] = 0
    np.testing.assert_allclose(answer, golden[f"rpea_k{keep}_temp{temperature}"][:, 0], atol=1e-5)


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
    cov = covariance(found, mean, prior=np.full((4, 17), 0.3), prior_weight=4.0)
    np.testing.assert_allclose(cov, cov.swapaxes(-1, -2))
    assert (np.linalg.eigvalsh(cov) > 0).all()
    sample = covariance(found, mean, prior=np.zeros((4, 17)), prior_weight=0.0)
    np.testing.assert_allclose(sample[1, 5], np.cov(found[1, :, 5].T, bias=True), atol=1e-9)


def test_one_hypothesis_has_the_prior_uncertainty():
    found = hypotheses(0, 1)
    cov = covariance(found, found[:, 0], prior=np.full((4, 17), 0.5), prior_weight=4.0)
    np.testing.assert_allclose(cov, np.broadcast_to(np.eye(3) * 0.4, cov.shape))


def test_mean_agrees_with_the_published_one(parity):
    golden = parity
    found = golden["hypotheses"][:, :, 0].transpose(1, 0, 2, 3)
    weights = np.full(found.shape[:2], 1 / found.shape[1], dtype=np.float32)
    answer = weighted_mean(found, weights)
    np.testing.assert_allclose(answer[:, 1:], golden["mean"][:, 0, 1:], atol=1e-5)
