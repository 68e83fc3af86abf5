"""Postures near the ground: bodies keep their bones, joints bend as joints do, and who stands is in balance."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from flowlift.datasets.mocap import stature  # noqa: E402
from flowlift.skeletons import HUMAN36M17  # noqa: E402
from flowlift.training.bodies import PoseBank, _assemble  # noqa: E402
from flowlift.training.draw import Draw  # noqa: E402
from flowlift.training.postures import KNEELING, LYING, ON_FEET, ON_FOURS, SHARES, SITTING, bend, in_postures  # noqa: E402

joint = HUMAN36M17.index
COUNT = 3000


def draw(seed=0):
    return Draw(torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def captured():
    from flowlift.demo import walk

    xyz = np.asarray(walk(np.arange(0, 4, 0.1)))
    xyz = xyz - xyz[:, :1]
    bank = PoseBank.from_positions(torch.tensor(xyz / stature(xyz)[:, None, None], dtype=torch.float32))
    return bank.bones[draw().integers(len(bank), COUNT)]


def only(kind):
    return [float(each == kind) for each in range(len(SHARES))]


def posed(bones, kind):
    """Joint positions, Y up."""
    made, pelvis = in_postures(bones, draw(), shares=only(kind))
    return _assemble(made, pelvis)


def bone(xyz, child, parent):
    return xyz[:, joint(child)] - xyz[:, joint(parent)]


@pytest.mark.parametrize("kind", range(len(SHARES)))
def test_bones_keep_their_lengths(captured, kind):
    made, pelvis = in_postures(captured, draw(), shares=only(kind))
    torch.testing.assert_close(made.norm(dim=-1), captured.norm(dim=-1), atol=1e-4, rtol=0)
    torch.testing.assert_close(pelvis @ pelvis.mT, torch.eye(3).expand(COUNT, 3, 3), atol=1e-4, rtol=0)


def test_the_shares_are_what_is_drawn(captured):
    assert sum(SHARES) == pytest.approx(1)
    made, pelvis = in_postures(captured, draw())
    lies = bone(_assemble(made, pelvis), "thorax", "hip")[:, 1].abs() < 0.1
    assert 0.1 < lies.float().mean() < 0.4  # who lies, and some who sit or stand bent


@pytest.mark.parametrize("kind", [ON_FEET, KNEELING, SITTING, ON_FOURS])
def test_knees_bend_forwards(captured, kind):
    xyz = posed(captured, kind)
    for side in ("left", "right"):
        thigh, shank = bone(xyz, f"{side}_knee", f"{side}_hip"), bone(xyz, f"{side}_ankle", f"{side}_knee")
        left = bone(xyz, "left_hip", "right_hip")
        bent = (torch.cross(thigh, shank, dim=-1) * left).sum(dim=-1) / thigh.norm(dim=-1) / shank.norm(dim=-1)
        # The shank turns backwards from the thigh, about the axis from right to left; some legs are turned out.
        assert (bent > -0.05).float().mean() > 0.9
        assert bent.median() > 0


def test_who_is_on_their_feet_stands_level_and_in_balance(captured):
    xyz = posed(captured, ON_FEET)
    ankles = xyz[:, [joint("left_ankle"), joint("right_ankle")]]
    assert (ankles[:, 0, 1] - ankles[:, 1, 1]).abs().median() < 0.06
    assert (ankles[..., 1].amax(dim=1) < xyz[:, joint("hip"), 1]).float().mean() > 0.95
    trunk = xyz[:, [joint("hip"), joint("thorax"), joint("head")]].mean(dim=1)
    feet = ankles.mean(dim=1)
    assert (trunk - feet)[:, 2].abs().median() < 0.12
    assert (trunk - feet)[:, 0].abs().median() < 0.12
    aside = bone(xyz, "thorax", "hip")
    leant = (aside[:, 0] / aside[:, 1].clamp(min=0.01)).abs() > 0.4
    assert 0.05 < leant.float().mean() < 0.4
    assert ((trunk - feet)[leant, 0] * aside[leant, 0].sign()).median() < 0.2
    deep = (xyz[:, joint("hip"), 1] - ankles[..., 1].mean(dim=1)) < 0.2
    assert 0.05 < deep.float().mean() < 0.5


def test_who_kneels_has_a_knee_below_everything_but_the_shank(captured):
    xyz = posed(captured, KNEELING)
    low = xyz[..., 1].amin(dim=1)
    knees = xyz[:, [joint("left_knee"), joint("right_knee")], 1].amin(dim=1)
    assert (knees - low).median() < 0.08


def test_who_sits_has_the_hip_on_the_ground(captured):
    xyz = posed(captured, SITTING)
    assert (
        xyz[:, joint("hip"), 1] - xyz[:, [joint("left_ankle"), joint("right_ankle")], 1].amin(dim=1)
    ).median() < 0.08


def test_who_lies_is_long_and_flat_on_any_side(captured):
    xyz = posed(captured, LYING)
    trunk = bone(xyz, "thorax", "hip")
    assert (trunk[:, 1].abs() / trunk.norm(dim=-1)).quantile(0.9) < 0.5
    belly = torch.cross(bone(xyz, "left_shoulder", "right_shoulder"), trunk, dim=-1)
    up = belly[:, 1] / belly.norm(dim=-1)
    assert 0.35 < (up > 0.7).float().mean() < 0.65
    assert 0.1 < (up < -0.7).float().mean() < 0.35
    assert (up.abs() < 0.5).float().mean() > 0.1


def test_hands_of_who_is_on_all_fours_are_near_the_ground(captured):
    xyz = posed(captured, ON_FOURS)
    wrists = xyz[:, [joint("left_wrist"), joint("right_wrist")], 1].mean(dim=1)
    assert (wrists - xyz[..., 1].amin(dim=1)).median() < 0.15


def test_two_bones_reach_what_they_can_reach():
    random = draw(4)
    lengths = 0.3 + random.uniform(500, 2)
    target, pole = random.normal(500, 3) * 0.7, random.normal(500, 3)
    first, second = bend(target, lengths, pole)
    torch.testing.assert_close(torch.stack([first, second], 1).norm(dim=-1), lengths, atol=1e-4, rtol=0)
    far = target.norm(dim=-1)
    whole, folded = lengths.sum(dim=1), lengths.diff(dim=1)[:, 0].abs()
    within = (far < 0.99 * whole) & (far > 0.25 * whole) & (far > 1.1 * folded)
    assert within.sum() > 100
    torch.testing.assert_close((first + second)[within], target[within], atol=1e-4, rtol=0)
    beyond = far > 1.01 * whole
    assert beyond.sum() > 20
    way = torch.nn.functional.cosine_similarity(first + second, target)
    torch.testing.assert_close(way[beyond], torch.ones(int(beyond.sum())), atol=1e-4, rtol=0)
    along = torch.nn.functional.normalize(target, dim=-1)
    aside = first - (first * along).sum(-1, keepdim=True) * along
    assert ((aside * pole).sum(-1)[within] > -1e-5).all()
