"""Failures: poses that went wrong in one known way are told so, and only so."""

import numpy as np
import pytest

from flowlift.evaluation.failures import LIMBS, flipped, what_went_wrong
from flowlift.skeletons import HUMAN36M17

from .bodies import STANDING

S = HUMAN36M17


@pytest.fixture
def truth():
    """The standing body in the camera frame, hip at 0, from 40 degrees aside, bent forward, limbs off the plane."""
    pose = (STANDING - STANDING[S.root]).astype(np.float64)
    upper = S.indices(LIMBS["upper body"][1:])
    c, s = np.cos(0.7), np.sin(0.7)
    pose[upper] = pose[upper] @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T
    for limb, sign in (("left leg", 1), ("right leg", 1), ("left arm", -1)):
        pivot, *moving = S.indices(LIMBS[limb])
        turn = np.array([[1, 0, 0], [0, c, sign * s], [0, -sign * s, c]])
        pose[moving] = (pose[moving] - pose[pivot]) @ turn.T + pose[pivot]
    c, s = np.cos(0.7), np.sin(0.7)
    return pose @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T * [1, -1, -1]


def test_a_right_pose_has_nothing_wrong(truth):
    assert what_went_wrong(truth, truth, np.stack([truth] * 3)) == ["no hypothesis has it (best of 3: 0 mm)"]


@pytest.mark.parametrize("limb", LIMBS)
def test_a_flipped_limb_is_named(truth, limb):
    told = what_went_wrong(flipped(truth, limb), truth, np.stack([truth, flipped(truth, limb)]))
    assert f"{limb}: depth the wrong way round" in told
    others = [each for each in LIMBS if each != limb and f"{each}: depth the wrong way round" in told]
    # A flipped upper body carries the arms along.
    assert not others or limb == "upper body"
    assert told[-1] == "one of 2 hypotheses has it (0 mm)"


@pytest.mark.parametrize("limb", LIMBS)
def test_a_flip_looks_the_same_and_flips_back(truth, limb):
    once = flipped(truth, limb)
    np.testing.assert_array_equal(once[:, :2], truth[:, :2])
    np.testing.assert_allclose(flipped(once, limb), truth)


def test_the_whole_body_front_to_back(truth):
    assert what_went_wrong(truth * [1, 1, -1], truth, truth[None])[0] == "front and back exchanged"


def test_sides_exchanged(truth):
    assert "left and right exchanged" in what_went_wrong(truth[list(S.mirror)], truth, truth[None])


def test_hypotheses_that_all_miss(truth):
    rng = np.random.default_rng(0)
    off = truth + rng.normal(size=(20, 17, 3)) * 0.1
    assert what_went_wrong(truth, truth, off)[-1].startswith("no hypothesis has it (best of 20: 1")
