"""Laws of the flow: the exact field brings any noise home; solvers converge with their order."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.errors import InputError
from flowlift.flow import SOLVERS, integrate, path, times


def exact_field(x_1):
    return lambda x, t: (x_1 - x) / (1 - t)


@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 9))
def test_exact_field_reaches_its_target_in_any_number_of_euler_steps(seed, steps):
    x_0, x_1 = np.random.default_rng(seed).standard_normal((2, 4, 17, 3))
    np.testing.assert_allclose(integrate(exact_field(x_1), x_0, steps=steps), x_1, atol=1e-9)


@given(seed=st.integers(0, 2**32 - 1), t=st.floats(0, 0.99))
def test_path_starts_at_noise_ends_at_the_pose_and_its_velocity_is_the_exact_field(seed, t):
    x_0, x_1 = np.random.default_rng(seed).standard_normal((2, 5, 3))
    np.testing.assert_array_equal(path(x_0, x_1, 0.0).x_t, x_0)
    np.testing.assert_array_equal(path(x_0, x_1, 1.0).x_t, x_1)
    sample = path(x_0, x_1, t)
    np.testing.assert_allclose(exact_field(x_1)(sample.x_t, t), sample.velocity, atol=1e-8)


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2)])
def test_solver_converges_with_its_order(solver, order):
    # dx/dt = (1 + t) x has the solution x(1) = x(0) exp(3 / 2).
    x_0 = np.array([1.0])
    truth = np.exp(1.5)
    counts = np.array([16, 32, 64, 128])
    errors = [abs(integrate(lambda x, t: (1 + t) * x, x_0, steps=int(n), solver=solver) - truth)[0] for n in counts]
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.15)


@pytest.mark.parametrize("warp", [1.0, 1.5, 2.0])
@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2)])
def test_solvers_keep_their_order_on_warped_steps(solver, order, warp):
    x_0, truth = np.array([1.0]), np.exp(1.5)
    counts = np.array([16, 32, 64, 128])
    errors = [
        abs(integrate(lambda x, t: (1 + t) * x, x_0, steps=int(n), solver=solver, warp=warp) - truth)[0] for n in counts
    ]
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.3)


@given(steps=st.integers(1, 50), warp=st.floats(0.2, 5))
def test_steps_fill_the_time_from_zero_to_one(steps, warp):
    found = times(steps, warp=warp)
    assert len(found) == steps + 1
    assert (found[0], found[-1]) == (0.0, 1.0)
    assert all(a < b for a, b in pairwise(found))


def test_a_warp_above_one_makes_the_first_steps_short():
    first, *_, last = np.diff(times(5, warp=2.0))
    assert first < last
    assert np.diff(times(5)) == pytest.approx([0.2] * 5)


def test_torch_tensors_give_what_numpy_gives():
    torch = pytest.importorskip("torch")
    x_0 = np.random.default_rng(0).standard_normal((3, 4))
    for solver in SOLVERS:
        mine = integrate(lambda x, t: x * t, x_0, steps=4, solver=solver)
        theirs = integrate(lambda x, t: x * t, torch.from_numpy(x_0), steps=4, solver=solver)
        np.testing.assert_allclose(theirs.numpy(), mine)


@pytest.mark.parametrize(
    "settings", [{"steps": 0}, {"steps": -1}, {"steps": 3, "solver": "rk45"}, {"steps": 3, "warp": 0.0}]
)
def test_settings_out_of_range_are_named(settings):
    with pytest.raises(InputError, match=r"steps|solver|warp"):
        integrate(lambda x, t: x, np.zeros(3), **settings)
