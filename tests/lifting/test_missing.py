"""Joints that nobody saw are put between those that were."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flowlift.lifting.missing import filled
from flowlift.skeleton import Skeleton
from flowlift.skeletons import HUMAN36M17

CHAIN = Skeleton("chain", ("a", "b", "c", "d"), (None, "a", "b", "c"))


def test_between_two_visible_joints_lies_the_way_between():
    xy = np.array([[[0, 3], [9, 9], [9, 9], [6, 0]]], dtype=np.float32)
    visible = np.array([[True, False, False, True]])
    np.testing.assert_allclose(filled(xy, visible, CHAIN)[0], [[0, 3], [2, 2], [4, 1], [6, 0]], atol=1e-6)


def test_the_end_of_a_limb_stands_on_the_last_joint_seen():
    xy = np.array([[[1, 1], [5, 2], [np.nan, np.nan], [np.nan, np.nan]]], dtype=np.float32)
    visible = np.array([[True, True, False, False]])
    np.testing.assert_allclose(filled(xy, visible, CHAIN)[0], [[1, 1], [5, 2], [5, 2], [5, 2]], atol=1e-6)


def test_a_joint_stands_at_the_mean_of_its_neighbours():
    names = HUMAN36M17.joints
    xy = np.random.default_rng(0).uniform(0, 500, (1, 17, 2)).astype(np.float32)
    visible = np.array([[name not in ("thorax", "head") for name in names]])
    made = dict(zip(names, filled(xy, visible, HUMAN36M17)[0], strict=True))
    around = np.mean([made[name] for name in ("spine", "nose", "left_shoulder", "right_shoulder")], axis=0)
    np.testing.assert_allclose(made["thorax"], around, rtol=1e-5)
    np.testing.assert_allclose(made["head"], made["nose"], rtol=1e-5)


@given(st.lists(st.lists(st.booleans(), min_size=17, max_size=17).filter(any), min_size=1, max_size=5))
def test_visible_joints_stay_and_others_stay_among_them(seen):
    visible = np.array(seen)
    xy = np.random.default_rng(1).uniform(-300, 300, (*visible.shape, 2)).astype(np.float32)
    known = np.where(visible[..., None], xy, np.float32(np.nan))
    made = filled(known, visible, HUMAN36M17)
    np.testing.assert_array_equal(made[visible], xy[visible])
    for row in range(len(made)):
        low, high = np.nanmin(known[row], axis=0), np.nanmax(known[row], axis=0)
        assert ((made[row] >= low - 1e-3) & (made[row] <= high + 1e-3)).all()
        np.testing.assert_array_equal(filled(known[row : row + 1], visible[row : row + 1], HUMAN36M17)[0], made[row])
