import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flowlift.view.spread import cholesky, ellipses, joint_deviation, mean_over

FACTORS = arrays(np.float64, (4, 3, 3), elements=st.floats(-1, 1).map(lambda v: round(v, 3)))


def lower(packed: np.ndarray) -> np.ndarray:
    full = np.zeros((*packed.shape[:-1], 3, 3))
    full[..., [0, 1, 1, 2, 2, 2], [0, 0, 1, 0, 1, 2]] = packed
    return full


@given(FACTORS, st.integers(0, 3))
def test_factor_gives_the_covariance_back(factor: np.ndarray, rank: int) -> None:
    """Of any rank: a root's covariance is zero, and few hypotheses span no volume."""
    part = factor.copy()
    part[:, :, rank:] = 0
    cov = part @ np.swapaxes(part, -1, -2)
    found = lower(cholesky(cov))
    # A vanishing pivot leaves round-off in its column: sqrt(1e-16) times a component.
    np.testing.assert_allclose(found @ np.swapaxes(found, -1, -2), cov, atol=1e-6)


def test_unknown_stays_unknown() -> None:
    assert np.isnan(cholesky(np.full((2, 3, 3), np.nan))).all()
    assert np.isnan(ellipses(np.full((2, 3, 3), np.nan), np.eye(3)[:2]).axes).all()


@given(FACTORS, arrays(np.float64, (2, 3), elements=st.floats(-5, 5)))
def test_ellipse_is_the_projected_covariance(factor: np.ndarray, onto: np.ndarray) -> None:
    cov = factor @ np.swapaxes(factor, -1, -2)
    axes = ellipses(cov, onto).axes
    np.testing.assert_allclose(axes @ np.swapaxes(axes, -1, -2), onto @ cov @ onto.T, atol=1e-8)
    short, long = np.moveaxis(np.linalg.norm(axes, axis=-2), -1, 0)
    assert (short <= long + 1e-9).all()
    np.testing.assert_allclose((axes[..., 0] * axes[..., 1]).sum(axis=-1), 0, atol=1e-7)


def test_deviation_is_the_root_mean_square_over_axes() -> None:
    cov = np.diag([0.01, 0.04, 0.09])[None]
    assert joint_deviation(np.zeros((1, 3)), cov) == pytest.approx([np.sqrt(0.14 / 3)])
    assert np.isnan(joint_deviation(np.full((1, 3), np.nan), cov)).all()


def test_mean_leaves_out_what_is_missing() -> None:
    values = np.array([[1.0, 3.0, np.nan], [np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(mean_over(values), [2.0, np.nan])
