"""Sampling: with a network that knows the answer every method ends there; DDPM and DDIM keep a Gaussian's spread."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.errors import InputError
from flowlift.sampling import METHODS, ddim, ddpm, sample, signal_and_noise

seeds = st.integers(0, 2**32 - 1)


def knowing(method, pose):
    """What a network that knows the pose says, for each method."""
    if method == "flow":
        return lambda x, t: (pose - x) / (1 - t)
    return lambda x, t: pose + 0 * x


@given(seed=seeds, steps=st.integers(1, 9), method=st.sampled_from(METHODS))
def test_a_network_that_knows_the_pose_is_brought_to_it(seed, steps, method):
    x_0, pose = np.random.default_rng(seed).standard_normal((2, 3, 17, 3))
    np.testing.assert_allclose(sample(method, knowing(method, pose), x_0, steps=steps), pose, atol=1e-9)


@given(t=st.floats(0, 1))
def test_signal_and_noise_share_one_variance(t):
    signal, noise = signal_and_noise(t)
    assert signal**2 + noise**2 == pytest.approx(1)


def gaussian(mean, sd):
    """The exact expectation of the pose given x_t where poses are N(mean, sd^2)."""

    def network(x, t):
        signal, noise = signal_and_noise(t)
        return mean + sd**2 * signal * (x - signal * mean) / (sd**2 * signal**2 + noise**2)

    return network


def test_diffusion_of_a_gaussian_gives_the_gaussian_back():
    generator = np.random.default_rng(0)
    x_0 = generator.standard_normal(20_000)
    for found in (
        ddim(gaussian(0.3, 0.5), x_0, steps=200),
        ddpm(gaussian(0.3, 0.5), x_0, steps=200, draw=lambda: generator.standard_normal(len(x_0))),
    ):
        assert found.mean() == pytest.approx(0.3, abs=0.02)
        assert found.std() == pytest.approx(0.5, rel=0.03)


def test_more_ddim_steps_come_closer_to_the_many_step_answer():
    x_0 = np.random.default_rng(1).standard_normal(500)
    truth = ddim(gaussian(0.3, 0.5), x_0, steps=2000)
    errors = [np.abs(ddim(gaussian(0.3, 0.5), x_0, steps=steps) - truth).max() for steps in (5, 10, 20, 40)]
    assert all(later < 0.7 * earlier for earlier, later in pairwise(errors))


def test_a_regression_answers_alike_whatever_the_noise():
    noise = np.random.default_rng(2).standard_normal((2, 4, 17, 3))
    answers = [sample("regression", lambda x, t: x + 1, x_0, steps=3) for x_0 in noise]
    np.testing.assert_array_equal(*answers)


def test_torch_tensors_give_what_numpy_gives():
    torch = pytest.importorskip("torch")
    x_0 = np.random.default_rng(0).standard_normal((3, 4))
    for method in METHODS:
        mine = sample(method, lambda x, t: x * t, x_0, steps=4)
        theirs = sample(method, lambda x, t: x * t, torch.from_numpy(x_0), steps=4)
        np.testing.assert_allclose(theirs.numpy(), mine)


@pytest.mark.parametrize(
    "settings", [{"method": "magic"}, {"method": "flow", "steps": 0}, {"method": "diffusion", "steps": 0}]
)
def test_settings_out_of_range_are_named(settings):
    with pytest.raises(InputError, match=r"magic|steps"):
        sample(**{"steps": 3, **settings}, network=lambda x, t: x, x_0=np.zeros(3))
