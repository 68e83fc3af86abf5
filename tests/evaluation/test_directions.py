"""View directions: cameras stand where they are said to stand, relative to the body."""

import numpy as np
import pytest

from flowlift.datasets.views import Capture
from flowlift.demo import walk
from flowlift.errors import InputError
from flowlift.evaluation.directions import (
    PITCHES,
    SECTORS,
    Direction,
    directions,
    evaluate_directions,
    facing,
    see_from,
)
from flowlift.evaluation.lifting import LiftSettings
from flowlift.skeletons import HUMAN36M17

from .bodies import Answer

S = HUMAN36M17


@pytest.fixture(scope="module")
def walker():
    return np.asarray(walk(np.arange(0, 2, 0.25)))


def turned(xyz, angle):
    """About Y, from Z towards X."""
    c, s = np.cos(angle), np.sin(angle)
    return xyz @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T


@pytest.mark.parametrize("angle", [0.5, 2.0, -3.0])
def test_facing_turns_with_the_body(walker, angle):
    change = facing(turned(walker, angle)) - facing(walker)
    np.testing.assert_allclose(np.exp(1j * change), np.exp(1j * angle), atol=1e-6)


def test_there_is_every_direction_once():
    assert len(set(directions())) == SECTORS * len(PITCHES)


@pytest.mark.parametrize("pitch", PITCHES)
@pytest.mark.parametrize("angle", [0.0, 1.0])
def test_a_camera_in_front_sees_the_left_hip_on_the_right_and_the_one_behind_on_the_left(walker, pitch, angle):
    body = turned(walker, angle)
    for sector, sign in ((0, 1), (SECTORS // 2, -1)):
        keypoints, truth, _ = see_from(body, Direction(sector, pitch), np.random.default_rng(0))
        across = truth[:, S.index("left_hip"), 0] - truth[:, S.index("right_hip"), 0]
        assert (np.sign(across) == sign).all()
        assert (truth[:, S.index("head"), 1] < 0).all()  # y points down
        assert np.isfinite(keypoints.xy).all()


def test_a_camera_on_the_left_has_the_left_hip_nearer(walker):
    _, truth, _ = see_from(walker, Direction(SECTORS // 4, "from above"), np.random.default_rng(0))
    assert (truth[:, S.index("left_hip"), 2] < truth[:, S.index("right_hip"), 2]).all()


def test_keypoints_are_the_projection_of_the_true_pose(walker):
    keypoints, truth, camera = see_from(walker, Direction(5, "from high above"), np.random.default_rng(3))
    rays = camera.rays(keypoints.xy[:, 0].astype(np.float64))
    # (X + x) / (Z + z) is the joint's ray, with x and z the true pose's and (0, 0, Z) the hip: the camera looks at it.
    np.testing.assert_allclose(rays[:, S.root], 0, atol=1e-6)
    for pose, seen in zip(truth, rays, strict=True):
        far = np.abs(seen[:, 0]) > 0.01
        distance = pose[far, 0] / seen[far, 0] - pose[far, 2]
        np.testing.assert_allclose(distance, distance.mean(), rtol=1e-3)
        assert 3 <= distance.mean() <= 6


def test_the_truth_has_no_error_from_anywhere_and_its_mirror_image_has(walker):
    capture = Capture("a", "walk", walker.astype(np.float32), 1.7, 10.0)
    truths = []

    def lift(sign):
        at = iter(truths)
        return Answer(lambda seen, seed: next(at) * np.array([sign, 1, 1]))

    for index, direction in enumerate(directions()):
        truths.append(see_from(capture.xyz, direction, np.random.default_rng([0, index]))[1])
    result = evaluate_directions([capture], lift(1), LiftSettings(seeds=(0,)))
    assert [row.frames for row in result.rows] == [8 * 36] + [8] * 36
    assert all(row.figures["p_mpjpe_mm"].mean < 1e-2 for row in result.rows)
    assert evaluate_directions([capture], lift(-1), LiftSettings(seeds=(0,))).rows[0].figures["p_mpjpe_mm"].mean > 20


def test_nothing_to_evaluate_is_told():
    with pytest.raises(InputError, match="no frame"):
        evaluate_directions([], Answer(lambda seen, seed: seen), LiftSettings())
