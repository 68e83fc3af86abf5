"""Varied bodies stay bodies, and the bank gives back what it was made from."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from flowlift.datasets.mocap import BONES_OF_STATURE, stature  # noqa: E402
from flowlift.skeletons import HUMAN36M17  # noqa: E402
from flowlift.training.bodies import (  # noqa: E402
    BodyVariation,
    PoseBank,
    _assemble,
    _lower_thorax,
    sample_bodies,
)
from flowlift.training.segments import rotation_from_vector  # noqa: E402
from flowlift.training.views import ViewVariation, sample_sightings, sample_views, stature_of  # noqa: E402

STILL = BodyVariation(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def poses():
    """Walking poses of the synthetic demo figure, Y up, unit: its stature."""
    from flowlift.demo import walk

    xyz = np.asarray(walk(np.arange(0, 4, 0.1)))
    xyz = xyz - xyz[:, :1]
    return torch.tensor(xyz / stature(xyz)[:, None, None], dtype=torch.float32)


def test_the_bank_gives_its_poses_back_and_their_mirror_images(poses):
    bank = PoseBank.from_positions(poses)
    assert len(bank) == 2 * len(poses)
    again = _assemble(bank.bones, bank.pelvis)
    # The demo figure's root is the middle of its hips, as in the bank.
    torch.testing.assert_close(again[: len(poses)], poses, atol=1e-5, rtol=0)
    mirrored = poses[:, list(HUMAN36M17.mirror)] * torch.tensor([-1.0, 1, 1])
    torch.testing.assert_close(again[len(poses) :], mirrored, atol=1e-5, rtol=0)


def test_without_variation_bodies_are_captured_poses_but_for_a_small_tilt(poses):
    bodies = sample_bodies(PoseBank.from_positions(poses), 64, STILL, generator())
    for child, parent in enumerate(HUMAN36M17.parent_indices):
        if parent >= 0:
            lengths = (bodies[:, child] - bodies[:, parent]).norm(dim=-1)
            known = (poses[:, child] - poses[:, parent]).norm(dim=-1)
            assert known.min() - 1e-4 <= lengths.min()
            assert lengths.max() <= known.max() + 1e-4


def test_variation_changes_proportions_widely_but_never_breaks_a_body(poses):
    bodies = sample_bodies(PoseBank.from_positions(poses), 2000, BodyVariation(), generator())
    assert torch.isfinite(bodies).all()
    torch.testing.assert_close(
        bodies[:, HUMAN36M17.index("left_hip")], -bodies[:, HUMAN36M17.index("right_hip")], atol=1e-5, rtol=0
    )
    i = HUMAN36M17.index
    thigh = (bodies[:, i("left_knee")] - bodies[:, i("left_hip")]).norm(dim=-1)
    other = (bodies[:, i("right_knee")] - bodies[:, i("right_hip")]).norm(dim=-1)
    assert thigh.std() / thigh.mean() > 0.1
    assert ((thigh - other).abs() / thigh).median() < 0.1


def test_most_bodies_have_usual_proportions(poses):
    bank = PoseBank.from_positions(poses)

    def spread(unusual):
        bodies = sample_bodies(bank, 4000, BodyVariation(unusual=unusual), generator())
        i = HUMAN36M17.index
        return (bodies[:, i("left_knee")] - bodies[:, i("left_hip")]).norm(dim=-1).log().std()

    assert spread(0.0) < 0.08 < spread(0.25) < spread(1.0)


def test_anatomical_bodies_have_wrists_where_hands_begin(poses):
    bank = PoseBank.from_positions(poses)
    plain = sample_bodies(bank, 500, STILL, generator())
    bodies = sample_bodies(bank, 500, replace(STILL, anatomical=1.0), generator())
    thigh, shank, upper, fore = (
        torch.stack([bones_of(bodies, f"{side}_{end}").norm(dim=-1) for side in ("left", "right")])
        for end in ("knee", "ankle", "elbow", "wrist")
    )
    leg = thigh + shank
    torch.testing.assert_close(leg, leg_lengths(plain), atol=1e-5, rtol=0)
    assert 0.45 < (thigh / leg).min() < (thigh / leg).max() < 0.53
    assert 0.28 < (upper / leg).min() < (upper / leg).max() < 0.39
    assert 0.25 < (fore / leg).min() < (fore / leg).max() < 0.34
    for lengths in (thigh, upper, fore):
        torch.testing.assert_close(lengths[0], lengths[1], atol=1e-5, rtol=0)
    for end in ("left_knee", "right_ankle"):  # limbs lie as they did
        along = torch.nn.functional.cosine_similarity(bones_of(bodies, end), bones_of(plain, end), dim=-1)
        torch.testing.assert_close(along, torch.ones(500), atol=1e-5, rtol=0)


def test_a_thorax_between_the_shoulders_leaves_the_shoulders_where_they_are(poses):
    bank = PoseBank.from_positions(poses)
    lower = torch.full((len(bank),), 0.05)
    plain = _assemble(bank.bones, bank.pelvis)
    for stays in (0.0, 1.0):
        bodies = _assemble(_lower_thorax(bank.bones, lower, torch.full_like(lower, stays)), bank.pelvis)
        moved = (bodies - plain).norm(dim=-1)
        lowered = {"thorax"} if stays else {"thorax", "nose", "head"}
        wanted = [0.05 if joint in lowered else 0.0 for joint in HUMAN36M17.joints]
        torch.testing.assert_close(moved, torch.tensor(wanted).expand_as(moved), atol=1e-5, rtol=0)
        assert (bones_of(bodies, "thorax").norm(dim=-1) < bones_of(plain, "thorax").norm(dim=-1)).all()


def test_a_share_of_bodies_is_anatomical(poses):
    bank = PoseBank.from_positions(poses)

    def forearms(share):
        return bones_of(sample_bodies(bank, 2000, replace(STILL, anatomical=share), generator()), "left_wrist").norm(
            dim=-1
        )

    changed = (forearms(0.3) - forearms(0.0)).abs() > 1e-5
    assert 0.25 < changed.float().mean() < 0.35


def bones_of(bodies, end):
    child = HUMAN36M17.index(end)
    return bodies[:, child] - bodies[:, HUMAN36M17.parent_indices[child]]


def leg_lengths(bodies):
    sides = ("left", "right")
    return torch.stack([sum(bones_of(bodies, f"{s}_{end}").norm(dim=-1) for end in ("knee", "ankle")) for s in sides])


def test_rotations_are_rotations():
    turn = rotation_from_vector(torch.randn(50, 3, generator=generator()))
    torch.testing.assert_close(turn @ turn.mT, torch.eye(3).expand(50, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(turn), torch.ones(50), atol=1e-5, rtol=0)


def test_stature_on_tensors_is_that_on_arrays(poses):
    np.testing.assert_allclose(stature_of(poses).numpy(), stature(poses.numpy()), rtol=1e-5)
    assert len(BONES_OF_STATURE) == 8


def test_a_view_agrees_with_its_target(poses):
    exact = ViewVariation(noise=0.0, outlier=0.0, complete=1.0, unknown_focal=0.0)
    batch = sample_views(poses, exact, generator())
    xy = batch.features[:, :34].reshape(-1, 17, 2)
    scale = (batch.features[:, -1] * 0.6 - 2.2).exp()
    pose = batch.target.clone()
    pose[:, HUMAN36M17.root] = 0
    # In the target's unit the root stands at depth 1 / scale, so a joint's image is (root + x) / (1 + scale z).
    root = xy[:, :1]
    seen = (root + pose[..., :2]) / (1 + scale[:, None, None] * pose[..., 2:])
    torch.testing.assert_close(seen, xy, atol=1e-3, rtol=0)


def test_missing_joints_are_invisible_and_enough_remain(poses):
    seen = sample_sightings(poses.repeat(20, 1, 1), ViewVariation(), generator())
    assert (seen.visible.sum(dim=1) >= 5).all()
    assert 0.05 < (seen.visible == 0).float().mean() < 0.5
    assert ((seen.confidence >= 0) & (seen.confidence <= 1)).all()
    assert (seen.xyz[..., 2] + seen.root[:, None, 2] > 0).all()


def test_the_same_seed_draws_the_same_bodies_and_views(poses):
    bank = PoseBank.from_positions(poses)

    def draw(seed):
        g = generator(seed)
        return sample_views(sample_bodies(bank, 32, BodyVariation(), g), ViewVariation(), g)

    assert torch.equal(draw(3).features, draw(3).features)
    assert not torch.equal(draw(3).features, draw(4).features)
