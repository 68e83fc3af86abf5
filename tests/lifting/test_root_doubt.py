"""The root's covariance against what happens when joints and rays are truly wrong."""

import numpy as np

from flowlift.camera import solve_root
from flowlift.lifting.root_doubt import root_covariance


def test_it_is_the_scatter_of_roots_solved_from_wrong_poses() -> None:
    rng = np.random.default_rng(0)
    pose, root = rng.normal(size=(17, 3)) * [0.3, 0.6, 0.3], np.array([0.4, -0.2, 4.0])
    weights = rng.uniform(0.3, 1, 17)
    weights[3] = 0
    rays = (pose + root)[:, :2] / (pose + root)[:, 2:]
    cov = np.broadcast_to(np.diag([0.01, 0.01, 0.05]) ** 2, (17, 3, 3))
    wrong = pose + rng.normal(size=(4000, 17, 3)) @ np.sqrt(cov[0])
    found = solve_root(wrong, np.broadcast_to(rays, (4000, 17, 2)), np.broadcast_to(weights, (4000, 17)))
    told = root_covariance(pose[None], cov[None], root[None], rays[None], weights[None])[0]
    np.testing.assert_allclose(told, np.cov(found.T), rtol=0.3, atol=2e-6)
    assert told[2, 2] > 20 * told[0, 0]


def test_rays_that_are_missed_count() -> None:
    rng = np.random.default_rng(1)
    pose, root = rng.normal(size=(1, 17, 3)), np.array([[0.0, 0.0, 5.0]])
    rays = (pose + root[:, None])[..., :2] / (pose + root[:, None])[..., 2:]
    sure, weights = np.full((1, 17, 3, 3), 0.0), np.ones((1, 17))
    exact = root_covariance(pose, sure, root, rays, weights)
    off = root_covariance(pose, sure, root, rays + 0.01 * rng.normal(size=rays.shape), weights)
    assert np.abs(exact).max() < 1e-12
    assert off[0, 2, 2] > 1e-5
