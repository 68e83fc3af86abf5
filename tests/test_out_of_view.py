"""Somebody who walks out of view: a place that cannot be is not told, and takes no other with it."""

from dataclasses import replace

import numpy as np
import pytest

from flowlift.camera import place_root, solve_root
from flowlift.containers import Keypoints2D
from flowlift.demo import synthesize
from flowlift.lifter import Lifter

CLIP = synthesize(seconds=1.0)


@pytest.fixture(scope="module")
def leaving() -> Keypoints2D:
    """Small and noisy, and for the last third nothing but a head."""
    keypoints = CLIP.keypoints
    noise = np.random.default_rng(0).normal(0, 3, keypoints.xy.shape)
    xy = (keypoints.xy - [640, 360]) * 0.25 + [640, 360] + noise
    seen = keypoints.skeleton.indices(("thorax", "nose", "head"))
    xy[20:][:, :, [joint for joint in range(17) if joint not in seen]] = np.nan
    return replace(keypoints, xy=xy.astype(np.float32))


@pytest.mark.parametrize("smooth", ["auto", "causal", "off", 0.2])
def test_nobody_stands_behind_the_camera_nor_is_lost_for_it(leaving: Keypoints2D, smooth: str | float) -> None:
    poses = Lifter.load("human")(leaving, smooth=smooth, height=1.7)
    assert poses.root is not None
    np.testing.assert_array_equal(np.isfinite(poses.root[:20, 0, 0]), np.isfinite(poses.xyz[:20, 0, 0, 0]))
    known = poses.root[np.isfinite(poses.root[..., 2])]
    assert (known[:, 2] > 0).all()
    if smooth != "off":
        assert np.isfinite(poses.root).all()
        assert np.isfinite(poses.root_cov).all()


def test_those_who_are_seen_well_say_where_the_path_was(leaving: Keypoints2D) -> None:
    lifter = Lifter.load("human")
    whole, alone = lifter(leaving), lifter(leaving.frames(0, 20))
    assert whole.root is not None
    assert alone.root is not None
    np.testing.assert_allclose(whole.root[:17, 0, 2], alone.root[:17, 0, 2], rtol=0.1)


def test_a_root_behind_the_camera_is_none() -> None:
    rays = np.array([[-0.1, 0.0], [0.1, 0.0], [0.0, 0.2]])
    pose = np.array([[0.5, 0.0, 0.0], [-0.5, 0.0, 0.0], [0.0, -1.0, 0.0]])  # as a mirror would show it
    assert solve_root(pose, rays, np.ones(3))[2] < 0
    assert np.isnan(place_root(pose, rays, np.ones(3))).all()
    np.testing.assert_array_equal(place_root(-pose, rays, np.ones(3)), solve_root(-pose, rays, np.ones(3)))
