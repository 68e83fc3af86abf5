"""Bones and motion: hand-computed cases."""

import numpy as np
import pytest

from flowlift.errors import InputError
from flowlift.evaluation.motion import acceleration_error, bone_lengths, jitter, mpsce, mpsse
from flowlift.skeleton import Skeleton
from flowlift.skeletons import HUMAN36M17

# A root with two arms of one bone each and a mast.
T = Skeleton(
    "t", ("root", "left_tip", "right_tip", "mast"), (None, "root", "root", "root"), (("left_tip", "right_tip"),)
)


def clip(left: list[float], right: list[float], mast: list[float]) -> np.ndarray:
    """One frame for each length."""
    frames = np.zeros((len(left), 4, 3))
    frames[:, 1, 0], frames[:, 2, 0], frames[:, 3, 1] = left, -np.array(right), mast
    return frames


def test_lengths_are_those_of_the_bones() -> None:
    np.testing.assert_allclose(bone_lengths(clip([1.0], [2.0], [3.0]), T), [[1, 2, 3]])


def test_symmetry_error_is_the_mean_difference_of_the_pairs() -> None:
    assert mpsse(clip([0.30, 0.40], [0.30, 0.30], [1, 1]), T) == pytest.approx(0.05)
    assert mpsse(clip([0.3] * 3, [0.3] * 3, [1, 2, 3]), T) == 0


def test_symmetry_compares_every_limb_of_a_body_and_nothing_on_its_midline() -> None:
    pose = np.random.default_rng(0).normal(size=(5, 17, 3))
    bones = [(HUMAN36M17.joints[a], HUMAN36M17.joints[b]) for a, b in HUMAN36M17.bones]
    lengths = dict(zip(bones, bone_lengths(pose, HUMAN36M17).T, strict=True))
    left = [bone for bone in bones if "left" in bone[1]]
    right = [(a.replace("left", "right"), b.replace("left", "right")) for a, b in left]
    assert len(left) == 6
    expected = np.mean([np.abs(lengths[a] - lengths[b]) for a, b in zip(left, right, strict=True)])
    assert mpsse(pose, HUMAN36M17) == pytest.approx(expected)
    mirrored = pose[:, HUMAN36M17.mirror] * [-1, 1, 1]
    assert mpsse(mirrored, HUMAN36M17) == pytest.approx(expected)


def test_consistency_error_is_the_mean_deviation_over_time() -> None:
    # The left arm is 0.3 and 0.5 in turn (deviation 0.1), the other two bones keep their length.
    assert mpsce(clip([0.3, 0.5] * 4, [0.4] * 8, [1] * 8), T) == pytest.approx(0.1 / 3)
    assert mpsce(clip([0.3] * 5, [0.6] * 5, [1] * 5), T) == 0


def test_steady_motion_has_no_jitter_and_a_parabola_has_its_curvature() -> None:
    time = np.arange(6.0)[:, None, None]
    steady = np.broadcast_to(time * [0.1, 0, 0], (6, 4, 3))
    assert jitter(steady) == pytest.approx(0, abs=1e-12)
    assert jitter(steady + time**2 * [0, 0.5, 0]) == pytest.approx(1.0)
    assert acceleration_error(steady + time**2 * [0, 0.5, 0], steady) == pytest.approx(1.0)
    assert acceleration_error(steady + 3.0, steady) == pytest.approx(0, abs=1e-12)


def test_bones_know_neither_place_nor_direction() -> None:
    generator = np.random.default_rng(1)
    poses, turn = generator.normal(size=(7, 4, 3)), np.linalg.qr(generator.normal(size=(3, 3)))[0]
    moved = poses @ turn.T + generator.normal(size=(7, 1, 3))
    assert mpsse(moved, T) == pytest.approx(mpsse(poses, T))
    assert mpsce(moved, T) == pytest.approx(mpsce(poses, T))
    assert mpsce(poses[:1], T) == 0


def test_one_jump_is_felt_in_every_frame_that_sees_it() -> None:
    # One joint of four is 1 m off in one frame of five: second differences of 1, 2, 1 over 3 frames and 4 joints.
    poses = np.zeros((5, 4, 3))
    poses[2, 1, 2] = 1
    assert jitter(poses) == pytest.approx(4 / 12)
    assert acceleration_error(np.zeros((5, 4, 3)), poses) == pytest.approx(4 / 12)


def test_what_is_missing_is_not_left_out_in_silence() -> None:
    poses = np.zeros((5, 4, 3))
    poses[2, 1] = np.nan
    for value in (mpsse(poses, T), mpsce(poses, T), jitter(poses), acceleration_error(np.zeros((5, 4, 3)), poses)):
        assert np.isnan(value)


def test_torch_gives_what_numpy_gives() -> None:
    torch = pytest.importorskip("torch")
    poses = np.random.default_rng(0).normal(size=(9, 4, 3))
    for mine, theirs in (
        (mpsse(poses, T), mpsse(torch.from_numpy(poses), T)),
        (mpsce(poses, T), mpsce(torch.from_numpy(poses), T)),
        (jitter(poses), jitter(torch.from_numpy(poses))),
        (acceleration_error(poses, -poses), acceleration_error(torch.from_numpy(poses), -torch.from_numpy(poses))),
    ):
        assert float(theirs) == pytest.approx(float(mine))


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(InputError, match="left and right"):
        mpsse(np.zeros((2, 2, 3)), Skeleton("s", ("a", "b"), (None, "a")))
    with pytest.raises(InputError, match="3 frames"):
        jitter(np.zeros((2, 4, 3)))
    with pytest.raises(InputError, match="3 frames"):
        acceleration_error(np.zeros((2, 4, 3)), np.zeros((2, 4, 3)))
    with pytest.raises(InputError, match=r"one shape, got \(5, 4, 3\) and \(1, 4, 3\)"):
        acceleration_error(np.zeros((5, 4, 3)), np.zeros((1, 4, 3)))
