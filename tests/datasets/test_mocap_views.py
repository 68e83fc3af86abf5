"""Captures as data sets: metres, upright, in front of the camera; the same camera for the same clip and seed."""

import contextlib
from pathlib import Path

import numpy as np
import pytest

from flowlift.datasets.labelled import DataSet, LabelledClip
from flowlift.datasets.mocap import GENERIC_RIG, ICLONE_RIG, SUBJECT_RIG, stature
from flowlift.datasets.mocap_views import MocapViews, matches
from flowlift.datasets.opening import DataSetOptions, open_dataset
from flowlift.demo import walk
from flowlift.errors import InputError
from flowlift.skeletons import HUMAN36M17

from .mocap_files import BODY, UP, write_amc, write_asf, write_bvh


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


def in_world(clip: LabelledClip) -> np.ndarray:
    """(frame, 17, 3) m, as the capture had it before the camera looked."""
    return (clip.xyz + clip.root[:, None] - clip.camera.translation) @ clip.camera.rotation


@pytest.mark.parametrize(("rig", "metres"), [(SUBJECT_RIG, 0.0564), (ICLONE_RIG, 0.01)])
def test_a_bvh_is_known_by_its_joints_and_read_in_its_unit(tmp_path, rig, metres):
    # The first frame is a T-pose, far off here; of the rest, every twelfth stays.
    heights = [9.0, *np.linspace(0, 0.25, 25)]
    write_bvh(tmp_path / "a.bvh", rig, metres, heights)
    (clip,) = open_dataset(tmp_path).clips("all")
    assert clip.keypoints.fps == pytest.approx(10, rel=1e-3)
    expected = BODY + UP * np.array([0.0, 0.125, 0.25])[:, None, None]
    told = [i for i, joint in enumerate(HUMAN36M17.joints) if joint not in ("hip", "head")]
    np.testing.assert_allclose(in_world(clip)[:, told], expected[:, told], atol=1e-4)


def test_a_body_without_a_true_size_is_given_one(tmp_path):
    write_bvh(tmp_path / "small.bvh", GENERIC_RIG, 1.0, [0.0, 0.0, 0.0])
    write_bvh(tmp_path / "tall.bvh", GENERIC_RIG, 0.01, [0.0, 0.0, 0.0])
    small, tall = open_dataset(tmp_path).clips("all")
    assert stature(small.xyz)[0] == pytest.approx(1.58, rel=1e-4)
    shape = [clip.xyz[0] @ clip.xyz[0].T for clip in (small, tall)]  # whatever the camera
    np.testing.assert_allclose(*shape, atol=1e-4)


def test_acclaim_trials_are_in_metres_on_their_own_skeletons(tmp_path):
    for name in ("07", "7"):
        write_asf(tmp_path / f"{name}.asf")
    write_amc(tmp_path / "07_01.amc", [0.0] * 12 + [0.3] * 12)
    (clip,) = open_dataset(tmp_path).clips("all")
    assert (clip.labels["clip"], clip.keypoints.fps) == ("07_01", 10)
    np.testing.assert_allclose(in_world(clip), [BODY, BODY + 0.3 * UP], atol=1e-4)
    write_amc(tmp_path / "71_01.amc", [0.0])  # no trial of 7
    with pytest.raises(InputError, match=r"71_01\.amc: no ASF"):
        list(open_dataset(tmp_path).clips("all"))


def test_captures_are_recognised(tmp_path):
    assert not matches(tmp_path)
    write_asf(tmp_path / "HDM_bd.asf")
    assert not matches(write_amc(tmp_path / "HDM_bd_squat1Reps_001_120.amc", [0.0]))
    assert not matches(tmp_path), "HDM05 is another data set"
    assert matches(write_bvh(tmp_path / "a.BVH", SUBJECT_RIG, 0.0564, [0.0]))
    assert matches(tmp_path)
    with pytest.raises(InputError, match="several data sets"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("factor", [1000, 0.01])
def test_another_unit_is_noticed(tmp_path, factor):
    np.savez(tmp_path / "a.npz", mm=np.asarray(walk(np.arange(3.0))) * factor)
    with pytest.raises(InputError, match=r"a\.npz: clip mm shows a body of .* along its bones.*metres"):
        list(MocapViews(tmp_path).clips("all"))


@pytest.mark.parametrize("arrays", [{"x": np.zeros((0, 17, 3))}, {"x": np.full((3, 17, 3), np.nan)}])
def test_clips_without_positions_are_refused(tmp_path, arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=r"a\.npz: clip x has no frames, or positions"):
        list(MocapViews(tmp_path).clips("all"))


def test_pickles_are_not_read(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"a\.npz: expected an npz.*run code"):
        list(MocapViews(tmp_path).clips("all"))


def test_an_npz_damaged_anywhere_is_refused_or_read(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.asarray(walk(np.arange(2.0))))
    whole, generator = path.read_bytes(), np.random.default_rng(0)
    for _ in range(100):
        damaged = bytearray(whole[: generator.integers(1, len(whole) + 1)])
        damaged[generator.integers(len(damaged))] = generator.integers(256)
        path.write_bytes(bytes(damaged))
        with contextlib.suppress(InputError):
            list(MocapViews(path).clips("all"))


def test_a_frame_time_that_is_none(tmp_path):
    path = write_bvh(tmp_path / "a.bvh", SUBJECT_RIG, 0.0564, [0.0, 0.0])
    path.write_text(path.read_text().replace("Frame Time: 0.00833333", "Frame Time: nan"))
    with pytest.raises(InputError, match=r"a\.bvh: its frame time"):
        list(MocapViews(path).clips("all"))


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
