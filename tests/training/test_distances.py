"""Losses that are the metrics, with a gradient everywhere."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from flowlift.evaluation.metrics import mpjpe_per_pose, p_mpjpe_per_pose  # noqa: E402
from flowlift.training.distances import aligned_distance, mean_distance  # noqa: E402


def poses(seed, count=5):
    return torch.randn(count, 17, 3, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("loss", "metric"), [(mean_distance, mpjpe_per_pose), (aligned_distance, p_mpjpe_per_pose)])
def test_they_are_the_metrics(loss, metric):
    weights = (poses(3)[..., 0] > -0.5).float()
    for chosen in (None, weights, weights[:1]):  # one set for all is enough
        found = loss(poses(1), poses(2), chosen)
        np.testing.assert_allclose(found, metric(poses(1), poses(2), weights=chosen), rtol=1e-5)


@pytest.mark.parametrize(("loss", "share"), [(mean_distance, 0.99), (aligned_distance, 0.6)])
def test_a_step_against_the_gradient_lowers_them(loss, share):
    pred, truth = poses(1).double().requires_grad_(True), poses(2).double()
    before = loss(pred, truth).sum()
    (gradient,) = torch.autograd.grad(before, pred)
    step = 1e-4 / gradient.norm()
    lower = float(before - loss(pred - step * gradient, truth).sum())
    assert lower > share * float(step * gradient.square().sum())


def test_joints_that_lie_on_the_truth_have_a_gradient():
    truth = poses(2)
    pred = truth.clone()
    pred[:, 5:] += 0.1
    pred.requires_grad_(True)
    (gradient,) = torch.autograd.grad(mean_distance(pred, truth).sum(), pred)
    assert gradient.isfinite().all()
    assert not gradient[:, :5].any()
