"""The filter and the smoother against what is known in closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlift.kalman import Track, kalman_filter, robust_smooth, rts_smooth, transition


def track(y: np.ndarray, r: float, times: np.ndarray | None = None, there: np.ndarray | None = None) -> Track:
    frames, points, dim = y.shape
    times = np.arange(frames) / 30 if times is None else times
    there = np.ones((frames, points), dtype=bool) if there is None else there
    return Track(times, y, np.broadcast_to(r * np.eye(dim), (frames, points, dim, dim)), there)


def simulated(seed: int, frames: int, q: float, r: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, true positions (frame, 50, 3) and noisy ones of points that do what the model says."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.01, 0.06, frames))
    state = np.concatenate([rng.normal(size=(50, 3)), rng.normal(size=(50, 3))], axis=1)
    truth = []
    for t in range(frames):
        if t:
            step, noise = transition(times[t] - times[t - 1], np.full(50, q), 3)
            state = state @ step.T + np.einsum("pij,pj->pi", np.linalg.cholesky(noise), rng.normal(size=(50, 6)))
        truth.append(state[:, :3])
    truth = np.array(truth)
    return times, truth, truth + np.sqrt(r) * rng.normal(size=truth.shape)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000))
def test_the_smoother_is_least_squares(seed: int) -> None:
    """Its answer minimises the sum of squares that the model's likelihood is: no nearby path is better."""
    rng = np.random.default_rng(seed)
    y, q, r = rng.normal(size=(6, 1, 1)), 2.0, 0.3
    times = np.cumsum(rng.uniform(0.1, 0.5, 6))
    found = rts_smooth(track(y, r, times), np.array([q])).mean[:, 0, 0]
    # The same as one linear system over (position, velocity) of all frames, with the same weak prior.
    rows, values = [], []

    def condition(matrix: np.ndarray, value: np.ndarray, cov: np.ndarray) -> None:
        root = np.linalg.cholesky(np.linalg.inv(cov)).T
        rows.append(root @ matrix)
        values.append(root @ value)

    def pick(t: int) -> np.ndarray:
        matrix = np.zeros((2, 12))
        matrix[0, 2 * t], matrix[1, 2 * t + 1] = 1, 1
        return matrix

    condition(pick(0), np.array([y[0, 0, 0], 0]), np.diag([100 * r + 1, 9.0]))
    for t in range(6):
        condition(pick(t)[:1], y[t, 0], np.array([[r]]))
        if t:
            step, noise = transition(times[t] - times[t - 1], np.array([q]), 1)
            condition(pick(t) - step @ pick(t - 1), np.zeros(2), noise[0])
    exact = np.linalg.lstsq(np.concatenate(rows), np.concatenate(values), rcond=None)[0][::2]
    np.testing.assert_allclose(found, exact, atol=1e-6)


def test_smoothing_helps_and_knows_by_how_much() -> None:
    times, truth, seen = simulated(0, 80, q=5.0, r=0.01)
    found = rts_smooth(track(seen, 0.01, times), np.full(50, 5.0))
    filtered = kalman_filter(track(seen, 0.01, times), np.full(50, 5.0))
    errors = [np.sqrt(np.mean((x - truth) ** 2)) for x in (seen, filtered.mean[..., :3], found.mean)]
    assert errors[2] < errors[1] < errors[0]
    far = np.einsum("fpi,fpij,fpj->fp", found.mean - truth, np.linalg.inv(found.cov), found.mean - truth)
    assert far.mean() == pytest.approx(3, rel=0.1)  # chi-square with 3 degrees of freedom


def test_the_likelihood_prefers_the_truth() -> None:
    times, _, seen = simulated(1, 80, q=5.0, r=0.01)

    def likelihood(q: float, r: float) -> float:
        return float(kalman_filter(track(seen, r, times), np.full(50, q)).log_likelihood.sum())

    best = likelihood(5.0, 0.01)
    assert all(likelihood(*other) < best for other in ((50.0, 0.01), (0.5, 0.01), (5.0, 0.1), (5.0, 0.001)))


def test_a_gap_is_bridged_with_growing_doubt() -> None:
    y = np.linspace(0, 2, 30)[:, None, None] * np.ones((1, 1, 3))
    there = np.ones((30, 1), dtype=bool)
    there[10:20] = False
    found = rts_smooth(track(np.where(there[..., None], y, 0), 1e-4, there=there), np.array([1.0]))
    np.testing.assert_allclose(found.mean, y, atol=0.02)
    doubt = found.cov[:, 0, 0, 0]
    assert doubt[14] > doubt[11] > doubt[9]
    assert doubt[15] > doubt[18] > doubt[20]


def test_points_do_not_know_of_each_other() -> None:
    times, _, seen = simulated(2, 20, q=5.0, r=0.01)
    together = rts_smooth(track(seen, 0.01, times), np.full(50, 5.0))
    alone = rts_smooth(track(seen[:, 3:4], 0.01, times), np.array([5.0]))
    np.testing.assert_allclose(together.mean[:, 3:4], alone.mean, atol=1e-12)


def test_outliers_are_not_believed() -> None:
    times, truth, seen = simulated(3, 60, q=5.0, r=1e-4)
    rng = np.random.default_rng(0)
    wild = np.where(rng.uniform(size=seen.shape[:2])[..., None] < 0.08, seen + rng.normal(size=seen.shape), seen)
    plain, robust = (smooth(track(wild, 1e-4, times), np.full(50, 5.0)) for smooth in (rts_smooth, robust_smooth))
    clean = rts_smooth(track(seen, 1e-4, times), np.full(50, 5.0))
    errors = [float(np.sqrt(np.mean((found.mean - truth) ** 2))) for found in (clean, robust, plain)]
    assert errors[1] < 2 * errors[0]
    assert errors[2] > 4 * errors[1]
