"""Bones and motion: hand-computed cases."""

import numpy as np
import pytest

from flowlift.errors import InputError
from flowlift.evaluation.motion import acceleration_error, bone_lengths, jitter, mpsce, mpsse
from flowlift.skeleton import Skeleton

# A root with two arms of one bone each and a mast.
T = Skeleton(
    "t", ("root", "left_tip", "right_tip", "mast"), (None, "root", "root", "root"), (("left_tip", "right_tip"),)
)


def clip(left, right, mast):
    """One frame for each length."""
    frames = np.zeros((len(left), 4, 3))
    frames[:, 1, 0], frames[:, 2, 0], frames[:, 3, 1] = left, -np.array(right), mast
    return frames


def test_lengths_are_those_of_the_bones():
    np.testing.assert_allclose(bone_lengths(clip([1.0], [2.0], [3.0]), T), [[1, 2, 3]])


def test_symmetry_error_is_the_mean_difference_of_the_pairs():
    assert mpsse(clip([0.30, 0.40], [0.30, 0.30], [1, 1]), T) == pytest.approx(0.05)
    assert mpsse(clip([0.3] * 3, [0.3] * 3, [1, 2, 3]), T) == 0


def test_consistency_error_is_the_mean_deviation_over_time():
    # The left arm is 0.3 and 0.5 in turn (deviation 0.1), the other two bones keep their length.
    assert mpsce(clip([0.3, 0.5] * 4, [0.4] * 8, [1] * 8), T) == pytest.approx(0.1 / 3)
    assert mpsce(clip([0.3] * 5, [0.6] * 5, [1] * 5), T) == 0


def test_steady_motion_has_no_jitter_and_a_parabola_has_its_curvature():
    time = np.arange(6.0)[:, None, None]
    steady = np.broadcast_to(time * [0.1, 0, 0], (6, 4, 3))
    assert jitter(steady) == pytest.approx(0, abs=1e-12)
    assert jitter(steady + time**2 * [0, 0.5, 0]) == pytest.approx(1.0)
    assert acceleration_error(steady + time**2 * [0, 0.5, 0], steady) == pytest.approx(1.0)
    assert acceleration_error(steady + 3.0, steady) == pytest.approx(0, abs=1e-12)


def test_torch_gives_what_numpy_gives():
    torch = pytest.importorskip("torch")
    poses = np.random.default_rng(0).normal(size=(9, 4, 3))
    for mine, theirs in (
        (mpsse(poses, T), mpsse(torch.from_numpy(poses), T)),
        (mpsce(poses, T), mpsce(torch.from_numpy(poses), T)),
        (jitter(poses), jitter(torch.from_numpy(poses))),
    ):
        assert float(theirs) == pytest.approx(float(mine))


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(InputError, match="left and right"):
        mpsse(np.zeros((2, 2, 3)), Skeleton("s", ("a", "b"), (None, "a")))
    with pytest.raises(InputError, match="3 frames"):
        jitter(np.zeros((2, 4, 3)))
