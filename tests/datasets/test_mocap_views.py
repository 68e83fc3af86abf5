"""Captures as data sets: metres, upright, in front of the camera; the same camera for the same clip and seed."""

from pathlib import Path

import numpy as np
import pytest

from flowlift.datasets.labelled import DataSet
from flowlift.datasets.mocap import stature
from flowlift.datasets.mocap_views import MocapViews
from flowlift.datasets.opening import DataSetOptions, open_dataset
from flowlift.demo import walk
from flowlift.errors import InputError
from flowlift.skeletons import HUMAN36M17


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    xyz = np.asarray(walk(np.arange(0, 2, 1 / 30)))
    (tmp_path / "walks").mkdir()
    np.savez(tmp_path / "walks" / "two.npz", first=xyz, second=xyz[:30])
    return tmp_path


def test_npz_clips_are_seen_by_virtual_cameras(folder):
    data = open_dataset(folder, kind="mocap")
    assert isinstance(data, DataSet)
    clips = list(data.clips("all"))
    assert [clip.labels for clip in clips] == [{"folder": "walks", "clip": name} for name in ("first", "second")]
    for clip in clips:
        assert clip.keypoints.fps == 10
        np.testing.assert_allclose(
            clip.keypoints.xy[:, 0], clip.camera.project(clip.xyz + clip.root[:, None]), atol=0.01
        )
        head, ankle = HUMAN36M17.indices(["head", "left_ankle"])
        assert (clip.xyz[:, head, 1] < clip.xyz[:, ankle, 1]).all()  # y points down
        assert (clip.root[:, 2] > 2).all()


def test_the_seed_and_the_clip_decide_the_camera(folder):
    def cameras(seed):
        clips = open_dataset(folder, kind="mocap", options=DataSetOptions(seed=seed)).clips("all")
        return [clip.camera.matrix[0, 0] for clip in clips]

    assert cameras(0) == cameras(0)
    assert cameras(0) != cameras(1)
    assert len(set(cameras(0))) == 2


def test_keypoints_can_be_noisy(folder):
    exact, noisy = (
        next(open_dataset(folder, kind="mocap", options=DataSetOptions(keypoints=name)).clips("all"))
        for name in ("exact", "noise")
    )
    off = np.abs(exact.keypoints.xy - noisy.keypoints.xy)
    assert 0 < np.nanmean(off) < 30
    np.testing.assert_array_equal(exact.xyz, noisy.xyz)


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("bad.npz", b"junk", r"bad\.npz"),
        ("bad.bvh", b"HIERARCHY\nROOT a\n{\n", r"bad\.bvh"),
        ("lonely.amc", b":DEGREES\n1\n", "no ASF"),
    ],
)
def test_damaged_files_are_named(tmp_path, name, content, named):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=named):
        list(open_dataset(tmp_path, kind="mocap").clips("all"))


def test_what_is_no_capture_is_refused(tmp_path):
    with pytest.raises(InputError, match="no motion capture"):
        open_dataset(tmp_path, kind="mocap")
    np.savez(tmp_path / "other.npz", x=np.zeros((3, 4)))
    with pytest.raises(InputError, match="x has shape"):
        list(open_dataset(tmp_path, kind="mocap").clips("all"))
    with pytest.raises(InputError, match="exact"):
        open_dataset(tmp_path, kind="mocap", options=DataSetOptions(keypoints="cpn"))


BVH = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 3 Xposition Yposition Zposition
  JOINT Spine
  {
    OFFSET 0 1 0
    CHANNELS 0
    End Site
    {
      OFFSET 0 1 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0083
0 0 0
0 0 0
"""


def test_a_rig_that_is_unknown_is_named(tmp_path):
    (tmp_path / "odd.bvh").write_text(BVH)
    with pytest.raises(InputError, match=r"odd\.bvh: its joints belong to no rig"):
        list(MocapViews(tmp_path).clips("all"))


@pytest.mark.slow
def test_real_captures_have_human_sizes(shared_data, tmp_path):
    import tarfile

    with tarfile.open(shared_data / "mocap" / "cmu.tar.xz") as archive:
        wanted: dict[str, object] = {}
        for member in archive:
            kind = next(
                (part for part in ("mocap_data_utilities", "acrnn", "iclone", "misc") if part in member.name), ""
            )
            if member.isfile() and (kind == "misc" or wanted.setdefault(kind, member) is member):
                archive.extract(member, tmp_path, filter="data")
    clips = list(open_dataset(tmp_path, kind="mocap").clips("all"))
    assert len(clips) >= 4
    for clip in clips:
        assert 1.25 < np.median(stature(clip.xyz)) < 1.8, clip.name
        assert (clip.root[:, 2] > 0.5).all(), clip.name
