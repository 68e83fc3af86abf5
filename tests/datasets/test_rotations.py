"""Quaternions against golden values, hand-computed turns, and the laws of rotations."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flowlift.datasets.rotations import quaternion_to_matrix
from flowlift.errors import InputError

QUATERNIONS = arrays(np.float64, 4, elements=st.floats(-3, 3)).filter(lambda q: np.linalg.norm(q) > 1e-3)


def test_golden_values(parity: Mapping[str, np.ndarray]) -> None:
    """A camera's orientation takes its own frame to the world's."""
    turned = parity["metric_pred"] @ quaternion_to_matrix(parity["quaternion"]).T
    np.testing.assert_allclose(turned, parity["camera_to_world"], atol=2e-6)


def test_a_quarter_turn_about_z_takes_x_to_y() -> None:
    matrix = quaternion_to_matrix(np.array([1.0, 0, 0, 1]))
    np.testing.assert_allclose(matrix, [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-12)


@given(QUATERNIONS)
def test_they_are_rotations_of_the_quaternion_s_own_axis(quaternion: np.ndarray) -> None:
    matrix = quaternion_to_matrix(quaternion)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1)
    np.testing.assert_allclose(matrix @ quaternion[1:], quaternion[1:], atol=1e-9)
    np.testing.assert_allclose(quaternion_to_matrix(-2 * quaternion), matrix, atol=1e-9)
    np.testing.assert_allclose(quaternion_to_matrix(quaternion * [1, -1, -1, -1]), matrix.T, atol=1e-9)


def test_many_at_once() -> None:
    many = np.random.default_rng(0).normal(size=(2, 3, 4))
    np.testing.assert_allclose(quaternion_to_matrix(many)[1, 2], quaternion_to_matrix(many[1, 2]))


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_no_rotation(bad: float) -> None:
    with pytest.raises(InputError, match="quaternion"):
        quaternion_to_matrix(np.full(4, bad))
