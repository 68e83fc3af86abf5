"""A body's length along its bones."""

import numpy as np
import pytest

from flowlift.errors import InputError
from flowlift.lifting.stature import stature
from flowlift.skeletons import ANIMAL3D26, HUMAN36M17


def test_a_body_of_unit_bones():
    """Every bone 1 long: legs of 2 from ankle to hip, and 4 from the hip to the head."""
    pose = np.zeros((17, 3))
    for joint in HUMAN36M17.topological[1:]:
        pose[joint] = pose[HUMAN36M17.parent_indices[joint]] + [0.6, 0.0, 0.8]
    assert stature(np.stack([pose, 3 * pose]), HUMAN36M17) == pytest.approx([6.0, 18.0])


def test_bending_a_knee_changes_nothing():
    pose = np.random.default_rng(0).standard_normal((17, 3))
    bent = pose.copy()
    knee, ankle = HUMAN36M17.indices(["left_knee", "left_ankle"])
    bent[ankle] = pose[knee] + (pose[ankle] - pose[knee])[[1, 2, 0]]
    assert stature(bent[None], HUMAN36M17) == pytest.approx(stature(pose[None], HUMAN36M17))


def test_an_animal_has_none():
    with pytest.raises(InputError, match="left_hip"):
        stature(np.zeros((1, 26, 3)), ANIMAL3D26)
