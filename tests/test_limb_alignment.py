"""Animals stood upright by their legs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.animal_skeletons import ANIMAL3D26
from flowlift.limb_alignment import limbs_aligned, upright_rotation

LEGS = [f"{side}_{end}" for side in ("left", "right") for end in ("front", "back")]


def poses(seed: int, count: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 26, 3))


def mean_leg(pose: np.ndarray) -> np.ndarray:
    bones = [
        pose[..., ANIMAL3D26.index(f"{leg}_knee"), :] - pose[..., ANIMAL3D26.index(f"{leg}_thigh"), :] for leg in LEGS
    ]
    mean = np.mean([bone / np.linalg.norm(bone, axis=-1, keepdims=True) for bone in bones], axis=0)
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True)


def test_agrees_with_the_golden_values(parity) -> None:
    np.testing.assert_allclose(limbs_aligned(parity["animal_pose"]), parity["animal_limb_aligned"], atol=1e-5)


@given(seed=st.integers(0, 1000))
def test_legs_point_down_and_nothing_else_changes(seed: int) -> None:
    pose = poses(seed)
    turned, rotation = limbs_aligned(pose), upright_rotation(pose)
    np.testing.assert_allclose(mean_leg(turned), np.broadcast_to([0, 0, -1], (4, 3)), atol=1e-9)
    np.testing.assert_allclose(
        rotation @ np.swapaxes(rotation, -1, -2), np.broadcast_to(np.eye(3), (4, 3, 3)), atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.det(rotation), 1, atol=1e-9)
    np.testing.assert_allclose(limbs_aligned(turned), turned, atol=1e-9)


def test_whole_numbers_are_turned_as_others_are() -> None:
    pose = np.round(100 * poses(0)).astype(np.int32)
    np.testing.assert_array_equal(limbs_aligned(pose), limbs_aligned(pose.astype(np.float64)))
    np.testing.assert_allclose(mean_leg(limbs_aligned(pose))[:, 2], -1, atol=1e-9)


@pytest.mark.parametrize("upside_down", [False, True])
def test_it_turns_no_further_than_it_must(upside_down: bool) -> None:
    pose = limbs_aligned(poses(0))
    if upside_down:
        pose = pose * np.array([1, -1, -1])
        np.testing.assert_allclose(mean_leg(limbs_aligned(pose))[:, 2], -1, atol=1e-6)
    else:
        np.testing.assert_allclose(upright_rotation(pose), np.broadcast_to(np.eye(3), (4, 3, 3)), atol=1e-6)


def test_what_has_no_legs_stays_as_it_is() -> None:
    pose = poses(0, 3)
    pose[0, ANIMAL3D26.index("left_front_knee")] = np.nan
    pose[1] = 0
    np.testing.assert_array_equal(upright_rotation(pose)[:2], np.broadcast_to(np.eye(3), (2, 3, 3)))
    np.testing.assert_array_equal(limbs_aligned(pose.astype(np.float32))[1], 0)
    assert limbs_aligned(pose.astype(np.float32)).dtype == np.float32
