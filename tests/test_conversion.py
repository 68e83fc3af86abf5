"""Conversions between skeletons, joint by joint."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.containers import Keypoints2D
from flowlift.conversion import check_geometry, conversion, convert
from flowlift.errors import InputError
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BODY25, BODY25B, BUILT_IN, COCO17, HUMAN36M17

HUMANS = [name for name in BUILT_IN if name != "animal3d26"]
MIDDLE_OF = {"hip": ("left_hip", "right_hip"), "neck": ("left_shoulder", "right_shoulder")}
RENAMED = {
    ("mpi_inf_3dhp17", "human36m17"): {"head": "head_top", "nose": "head", "thorax": "neck"},
    ("human36m17", "mpi_inf_3dhp17"): {"head_top": "head", "head": "nose", "neck": "thorax"},
    ("body25b", "human36m17"): {"head": "head_top"},
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


def test_impossible_conversions_and_unknown_rules_are_refused():
    with pytest.raises(InputError, match=r"animal3d26.*human36m17"):
        conversion(Skeleton.named("animal3d26"), HUMAN36M17)
    with pytest.raises(InputError, match="published"):
        convert(keypoints(BODY25), HUMAN36M17, rule="published")
    with pytest.raises(InputError, match="rule"):
        convert(keypoints(COCO17), HUMAN36M17, rule="guess")


@pytest.mark.parametrize("camera", ["cam01", "cam02", "cam03", "cam04"])
def test_real_body25b_is_told_from_body25(shared_data, camera):
    files = sorted((shared_data / "eval" / "pose2sim" / "openpose_body25b" / f"{camera}_json").glob("*.json"))
    people = [np.reshape(p["pose_keypoints_2d"], (25, 3)) for f in files for p in json.loads(f.read_text())["people"]]
    flat = np.array(people)[:, None]
    xy = np.where(flat[..., 2:] > 0, flat[..., :2], np.nan)
    right = Keypoints2D(xy, flat[..., 2].clip(0, 1), BODY25B, (1088, 1920))
    assert check_geometry(right) is None
    assert "body25b" in check_geometry(replace(right, skeleton=BODY25))
    shared = [BODY25B.joints.index(j) if j in BODY25B.joints else BODY25B.index("left_hip") for j in BODY25.joints]
    other = Keypoints2D(xy[:, :, shared], flat[:, :, shared, 2].clip(0, 1), BODY25, (1088, 1920))
    assert check_geometry(other) is None
    assert "body25;" not in check_geometry(replace(other, skeleton=BODY25B)).split("choose")[0]
    assert check_geometry(replace(other, skeleton=BODY25B)).endswith("body25")


def test_geometry_says_nothing_of_other_skeletons_or_empty_clips():
    assert check_geometry(keypoints(COCO17)) is None
    empty = replace(keypoints(BODY25), xy=np.full((3, 2, 25, 2), np.nan, dtype=np.float32))
    assert check_geometry(empty) is None
