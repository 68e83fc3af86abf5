"""Where a body's weight is, and whether it lies above the feet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from flowlift.balance import centre_of_mass, off_balance, stands, stands_on_two, support
from flowlift.skeletons import BUILT_IN, HUMAN36M17

UP = np.array([0.0, 1.0, 0.0])
LEFT_ANKLE, RIGHT_ANKLE = HUMAN36M17.indices(["left_ankle", "right_ankle"])


def man() -> Float64[np.ndarray, "joint 3"]:
    """A man of 1.7 m who stands, y up, m, looking along z; his weight over the middle of his feet."""
    side = {"hip": (0.1, 0.9), "knee": (0.1, 0.49), "ankle": (0.1, 0.08), "shoulder": (0.19, 1.4)}
    side |= {"elbow": (0.22, 1.12), "wrist": (0.23, 0.87)}
    middle = {"hip": 0.9, "spine": 1.12, "thorax": 1.42, "nose": 1.53, "head": 1.64}
    pose = np.zeros((17, 3))
    for joint, height in middle.items():
        pose[HUMAN36M17.index(joint), 1] = height
    for joint, (x, height) in side.items():
        for name, sign in (("left", 1), ("right", -1)):
            pose[HUMAN36M17.index(f"{name}_{joint}")] = sign * x, height, 0.0
    pose[[LEFT_ANKLE, RIGHT_ANKLE], 2] = -0.075
    return pose


def test_the_weight_of_who_stands_is_where_textbooks_have_it() -> None:
    centre = centre_of_mass(man(), HUMAN36M17)
    assert centre[0] == pytest.approx(0, abs=1e-9)
    assert 0.54 < centre[1] / 1.7 < 0.58  # of the height
    assert off_balance(man(), UP, HUMAN36M17) < 0.01
    assert stands(man(), UP, HUMAN36M17)


def test_who_leans_is_off_balance_by_as_much() -> None:
    turn = Rotation.from_euler("x", 10, degrees=True).as_matrix()
    ankles = man()[[LEFT_ANKLE, RIGHT_ANKLE]].mean(axis=0)
    leant = (man() - ankles) @ turn.T + ankles
    expected = np.sin(np.radians(10)) * (centre_of_mass(man(), HUMAN36M17) - ankles)[1]
    assert off_balance(leant, UP, HUMAN36M17) == pytest.approx(expected, abs=0.015)


def test_the_lower_foot_carries() -> None:
    pose = man()
    pose[LEFT_ANKLE, 1] += 0.4
    assert support(pose, UP, HUMAN36M17)[0] == pytest.approx(-0.1, abs=1e-3)
    assert support(man(), UP, HUMAN36M17)[0] == pytest.approx(0, abs=1e-9)
    assert support(man(), UP, HUMAN36M17)[2] > man()[LEFT_ANKLE, 2], "the middle of a foot is ahead of its ankle"


def test_an_arm_held_out_shifts_the_weight_to_its_side() -> None:
    pose = man()
    pose[HUMAN36M17.indices(["left_elbow", "left_wrist"])] = [0.47, 1.4, 0.0], [0.72, 1.4, 0.0]
    assert centre_of_mass(pose, HUMAN36M17)[0] > 0.01


@given(size=st.floats(0.01, 100), seed=st.integers(0, 99))
def test_no_frame_and_no_unit_matters(size: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    pose = man() + 0.1 * random.normal(size=(3, 17, 3))
    turn, shift = Rotation.random(random_state=seed).as_matrix(), random.normal(size=3)
    moved, up = size * (pose @ turn.T + shift), turn @ UP
    off = off_balance(pose, UP, HUMAN36M17)
    assert off.shape == (3,)
    np.testing.assert_allclose(off_balance(moved, up, HUMAN36M17), size * off, rtol=1e-6, atol=1e-9 * size)
    np.testing.assert_array_equal(stands(moved, up, HUMAN36M17), stands(pose, UP, HUMAN36M17))


def test_left_and_right_are_alike() -> None:
    pose = man() + 0.1 * np.random.default_rng(5).normal(size=(17, 3))
    mirrored = pose[list(HUMAN36M17.mirror)] * [-1, 1, 1]
    assert off_balance(mirrored, UP, HUMAN36M17) == pytest.approx(off_balance(pose, UP, HUMAN36M17), rel=1e-9)


def test_people_stand_on_two_and_animals_do_not() -> None:
    told = {skeleton.name: stands_on_two(skeleton) for skeleton in BUILT_IN.values()}
    assert told["human36m17"]
    assert told["mediapipe33"]
    assert not told["animal3d26"]
    assert not told["ap10k17"]
