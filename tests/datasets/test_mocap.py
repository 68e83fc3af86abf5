"""Bodies on the 17 joints: sizes, bones, and the anatomy of every source."""

import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.datasets.asf_amc import human36m17_from_acclaim, read_acclaim
from flowlift.datasets.mocap import bone_lengths, stature, with_bone_lengths
from flowlift.datasets.mocap_bank import read_clips
from flowlift.datasets.mocap_takes import ACCLAIM, SUBJECTS
from flowlift.skeletons import HUMAN36M17

S = HUMAN36M17


def test_stature_runs_along_the_bones_of_one_leg_trunk_and_head():
    pose = np.zeros((17, 3))
    for joint, parent in enumerate(S.parent_indices):
        if parent >= 0:
            pose[joint] = pose[parent] + [0, 1, 0]
    # knee, ankle; spine, thorax, nose, head: six bones of length 1
    assert stature(pose[None])[0] == pytest.approx(6)


@given(seed=st.integers(0, 1000), factor=st.floats(0.5, 2.0))
def test_bones_of_other_lengths_point_the_same_way(seed, factor):
    xyz = np.random.default_rng(seed).standard_normal((5, 17, 3))
    xyz -= xyz[:, [S.index("left_hip"), S.index("right_hip")]].mean(axis=1, keepdims=True)
    lengths = np.arange(17) * factor
    posed = with_bone_lengths(xyz, lengths)
    for joint, parent in enumerate(S.parent_indices):
        if parent <= S.root:
            continue  # the hips' middle is put back on the root, which turns the bones that start there
        bone, before = posed[:, joint] - posed[:, parent], xyz[:, joint] - xyz[:, parent]
        np.testing.assert_allclose(np.linalg.norm(bone, axis=-1), lengths[joint])
        np.testing.assert_allclose(bone / lengths[joint], before / np.linalg.norm(before, axis=-1)[:, None], atol=1e-9)
    np.testing.assert_allclose(posed[:, [S.index("left_hip"), S.index("right_hip")]].mean(axis=1), 0, atol=1e-9)


def test_own_bone_lengths_change_nothing():
    pose = np.random.default_rng(1).standard_normal((1, 17, 3))
    pose -= pose[:, [S.index("left_hip"), S.index("right_hip")]].mean(axis=1, keepdims=True)
    pose[:, S.root] = 0
    np.testing.assert_allclose(with_bone_lengths(pose, bone_lengths(pose)), pose, atol=1e-12)


@pytest.mark.slow
def test_the_restored_thorax_gives_the_trunk_of_the_native_skeletons(shared_data, tmp_path):
    with tarfile.open(shared_data / "mocap" / "cmu.tar.xz") as archive:
        for name in ("cmu/mocap_data_utilities/02_01.bvh", "cmu/misc/01.asf", "cmu/misc/01_01.amc"):
            archive.extract(name, tmp_path, filter="data")
    native = human36m17_from_acclaim(read_acclaim(tmp_path / "cmu/misc/01.asf", tmp_path / "cmu/misc/01_01.amc"))
    clip, again = read_clips(tmp_path).clips
    assert (clip.take.conversion, again.take.conversion) == (SUBJECTS, ACCLAIM)

    def trunk_in_legs(xyz):
        lengths = dict(zip(S.joints, bone_lengths(xyz), strict=True))
        return lengths["thorax"] / (lengths["left_knee"] + lengths["left_ankle"])

    assert trunk_in_legs(again.xyz) == pytest.approx(trunk_in_legs(native), abs=0.003)
    assert trunk_in_legs(clip.xyz) == pytest.approx(trunk_in_legs(native), abs=0.03)


@pytest.mark.slow
def test_real_captures_are_upright_and_their_knees_bend_forwards(shared_data, tmp_path):
    wanted = ("mocap_data_utilities/02_01.bvh", "acrnn/salsa/01.bvh", "acrnn/martial/03.bvh", "iclone/002_10.bvh")
    with tarfile.open(shared_data / "mocap" / "cmu.tar.xz") as archive:
        for name in wanted:
            archive.extract(f"cmu/{name}", tmp_path, filter="data")
    clips = read_clips(tmp_path).clips
    assert len(clips) == len(wanted)
    for clip in clips:
        xyz = clip.xyz
        assert np.median(stature(xyz)) == pytest.approx(1, abs=1e-3)
        assert (xyz[:, S.index("head"), 1] > xyz[:, S.index("left_ankle"), 1]).mean() > 0.95, clip.name
        across = xyz[:, S.index("left_hip")] - xyz[:, S.index("right_hip")]
        forward = np.cross(across, xyz[:, S.index("thorax")])
        for side in ("left", "right"):
            hip, knee, ankle = (xyz[:, S.index(f"{side}_{joint}")] for joint in ("hip", "knee", "ankle"))
            bend = ((knee - (hip + ankle) / 2) * forward).sum(axis=-1)
            assert bend.mean() > 0, (clip.name, side)
