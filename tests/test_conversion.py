"""Conversions between skeletons, joint by joint."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift import animal_skeletons
from flowlift.animal_skeletons import ANIMAL3D26
from flowlift.containers import Keypoints2D
from flowlift.conversion import conversion, conversion_by, convert
from flowlift.errors import InputError
from flowlift.joint_names import joints_by_name
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BODY25, BUILT_IN, COCO17, HUMAN36M17

ANIMALS = [skeleton.name for skeleton in animal_skeletons.ANIMALS]
HUMANS = [name for name in BUILT_IN if name not in ANIMALS]
MIDDLE_OF = {"hip": ("left_hip", "right_hip"), "neck": ("left_shoulder", "right_shoulder")}
RENAMED = {
    ("mpi_inf_3dhp17", "human36m17"): {"head": "head_top", "nose": "head", "thorax": "neck"},
    ("human36m17", "mpi_inf_3dhp17"): {"head_top": "head", "head": "nose", "neck": "thorax"},
    ("body25b", "human36m17"): {"head": "head_top"},
    ("human36m17", "body25b"): {"head_top": "head"},
    ("halpe26", "human36m17"): {"head": "head_top"},
    ("human36m17", "halpe26"): {"head_top": "head"},
}


def keypoints(skeleton, seed=0, frames=3):
    generator = np.random.default_rng(seed)
    xy = generator.uniform(0, 1000, (frames, 2, len(skeleton), 2))
    return Keypoints2D(xy, generator.uniform(0.1, 1, xy.shape[:3]), skeleton, (1000, 1000))


def expected_source(source, target, joint):
    """The joints that a target joint is the mean of, by the definitions of both skeletons; () where it is missing."""
    if source == target:
        return (joint,)
    renamed = RENAMED.get((source.name, target.name), {})
    if joint in renamed:
        return (renamed[joint],)
    if joint == "neck":
        openpose = {"body25", "coco18"}
        return () if target.name not in openpose else (joint,) if source.name in openpose else MIDDLE_OF["neck"]
    if joint in source.joints and joint != "head":
        return (joint,)
    return MIDDLE_OF["hip"] if joint == "hip" else ()


@pytest.mark.parametrize("source", HUMANS)
@pytest.mark.parametrize("target", HUMANS)
def test_every_joint_comes_from_where_its_definition_says(source, target):
    source, target = Skeleton.named(source), Skeleton.named(target)
    given_points = keypoints(source)
    converted = convert(given_points, target)
    for index, joint in enumerate(target.joints):
        origin = expected_source(source, target, joint)
        if not origin:
            assert np.isnan(converted.xy[:, :, index]).all(), joint
            assert np.isnan(converted.score[:, :, index]).all(), joint
        else:
            columns = source.indices(origin)
            np.testing.assert_allclose(
                converted.xy[:, :, index], given_points.xy[:, :, columns].mean(axis=2), rtol=1e-5, err_msg=joint
            )
            np.testing.assert_array_equal(converted.score[:, :, index], given_points.score[:, :, columns].min(axis=2))


@given(seed=st.integers(0, 1000), target=st.sampled_from(HUMANS), source=st.sampled_from(HUMANS))
def test_mirroring_and_converting_can_be_exchanged(seed, source, target):
    source, target = Skeleton.named(source), Skeleton.named(target)

    def mirrored(k):
        order = list(k.skeleton.mirror)
        return replace(k, xy=k.xy[:, :, order] * np.array([-1, 1], dtype=np.float32), score=k.score[:, :, order])

    points = keypoints(source, seed)
    one, other = convert(mirrored(points), target), mirrored(convert(points, target))
    np.testing.assert_allclose(one.xy, other.xy, rtol=1e-5)


def test_a_joint_built_from_a_missing_one_is_missing():
    points = keypoints(COCO17)
    xy = points.xy.copy()
    xy[1, 0, COCO17.index("left_hip")] = np.nan
    converted = convert(replace(points, xy=xy), HUMAN36M17)
    assert np.isnan(converted.xy[1, 0, HUMAN36M17.index("hip")]).all()
    assert np.isnan(converted.xy[1, 0, HUMAN36M17.index("left_hip")]).all()
    assert np.isfinite(converted.xy[1, 0, HUMAN36M17.index("right_hip")]).all()
    assert np.isfinite(converted.xy[1, 1, HUMAN36M17.index("hip")]).all()


def test_published_recipe_agrees_with_its_golden_values(parity):
    swap = (1, 0, 2, 3)
    points = Keypoints2D(
        parity["coco_kpts"].transpose(swap), parity["coco_scores"].transpose(1, 0, 2), COCO17, (1000, 1000)
    )
    converted = convert(points, HUMAN36M17, rule="published")
    np.testing.assert_allclose(converted.xy.transpose(swap), parity["h36m_kpts"], rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(converted.score.transpose(1, 0, 2), parity["h36m_scores"], atol=1e-6)


def test_what_the_published_recipe_does_not_see_is_missing():
    points = keypoints(COCO17)
    xy, score = points.xy.copy(), points.score.copy()
    xy[0, 0, COCO17.index("left_ear")] = np.nan
    score[0, 1, COCO17.index("left_ear")] = np.nan
    converted = convert(replace(points, xy=xy, score=score), HUMAN36M17, rule="published")
    head, others = HUMAN36M17.index("head"), [j for j in range(17) if HUMAN36M17.joints[j] != "head"]
    assert np.isnan(converted.xy[0, 0, head]).all()
    assert np.isfinite(converted.xy[0, 1]).all()
    assert np.isnan(converted.score[0, :, head]).all()
    assert np.isfinite(converted.score[0][:, others]).all()


@pytest.mark.parametrize("rule", ["default", "published"])
def test_no_scores_stay_no_scores(rule):
    points = keypoints(COCO17)
    converted = convert(replace(points, score=np.full_like(points.score, np.nan)), HUMAN36M17, rule)
    assert np.isnan(converted.score).all()
    np.testing.assert_array_equal(converted.xy, convert(points, HUMAN36M17, rule).xy)


def test_one_missing_score_passes_to_what_is_built_from_it():
    points = keypoints(COCO17)
    score = points.score.copy()
    score[1, 0, COCO17.index("left_hip")] = np.nan
    converted = convert(replace(points, score=score), HUMAN36M17)
    unknown = {HUMAN36M17.joints[j] for j in np.flatnonzero(np.isnan(converted.score[1, 0]))}
    assert unknown == {"hip", "left_hip", "spine", "thorax", "head"}
    assert np.isfinite(converted.xy[1, 0, HUMAN36M17.index("hip")]).all()


def test_everything_but_the_joints_is_kept():
    points = replace(keypoints(COCO17), fps=25.0, source="clip", times=np.array([0.0, 0.1, 0.3]))
    converted = convert(points, HUMAN36M17)
    assert (converted.fps, converted.source, converted.image_size) == (25.0, "clip", (1000, 1000))
    np.testing.assert_array_equal(converted.times, [0.0, 0.1, 0.3])
    assert converted.skeleton is HUMAN36M17


def test_a_skeleton_of_ones_own_converts_by_the_names_it_shares():
    legs = ["hip", "left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle"]
    mine = Skeleton("legs", tuple(legs[1:]), (None, *legs[1:-1]))
    converted = convert(keypoints(mine), HUMAN36M17)
    seen = np.isfinite(converted.xy[0, 0, :, 0])
    assert {HUMAN36M17.joints[j] for j in np.flatnonzero(seen)} == set(legs)
    impostor = replace(mine, name="mpi_inf_3dhp17")
    np.testing.assert_array_equal(convert(keypoints(impostor), HUMAN36M17).xy, converted.xy)


def test_a_small_skeleton_converts_to_itself():
    tail = Skeleton("tail", ("base", "end"), (None, "base"))
    points = keypoints(tail)
    np.testing.assert_array_equal(convert(points, tail).xy, points.xy)


def test_joints_are_ones_own_where_a_skeleton_of_ones_own_means_them():
    mouse = Skeleton("mouse", ("tail_base", "neck", "left_paw", "right_paw"), (None, "tail_base", "neck", "neck"))
    file = Skeleton("deeplabcut", ("TailBase", "neck", "LPaw"), (None, "TailBase", "TailBase"))
    assert conversion(file, mouse).own.all()
    by_hand = {"tail_base": {"TailBase": 1.0}, "neck": {"neck": 0.5, "TailBase": 0.5}, "left_paw": {"LPaw": 1.0}}
    assert conversion_by(by_hand, file, mouse).own.tolist() == [False, False, True, True]
    legs = ("left_hip", "left_knee", "left_ankle", "right_hip", "right_knee", "right_ankle")
    mine = Skeleton("legs", legs, (None, *legs[:-1]))
    assert not conversion(COCO17, mine).own.any()  # a built-in skeleton's joints have places of their own
    assert not conversion(mine, COCO17).own.any()
    assert not conversion(COCO17, HUMAN36M17).own.any()
    assert conversion(COCO17, COCO17).own.all()


@pytest.mark.parametrize("human", HUMANS)
@pytest.mark.parametrize("animal", ANIMALS)
def test_people_and_animals_do_not_convert(human, animal):
    with pytest.raises(InputError, match=f"'{animal}'.*'{human}'"):
        conversion(Skeleton.named(animal), Skeleton.named(human))
    with pytest.raises(InputError, match=f"'{human}'.*'{animal}'"):
        conversion(Skeleton.named(human), Skeleton.named(animal))


def test_unknown_rules_are_refused():
    with pytest.raises(InputError, match="published"):
        convert(keypoints(BODY25), HUMAN36M17, rule="published")
    with pytest.raises(InputError, match="rule"):
        convert(keypoints(COCO17), HUMAN36M17, rule="guess")


@pytest.mark.parametrize("order", [("left_heel", "left_ankle"), ("left_ankle", "left_heel")])
def test_an_ankle_is_called_for_before_a_heel(order: tuple[str, str]) -> None:
    names = [*order, "right_ankle", "left_knee", "right_knee", "left_hip", "right_hip", "left_shoulder", "left_wrist"]
    found = joints_by_name(names, HUMAN36M17)
    assert found["left_ankle"] == {"left_ankle": 1.0}
    animal = ["Left_hind_heel", "Left_hind_ankle", "RH_toe", "RH_paw"]
    found = joints_by_name(animal, ANIMAL3D26)
    assert found["left_back_knee"] == {"Left_hind_ankle": 1.0}
    assert found["right_back_paw"] == {"RH_paw": 1.0}
