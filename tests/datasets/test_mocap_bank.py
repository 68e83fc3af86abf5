"""The bank: distinct poses of clean clips, some held out, with where they are from; the same bytes every time."""

import json
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.datasets.mocap import SUBJECT_RIG, bone_lengths, stature
from flowlift.datasets.mocap_bank import APART, bank_of, build_bank, distinct, facing_one_way, read_clips
from flowlift.datasets.mocap_bank_file import CREDIT, load_bank, save_bank
from flowlift.datasets.mocap_cleaning import FAULTS
from flowlift.datasets.mocap_words import in_words
from flowlift.errors import InputError
from flowlift.skeletons import HUMAN36M17

from .mocap_moving import archived, t_pose, walking, write_captures, write_moving_bvh

S = HUMAN36M17


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_captures(tmp_path_factory.mktemp("captures"))


@pytest.fixture(scope="module")
def bank(folder):
    return build_bank(folder)


@given(seed=st.integers(0, 1000), apart=st.floats(0.05, 0.8))
def test_kept_poses_lie_apart_and_every_pose_lies_near_a_kept_one(seed, apart):
    generator = np.random.default_rng(seed)
    # The same heading for all, so that plain distances apply.
    xyz = (generator.standard_normal((40, 17, 3)) * 0.2).astype(np.float32)
    xyz[:, S.index("left_hip")], xyz[:, S.index("right_hip")] = [0.1, 0, 0], [-0.1, 0, 0]
    kept = distinct(xyz, apart=apart)
    distance = np.linalg.norm(xyz[:, None] - xyz[kept][None], axis=-1).mean(axis=-1)
    assert (distance.min(axis=1) < apart + 1e-6).all()
    among = distance[kept]
    assert (among[~np.eye(len(kept), dtype=bool)] >= apart - 1e-6).all()


def test_more_poses_than_are_looked_at_first_are_compared_with_all():
    """Two hundred poses far apart, and each a second time."""
    once = np.random.default_rng(0).standard_normal((200, 17, 3)).astype(np.float32)
    assert list(distinct(np.concatenate([once, once]), apart=0.05)) == list(range(200))


def test_heading_does_not_make_a_pose_distinct():
    pose = np.random.default_rng(0).standard_normal((17, 3)).astype(np.float32)
    c, s = np.cos(1.0), np.sin(1.0)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], dtype=np.float32)
    assert list(distinct(np.stack([pose, pose @ turn.T, pose * 2]), apart=0.05)) == [0, 2]


def test_facing_one_way_puts_the_left_hip_at_plus_x():
    xyz = np.random.default_rng(0).standard_normal((6, 17, 3)).astype(np.float32)
    turned = facing_one_way(xyz)
    across = turned[:, S.index("left_hip")] - turned[:, S.index("right_hip")]
    assert (across[:, 0] > 0).all()
    np.testing.assert_allclose(across[:, 2], 0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(xyz, axis=-1), rtol=1e-5)


def test_every_frame_is_used_or_dropped_for_one_reason(folder):
    captured = read_clips(folder)
    for clip in captured.clips:
        assert clip.read == len(clip.xyz) + sum(clip.dropped)
    dropped = {clip.take.name: dict(zip(FAULTS, clip.dropped, strict=True)) for clip in captured.clips}
    # The T-pose that it begins with; the three frames after it are between strides, and too far from it to be missed.
    assert dropped["subjects/02_01"] == {"not_finite": 0, "stretched": 0, "t_pose": 1, "jump": 0}
    assert not any(count for name, counts in dropped.items() for count in counts.values() if name != "subjects/02_01")


def test_poses_are_in_statures_about_the_hip_and_apart(bank):
    for part in (bank.train, bank.val):
        assert (part.xyz.dtype, part.xyz.shape[1:]) == (np.float32, (17, 3))
        np.testing.assert_allclose(part.xyz[:, S.root], 0, atol=1e-6)
        np.testing.assert_allclose(stature(part.xyz), 1, atol=0.05)
    assert len(distinct(bank.train.xyz, apart=APART)) == len(bank.train.xyz)


def test_held_out_clips_are_in_val_only(tmp_path):
    write_moving_bvh(tmp_path / "s" / "49_01.bvh", SUBJECT_RIG, walking(60))
    write_moving_bvh(tmp_path / "s" / "50_01.bvh", SUBJECT_RIG, 2 * walking(60, start=0.5))
    bank = build_bank(tmp_path)
    (train,) = (clip.xyz for clip in read_clips(tmp_path).clips if clip.take.name == "s/50_01")
    assert len(bank.val.xyz)
    assert all((pose == train).all(axis=(1, 2)).any() for pose in bank.train.xyz)
    assert not any((pose == train).all(axis=(1, 2)).any() for pose in bank.val.xyz)


def test_generic_figures_get_the_mean_bones_of_those_who_are_trained_on(folder, bank):
    names = [source.name for source in bank.sources]
    captured = read_clips(folder).clips
    own = [c for c in captured if c.take.conversion.own_proportions and not c.held_out]
    expected = np.mean([bone_lengths(clip.xyz) for clip in own], axis=0)
    dance = bank.train.xyz[bank.train.source == names.index("generic")]
    for joint, parent in enumerate(S.parent_indices):
        if parent > S.root:  # the hips' middle is put back on the root
            lengths = np.linalg.norm(dance[:, joint] - dance[:, parent], axis=-1)
            np.testing.assert_allclose(lengths, expected[joint], rtol=1e-4)


def test_counts_are_those_of_the_poses(bank):
    assert [source.name for source in bank.sources] == ["subjects", "acclaim", "generic", "iclone"]
    for place, source in enumerate(bank.sources):
        assert source.train == (bank.train.source == place).sum()
        assert source.val == (bank.val.source == place).sum()
    clips = {source.name: (source.clips, source.repeated) for source in bank.sources}
    assert clips == {"subjects": (2, 0), "acclaim": (1, 0), "generic": (1, 0), "iclone": (2, 1)}
    subjects = next(line for line in in_words(bank) if line.startswith("subjects: 2 clips, "))
    assert "1 dropped (1 T-poses)" in subjects
    assert any(line.startswith("left out: cmu_actions") for line in in_words(bank))


def test_progress_runs_to_the_frames_in_all(folder):
    told: list[tuple[int, int | None]] = []
    captured = read_clips(folder, progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (sum(clip.read for clip in captured.clips), None)
    told.clear()
    bank_of(captured, progress=lambda done, total: told.append((done, total)))
    assert {total for _, total in told} == {sum(len(clip.xyz) for clip in captured.clips)}
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_captures_without_a_pose_are_refused(tmp_path):
    write_moving_bvh(tmp_path / "02_01.bvh", SUBJECT_RIG, t_pose()[None])
    with pytest.raises(InputError, match="no frame of its 1 clips shows a pose"):
        read_clips(tmp_path)


def test_the_same_captures_give_the_same_bytes(folder, bank, tmp_path):
    save_bank(bank, tmp_path / "a.npz")
    save_bank(build_bank(archived(folder, tmp_path / "a.tar.xz")), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}, "no clock in the bytes"


def test_a_bank_comes_back_from_its_file(bank, tmp_path):
    save_bank(bank, tmp_path / "bank.npz")
    again = load_bank(tmp_path / "bank.npz")
    for part, same in ((bank.train, again.train), (bank.val, again.val)):
        np.testing.assert_array_equal(part.xyz, same.xyz)
        np.testing.assert_array_equal(part.source, same.source)
    assert (bank.sources, bank.left_out) == (again.sources, again.left_out)


def test_the_file_says_where_its_poses_are_from_and_whom_to_credit(bank, tmp_path):
    save_bank(bank, tmp_path / "bank.npz")
    with np.load(tmp_path / "bank.npz", allow_pickle=False) as arrays:
        assert (arrays["train"].dtype, arrays["val"].dtype) == (np.float32, np.float32)
        about = json.loads(str(arrays["about"]))
    assert about["credit"] == CREDIT
    assert sum(source["train"] for source in about["sources"]) == len(bank.train.xyz)


def test_training_reads_it(bank, tmp_path):
    pytest.importorskip("torch")
    from flowlift.training.sources import load_poses

    save_bank(bank, tmp_path / "bank.npz")
    train, val = load_poses(tmp_path / "bank.npz")
    np.testing.assert_array_equal(train.numpy(), bank.train.xyz)
    np.testing.assert_array_equal(val.numpy(), bank.val.xyz)


def test_a_bank_without_sources_is_read(tmp_path):
    np.savez(tmp_path / "old.npz", train=walking(3), val=walking(1))
    bank = load_bank(tmp_path / "old.npz")
    assert (len(bank.train.xyz), len(bank.val.xyz), len(bank.sources)) == (3, 1, 1)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"train": np.zeros((2, 17, 3))}, "val"),
        ({"train": np.zeros((2, 16, 3)), "val": np.zeros((2, 17, 3))}, r"train has shape \(2, 16, 3\)"),
        ({"train": np.full((2, 17, 3), np.nan), "val": np.zeros((2, 17, 3))}, "finite"),
        ({"train": np.zeros((2, 17, 3)), "val": np.zeros((1, 17, 3)), "val_source": [4]}, "a source that `about`"),
        ({"train": np.zeros((2, 17, 3)), "val": np.zeros((1, 17, 3)), "val_source": [0, 0]}, "val_source has shape"),
        ({"train": np.zeros((2, 17, 3)), "val": np.zeros((1, 17, 3)), "about": "{"}, "expected a bank"),
        ({"train": np.zeros((2, 17, 3)), "val": np.zeros((1, 17, 3)), "about": "3"}, "expected a bank"),
        ({"train": np.zeros((2, 17, 3)), "val": np.zeros((1, 17, 3)), "about": '{"sources": [{}]}'}, "dropped"),
        ({"train": np.array([{}], dtype=object), "val": np.zeros((1, 17, 3))}, "expected a bank"),
    ],
)
def test_what_is_no_bank_is_refused(tmp_path, arrays, reason):
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(InputError, match=rf"x\.npz: .*{reason}"):
        load_bank(tmp_path / "x.npz")


def test_a_damaged_file_is_refused_or_read(bank, tmp_path):
    path = tmp_path / "x.npz"
    save_bank(bank, path)
    whole, generator = path.read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        path.write_bytes(whole[: generator.integers(0, len(whole))])
        try:
            load_bank(path)
        except InputError:
            refused += 1
    assert refused == 60
