"""Varied bodies of any skeleton: what varies, what stays, and joints that a recording lacks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from flowlift.demo_animal import MOUSE, roam, triangulated
from flowlift.skeletons import ANIMAL3D26, BUILT_IN
from flowlift.training.figure_bank import FigureBank
from flowlift.training.figure_shapes import SPECIES
from flowlift.training.figure_variation import AS_CAPTURED, FigureVariation
from flowlift.training.figure_views import FigureViewVariation, RealCameras, see_figures, view_figures
from flowlift.training.figures import figures_of, sample_figures
from flowlift.training.tree import tree_of


def poses(*, gaps=False, seconds=20.0):
    clip = roam(seed=3, seconds=seconds)
    xyz = triangulated(clip, seed=3) if gaps else clip.xyz
    xyz = xyz[~np.isnan(xyz[:, MOUSE.root, 0])]
    xyz = (xyz - xyz[:, [MOUSE.root]]) / 97.0
    return torch.tensor(xyz[..., [0, 2, 1]] * [1, 1, -1], dtype=torch.float32)  # z up to y up


def bones_of(xyz):
    return torch.stack([(xyz[:, a] - xyz[:, b]).norm(dim=-1) for a, b in MOUSE.bones], dim=-1)


@pytest.mark.parametrize("skeleton", [MOUSE, *BUILT_IN.values()], ids=lambda skeleton: skeleton.name)
def test_branches_are_alike_left_and_right_and_hold_every_joint(skeleton):
    tree = tree_of(skeleton)
    mirror = list(skeleton.mirror)
    assert sorted(joint for level in tree.levels for joint in level) == sorted(
        set(range(len(skeleton))) - {skeleton.root}
    )
    np.testing.assert_array_equal(tree.pair_of_branch, tree.pair_of_branch[mirror])
    np.testing.assert_array_equal(tree.pair_of_joint, tree.pair_of_joint[mirror])
    assert tree.branch[skeleton.root] == 0
    assert (np.diff(np.unique(tree.branch)) == 1).all()
    for parent, child in skeleton.bones:
        assert tree.hops[parent, child] == 1


def test_what_is_not_varied_comes_back_as_captured():
    xyz = poses()
    bank = FigureBank.from_positions(xyz, MOUSE)
    found = figures_of(bank, torch.arange(len(bank)), AS_CAPTURED, torch.Generator().manual_seed(0))
    torch.testing.assert_close(found.xyz[: len(xyz)], xyz, atol=1e-4, rtol=0)
    mirrored = xyz[:, list(MOUSE.mirror)] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(found.xyz[len(xyz) :], mirrored, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.size, torch.ones(len(bank)))
    assert found.known.all()


def test_turning_joints_changes_no_bone_and_lengths_change_both_sides_alike():
    bank = FigureBank.from_positions(poses(), MOUSE)
    pose = torch.randint(len(bank), (200,), generator=torch.Generator().manual_seed(1))
    before = bones_of(figures_of(bank, pose, AS_CAPTURED, torch.Generator().manual_seed(2)).xyz)
    turned = figures_of(bank, pose, replace(AS_CAPTURED, joint_angle=0.6, tilt=0.5), torch.Generator().manual_seed(2))
    torch.testing.assert_close(bones_of(turned.xyz), before, atol=1e-4, rtol=0)
    torch.testing.assert_close(turned.size, torch.ones(200))
    longer = figures_of(
        bank, pose, replace(AS_CAPTURED, bone_length=0.3, limb_length=0.3), torch.Generator().manual_seed(2)
    )
    ratio = bones_of(longer.xyz) / before
    children = [child for _, child in MOUSE.bones]
    other = [children.index(MOUSE.mirror[child]) for child in children]
    torch.testing.assert_close(ratio, ratio[:, other], atol=1e-3, rtol=1e-3)
    assert ratio.std() > 0.2
    assert longer.size.std() > 0.05


@pytest.mark.parametrize("skeleton", [MOUSE, ANIMAL3D26], ids=lambda skeleton: skeleton.name)
def test_a_body_that_curves_keeps_its_bones_and_turns_head_and_tail_to_one_side(skeleton):
    straight = torch.zeros(2, len(skeleton), 3)
    for joint in skeleton.topological[1:]:
        name, parent = skeleton.joints[joint], skeleton.parent_indices[joint]
        side = 1.0 if name.startswith("left") else -1.0 if name.startswith("right") else 0.0
        along = -1.0 if "tail" in name else 1.0
        straight[:, joint] = straight[:, parent] + torch.tensor([0.2 * side, 0.0, along * (1.0 - abs(side))])
    bank = FigureBank.from_positions(straight, skeleton)
    pose = torch.zeros(200, dtype=torch.long)
    curves = replace(AS_CAPTURED, curve=0.5)
    curved = figures_of(bank, pose, curves, torch.Generator().manual_seed(0)).xyz
    plain = figures_of(bank, pose, AS_CAPTURED, torch.Generator().manual_seed(0)).xyz

    def lengths(xyz):
        return torch.stack([(xyz[:, a] - xyz[:, b]).norm(dim=-1) for a, b in skeleton.bones], dim=-1)

    torch.testing.assert_close(lengths(curved), lengths(plain), atol=1e-4, rtol=0)
    moved = (curved - plain).norm(dim=-1).amax(dim=-1) > 1e-3
    assert 0.35 < moved.float().mean() < 0.65
    nose, tail = (curved[moved][:, skeleton.index(name), 0] for name in ("nose", "tail_end"))
    assert (nose * tail > 0).float().mean() > 0.95
    assert nose.abs().max() > 0.3
    assert 0.3 < (nose > 0).float().mean() < 0.7


def test_a_body_that_swings_moves_in_planes_along_it_and_keeps_its_bones():
    straight = torch.zeros(2, len(MOUSE), 3)
    for joint in MOUSE.topological[1:]:
        name, parent = MOUSE.joints[joint], MOUSE.parent_indices[joint]
        side = 1.0 if name.startswith("left") else -1.0 if name.startswith("right") else 0.0
        along = -1.0 if "tail" in name else 1.0
        straight[:, joint] = straight[:, parent] + torch.tensor([0.2 * side, -abs(side), along * (1.0 - abs(side))])
    bank = FigureBank.from_positions(straight, MOUSE)
    pose = torch.zeros(200, dtype=torch.long)
    swung = figures_of(bank, pose, replace(AS_CAPTURED, swing=0.5), torch.Generator().manual_seed(0)).xyz
    plain = figures_of(bank, pose, AS_CAPTURED, torch.Generator().manual_seed(0)).xyz
    torch.testing.assert_close(bones_of(swung), bones_of(plain), atol=1e-4, rtol=0)
    torch.testing.assert_close(swung[..., 0], plain[..., 0], atol=1e-4, rtol=0)  # x is across
    paw = MOUSE.index("left_front_paw")
    assert (swung - plain)[:, paw, 1:].std(dim=0).min() > 0.2


def test_broad_and_narrow_bodies_differ_in_how_far_apart_pairs_are_and_in_nothing_else():
    bank = FigureBank.from_positions(poses(), MOUSE)
    pose = torch.zeros(400, dtype=torch.long)
    found = figures_of(bank, pose, replace(AS_CAPTURED, width=0.3), torch.Generator().manual_seed(0))
    plain = figures_of(bank, pose, AS_CAPTURED, torch.Generator().manual_seed(0)).xyz
    middle = [joint for joint, other in enumerate(MOUSE.mirror) if joint == other]
    torch.testing.assert_close(found.xyz[:, middle], plain[:, middle], atol=1e-5, rtol=0)
    torch.testing.assert_close(found.size, torch.ones(400))
    hung = [
        pair for pair in map(MOUSE.indices, MOUSE.pairs) if len({MOUSE.parent_indices[joint] for joint in pair}) == 1
    ]
    assert hung
    for left, right in hung:
        before, after = plain[:, left] - plain[:, right], found.xyz[:, left] - found.xyz[:, right]
        log = (after.norm(dim=-1) / before.norm(dim=-1)).log()
        assert 0.2 < log.std() < 0.4
        torch.testing.assert_close(torch.cosine_similarity(before, after, dim=-1), torch.ones(400))
        torch.testing.assert_close(  # their middle stays
            found.xyz[:, [left, right]].mean(dim=1), plain[:, [left, right]].mean(dim=1), atol=1e-5, rtol=0
        )


def test_a_tail_wags_and_nothing_else():
    bank = FigureBank.from_positions(poses(), MOUSE)
    pose = torch.zeros(300, dtype=torch.long)
    found = figures_of(bank, pose, replace(AS_CAPTURED, wag=0.5), torch.Generator().manual_seed(0)).xyz
    plain = figures_of(bank, pose, AS_CAPTURED, torch.Generator().manual_seed(0)).xyz
    torch.testing.assert_close(bones_of(found), bones_of(plain), atol=1e-4, rtol=0)
    moved = (found - plain).norm(dim=-1).mean(dim=0) > 1e-4
    assert {MOUSE.joints[joint] for joint in moved.nonzero()[:, 0]} == {"tail_mid", "tail_end"}


def test_where_joints_are_said_to_be_is_alike_left_and_right():
    straight = torch.zeros(2, len(MOUSE), 3)
    for joint in MOUSE.topological[1:]:
        name, parent = MOUSE.joints[joint], MOUSE.parent_indices[joint]
        side = 1.0 if name.startswith("left") else -1.0 if name.startswith("right") else 0.0
        straight[:, joint] = straight[:, parent] + torch.tensor([0.2 * side, -0.1 * abs(side), 1.0 - abs(side)])
    bank = FigureBank.from_positions(straight, MOUSE)
    pose = torch.zeros(200, dtype=torch.long)
    offset = replace(AS_CAPTURED, joint_offset=0.02)
    said = figures_of(bank, pose, offset, torch.Generator().manual_seed(0)).xyz
    mirrored = said[:, list(MOUSE.mirror)] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(said, mirrored, atol=1e-4, rtol=0)
    assert (said - straight[:1]).norm(dim=-1)[:, MOUSE.index("left_back_paw")].mean() > 0.02


def test_a_body_may_have_anothers_shape_or_be_between_or_beyond_them():
    one = poses()[:1]
    bank = FigureBank.from_positions(torch.cat([one, 2 * one]), MOUSE, torch.tensor([0, 1]))
    pose = torch.zeros(400, dtype=torch.long)
    found = figures_of(bank, pose, replace(AS_CAPTURED, species=1.0), torch.Generator().manual_seed(0))
    ratio = (bones_of(found.xyz) / bones_of(one)).log2()
    torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio), atol=1e-3, rtol=0)  # all bones go one way
    low, high = SPECIES
    assert low - 1e-3 < ratio.min() < low + 0.1
    assert high - 0.1 < ratio.max() < high + 1e-3
    torch.testing.assert_close(found.size, 2 ** ratio[:, 0], atol=1e-2, rtol=1e-2)


def test_mixed_branches_are_those_of_other_poses():
    bank = FigureBank.from_positions(poses(), MOUSE)
    pose = torch.zeros(300, dtype=torch.long)
    mixed = figures_of(bank, pose, replace(AS_CAPTURED, mix=1.0), torch.Generator().manual_seed(0)).xyz
    plain = figures_of(bank, pose, AS_CAPTURED, torch.Generator().manual_seed(0)).xyz
    moved = (mixed - plain).norm(dim=-1) > 1e-4
    trunk = MOUSE.indices(["tail_base", "spine", "neck"])
    assert not moved[:, trunk].any()
    assert 0.2 < moved[:, MOUSE.index("left_front_paw")].float().mean() < 0.8
    assert (moved[:, MOUSE.index("left_front_paw")] != moved[:, MOUSE.index("right_front_paw")]).any()


def test_a_joint_that_was_not_seen_is_filled_from_the_nearest_pose_and_said_to_be_unknown():
    whole = poses(seconds=40.0)
    given = whole.clone()
    paw, neck = MOUSE.index("left_back_paw"), MOUSE.index("neck")
    given[::4, paw] = torch.nan
    given[1::7, neck] = torch.nan
    bank = FigureBank.from_positions(given, MOUSE)
    found = figures_of(bank, torch.arange(len(whole)), AS_CAPTURED, torch.Generator().manual_seed(0))
    torch.testing.assert_close(found.known, torch.isfinite(given).all(dim=-1))
    error = (found.xyz - whole).norm(dim=-1)
    assert error[found.known].max() < 1e-4
    assert error[~found.known].mean() < 0.1  # of a body length
    assert torch.isfinite(found.xyz).all()


@pytest.mark.parametrize("upright", [True, False])
def test_the_truth_projects_onto_what_is_seen(upright):
    bank = FigureBank.from_positions(poses(gaps=True), MOUSE)
    generator = torch.Generator().manual_seed(0)
    variation = FigureViewVariation(
        pitch=(-10.0, 40.0), noise=0.0, outlier=0.0, any_orientation=0.0 if upright else 1.0
    )
    seen = see_figures(
        sample_figures(bank, 400, FigureVariation(), generator), bank.tree, variation, generator, real=None
    )
    points = seen.xyz + seen.root[:, None]
    torch.testing.assert_close(points[..., :2] / points[..., 2:], seen.rays, atol=1e-5, rtol=1e-4)
    assert points[..., 2].min() > 0
    assert not (seen.visible.bool() & ~seen.known).any()
    assert (seen.visible.sum(dim=1) >= 5).all()
    ears, paws = MOUSE.indices(["left_ear", "right_ear"]), MOUSE.indices(["left_back_paw", "right_back_paw"])
    below = (seen.xyz[:, ears, 1].mean(dim=1) < seen.xyz[:, paws, 1].mean(dim=1)).float().mean()  # y down
    assert below > 0.8 if upright else 0.3 < below < 0.7


def test_a_sessions_own_cameras_see_its_poses_where_they_were_and_mirrored_ones_in_the_mirror():
    xyz = poses(seconds=4.0)
    bank = FigureBank.from_positions(xyz, MOUSE)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(4))).Q
    turn = turn * torch.linalg.det(turn)
    place = torch.randn(len(xyz), 3, generator=torch.Generator().manual_seed(5)) * 0.2
    shift = torch.tensor([0.1, -0.2, 5.0])
    real = RealCameras(turn[None, None], shift[None, None], torch.zeros(len(xyz), dtype=torch.long), place)
    figures = figures_of(bank, torch.arange(len(bank)), AS_CAPTURED, torch.Generator().manual_seed(0))
    variation = FigureViewVariation(noise=0.0, outlier=0.0, real=1.0)
    seen = see_figures(figures, bank.tree, variation, torch.Generator().manual_seed(0), real=real)
    points = (xyz + place[:, None]) @ turn.T + shift
    rays = points[..., :2] / points[..., 2:]
    torch.testing.assert_close(seen.rays[: len(xyz)], rays, atol=1e-4, rtol=1e-3)
    mirrored = rays[:, list(MOUSE.mirror)] * torch.tensor([-1.0, 1.0])
    torch.testing.assert_close(seen.rays[len(xyz) :], mirrored, atol=1e-4, rtol=1e-3)


def test_targets_are_nearly_the_input_and_unknown_joints_are_marked():
    bank = FigureBank.from_positions(poses(gaps=True), MOUSE)
    generator = torch.Generator().manual_seed(0)
    far = FigureViewVariation(noise=0.0, outlier=0.0, complete=1.0, unknown_focal=0.0, distance=(50.0, 60.0))
    views = view_figures(sample_figures(bank, 300, AS_CAPTURED, generator), bank.tree, far, generator, real=None)
    joints = len(MOUSE)
    plane = views.features[:, : 2 * joints].unflatten(1, (joints, 2))
    shape = views.target[..., :2] - views.target[:, [1], :2] - (plane - plane[:, [1]])
    there = views.features[:, 2 * joints : 3 * joints].bool()
    there[:, MOUSE.root] = False  # its row holds the size
    there = there & there[:, [1]]
    assert shape[there].abs().median() < 0.02
    assert not views.known.all()
    assert views.known[:, MOUSE.root].all()
