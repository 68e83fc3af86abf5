"""Canonical conditioning: the same subject looks the same wherever it stands and whatever the focal length."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.conditioning import canonicalize, decode_pose, encode_pose, features, look_at_rotation

seeds = st.integers(0, 2**32 - 1)


def random_rays(seed, count=5):
    generator = np.random.default_rng(seed)
    centre = generator.uniform(-0.6, 0.6, (count, 1, 2))
    return centre + generator.standard_normal((count, 17, 2)) * generator.uniform(0.02, 0.2)


@given(seed=seeds)
def test_the_virtual_camera_looks_at_the_subject_and_sees_it_at_unit_size(seed):
    rays = random_rays(seed)
    ones = np.ones(rays.shape[:2])
    view = canonicalize(rays, ones, ones)
    np.testing.assert_allclose((view.xy**2).sum(axis=(1, 2)) / 17, 1)
    np.testing.assert_allclose(
        view.rotation @ view.rotation.swapaxes(-1, -2), np.broadcast_to(np.eye(3), (5, 3, 3)), atol=1e-9
    )
    np.testing.assert_allclose(np.linalg.det(view.rotation), 1)
    assert np.abs(view.xy.mean(axis=1)).max() < 0.35


@given(seed=seeds)
def test_turning_the_camera_changes_the_rotation_and_not_the_view(seed):
    rays = random_rays(seed) * 0.3
    ones = np.ones(rays.shape[:2])
    points = np.concatenate([rays, ones[..., None]], axis=-1)
    angle = 0.3
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    turned = points @ turn.T
    before, after = canonicalize(rays, ones, ones), canonicalize(turned[..., :2] / turned[..., 2:], ones, ones)
    np.testing.assert_allclose(after.scale, before.scale, rtol=1e-6)
    # The smallest rotation leaves a roll free; the radii do not depend on it.
    np.testing.assert_allclose(np.linalg.norm(after.xy, axis=-1), np.linalg.norm(before.xy, axis=-1), atol=1e-6)


@given(seed=seeds, factor=st.floats(0.3, 3))
def test_missing_joints_never_enter(seed, factor):
    rays = random_rays(seed)
    visible = np.ones(rays.shape[:2])
    visible[:, [3, 9]] = 0
    other = rays.copy()
    other[:, [3, 9]] = factor * 100
    a, b = (features(canonicalize(r, visible, np.ones_like(visible))) for r in (rays, other))
    np.testing.assert_array_equal(a, b)


def test_nobody_visible_gives_zeros_and_no_warning():
    zero = np.zeros((2, 17))
    view = canonicalize(np.full((2, 17, 2), 5.0), zero, zero)
    assert (view.xy == 0).all()
    np.testing.assert_array_equal(view.rotation, np.broadcast_to(np.eye(3), (2, 3, 3)))
    assert np.isfinite(features(view)).all()


@given(seed=seeds, root=st.integers(0, 16))
def test_the_flow_state_holds_pose_and_size(seed, root):
    generator = np.random.default_rng(seed)
    pose = generator.standard_normal((3, 17, 3))
    pose[:, root] = 0
    size = generator.uniform(0.5, 9, 3)
    again, again_size = decode_pose(encode_pose(pose, size, root), root)
    np.testing.assert_allclose(again, pose)
    np.testing.assert_allclose(again_size, size)


@given(seed=seeds)
def test_the_look_at_rotation_turns_its_direction_onto_the_axis(seed):
    direction = np.random.default_rng(seed).standard_normal((6, 3))
    direction[:, 2] = np.abs(direction[:, 2]) + 0.1
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    turned = np.einsum("bij,bj->bi", look_at_rotation(direction), direction)
    np.testing.assert_allclose(turned, np.broadcast_to([0, 0, 1], (6, 3)), atol=1e-9)


def test_torch_gives_what_numpy_gives():
    torch = pytest.importorskip("torch")
    rays, ones = random_rays(0), np.ones((5, 17))
    mine = features(canonicalize(rays, ones, ones))
    theirs = features(canonicalize(*(torch.from_numpy(a) for a in (rays, ones, ones))))
    np.testing.assert_allclose(theirs.numpy(), mine, atol=1e-12)
