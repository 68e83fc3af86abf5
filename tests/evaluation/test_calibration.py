"""Coverage, energy score and errors over hypotheses, on distributions whose answers are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.evaluation.calibration import chi_square_3, coverage, energy_score, inside, over_hypotheses
from flowlift.skeletons import HUMAN36M17


def poses_with(cov: np.ndarray, frames: int) -> Poses3D:
    shape = (frames, 1, 17, 3)
    whole = np.broadcast_to(cov, (*shape, 3)).astype(np.float32)
    return Poses3D(np.zeros(shape, dtype=np.float32), None, whole, HUMAN36M17)


@pytest.mark.parametrize(("level", "value"), [(0.5, 2.36597), (0.9, 6.25139), (0.95, 7.81473), (0.99, 11.34487)])
def test_chi_square_quantiles(level: float, value: float) -> None:
    assert chi_square_3(level) == pytest.approx(value, abs=1e-4)


@given(st.floats(0.01, 0.98), st.floats(0.001, 0.01))
def test_chi_square_grows_with_the_level(level: float, more: float) -> None:
    assert chi_square_3(level) < chi_square_3(level + more)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_a_true_covariance_covers_its_level(level: float) -> None:
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(3, 3)) * 0.05
    truth = rng.normal(size=(400, 1, 17, 3)) @ mix.T
    share = coverage(poses_with(mix @ mix.T, 400), truth, level=level)
    assert share == pytest.approx(level, abs=0.03)
    assert coverage(poses_with(0.25 * mix @ mix.T, 400), truth, level=level) < share
    assert coverage(poses_with(4 * mix @ mix.T, 400), truth, level=level) > share


def test_root_and_unknown_joints_do_not_count() -> None:
    truth = np.ones((1, 1, 17, 3))
    truth[0, 0, 1:9] = 0
    truth[0, 0, 12:] = np.nan  # 8 joints inside, 3 outside, the root outside but not counted
    assert coverage(poses_with(0.01 * np.eye(3), 1), truth) == pytest.approx(8 / 11)
    with pytest.raises(InputError, match="no joint"):
        coverage(poses_with(np.eye(3), 1), np.full((1, 1, 17, 3), np.nan))


def test_no_stated_uncertainty_covers_only_the_truth_itself() -> None:
    truth = np.zeros((2, 3))
    truth[1, 0] = 0.001
    assert inside(np.zeros((2, 3)), np.zeros((2, 3, 3)), truth).tolist() == [True, False]


def test_hypothesis_errors_worked_out_by_hand() -> None:
    hypotheses = np.zeros((1, 4, 2, 3))
    hypotheses[0, :, :, 0] = np.array([3, 1, 2, 10])[:, None]
    errors = over_hypotheses(hypotheses, np.zeros((1, 2, 3)))
    assert (errors.minimum[0], errors.mean[0], errors.median[0]) == (1, 4, 2.5)


def test_energy_score_worked_out_by_hand() -> None:
    hypotheses = np.zeros((3, 1, 3))
    hypotheses[:, 0, 0] = [0, 1, 3]
    # Mean distance to 0: 4/3. Distinct pairs: 1, 3, 2 -> mean 2.
    np.testing.assert_allclose(energy_score(hypotheses, np.zeros((1, 3))), [4 / 3 - 1])
    with pytest.raises(InputError, match="at least 2"):
        energy_score(hypotheses[:1], np.zeros((1, 3)))


def test_energy_score_prefers_the_true_spread() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(2000, 1, 3))
    noise = rng.normal(size=(2000, 12, 1, 3))
    scores = {spread: float(energy_score(spread * noise, truth).mean()) for spread in (0.3, 1, 2)}
    assert min(scores, key=scores.__getitem__) == 1


def test_torch_agrees_with_numpy() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    hypotheses, truth = rng.normal(size=(2, 5, 17, 3)), rng.normal(size=(2, 17, 3))
    args = torch.asarray(hypotheses), torch.asarray(truth)
    np.testing.assert_allclose(energy_score(*args).numpy(), energy_score(hypotheses, truth))
    np.testing.assert_allclose(over_hypotheses(*args).median.numpy(), over_hypotheses(hypotheses, truth).median)
