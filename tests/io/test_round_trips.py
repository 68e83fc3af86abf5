"""What is written is read back: our npz and JSON exactly, TRC and CSV to their digits."""

import csv
import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError, OutputError
from flowlift.io import load, save
from flowlift.pick_people import pick_people
from flowlift.skeletons import COCO17, HUMAN36M17

seeds = st.integers(0, 2**32 - 1)


def keypoints(seed, frames=3, people=2, times=True):
    generator = np.random.default_rng(seed)
    xy = generator.uniform(0, 1000, (frames, people, 17, 2)).astype(np.float32)
    xy[generator.random(xy.shape[:3]) < 0.2] = np.nan
    score = np.where(np.isnan(xy[..., 0]), np.nan, generator.random(xy.shape[:3])).astype(np.float32)
    when = np.cumsum(generator.uniform(0.01, 0.1, frames)) if times else None
    return Keypoints2D(xy, score, COCO17, (1000, 800), fps=29.97, source="clip", times=when)


def poses(seed, frames=3, people=2, bare=False, times=True):
    generator = np.random.default_rng(seed)
    xyz = generator.standard_normal((frames, people, 17, 3)).astype(np.float32)
    xyz[:, :, 0] = 0
    root = generator.standard_normal((frames, people, 3)).astype(np.float32)
    xyz[0, -1], root[0, -1] = np.nan, np.nan
    spread = generator.standard_normal((frames, people, 17, 3, 3)).astype(np.float32)
    cov = spread @ spread.swapaxes(-1, -2)
    if bare:
        return Poses3D(xyz, None, cov, HUMAN36M17)
    seen = keypoints(seed, frames, people, times)
    camera = Camera.from_matrix(
        [[900, 0, 500], [0, 910, 400], [0, 0, 1]], (1000, 800), [0.1, -0.2], np.eye(3), [1, 2, 3], assumed=True
    )
    kept = generator.standard_normal((frames, people, 4, 17, 3)).astype(np.float32)
    about = {"model": "human", "seed": 3, "height_m": 1.75, "detector": None, "note": "ü\n"}
    return Poses3D(xyz, root, cov, HUMAN36M17, 29.97, camera, about, kept, seen, seen.times)


def assert_same_keypoints(a, b):
    np.testing.assert_array_equal(a.xy, b.xy)
    np.testing.assert_array_equal(a.score, b.score)
    np.testing.assert_array_equal(a.frame_times, b.frame_times)
    assert (a.skeleton, a.image_size, a.fps, a.source) == (b.skeleton, b.image_size, b.fps, b.source)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@settings(max_examples=10)
@given(seed=seeds, times=st.booleans())
def test_keypoints_come_back_exactly(tmp_path_factory, suffix, seed, times):
    file = tmp_path_factory.mktemp("k") / f"k{suffix}"
    made = keypoints(seed, times=times)
    save(made, file)
    assert_same_keypoints(load(file), made)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize("bare", [False, True])
@settings(max_examples=10)
@given(seed=seeds)
def test_poses_come_back_exactly(tmp_path_factory, suffix, bare, seed):
    file = tmp_path_factory.mktemp("p") / f"p{suffix}"
    made = poses(seed, bare=bare)
    save(made, file)
    back = load(file)
    for name in ("xyz", "root", "cov", "hypotheses", "times"):
        one, two = getattr(made, name), getattr(back, name)
        assert (one is None) == (two is None), name
        if one is not None:
            np.testing.assert_array_equal(one, two, err_msg=name)
    assert (back.skeleton, back.fps, dict(back.provenance)) == (made.skeleton, made.fps, dict(made.provenance))
    if not bare:
        assert_same_keypoints(back.keypoints, made.keypoints)
        np.testing.assert_array_equal(back.camera.matrix, made.camera.matrix)
        np.testing.assert_array_equal(back.camera.distortion, made.camera.distortion)
        np.testing.assert_array_equal(back.camera.translation, made.camera.translation)
        assert back.camera.assumed


def test_our_npz_holds_no_pickle(tmp_path):
    save(poses(0), tmp_path / "p.npz")
    with np.load(tmp_path / "p.npz", allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)


@pytest.mark.parametrize("change", [{"format": "flowlift-9"}, {"skeleton": 3}, {"kind": "other"}, {"arrays": {}}])
def test_a_json_of_ours_that_was_changed_is_refused(tmp_path, change):
    file = tmp_path / "p.json"
    save(poses(0), file)
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(InputError, match=r"p\.json"):
        load(file)


def test_a_damaged_npz_of_ours_is_refused(tmp_path):
    file = tmp_path / "p.npz"
    save(poses(0, frames=40), file)
    data = bytearray(file.read_bytes())
    data[len(data) // 3 : len(data) // 3 + 200] = bytes(200)
    file.write_bytes(data)
    with pytest.raises(InputError, match=r"p\.npz"):
        load(file)
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"p\.npz"):
        load(file)


@settings(max_examples=10)
@given(seed=seeds, times=st.booleans())
def test_trc_brings_the_positions_back(tmp_path_factory, seed, times):
    file = tmp_path_factory.mktemp("t") / "p.trc"
    made = poses(seed, people=1, times=times)
    save(made, file)
    back = load(file)
    assert back.skeleton == HUMAN36M17
    np.testing.assert_allclose(back.absolute, made.absolute, atol=2e-6)
    np.testing.assert_allclose(back.frame_times, made.frame_times, atol=1e-6)


def test_trc_is_y_up_and_has_a_file_for_each_person(tmp_path):
    made = poses(0)
    save(made, tmp_path / "p.trc")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["p_person0.trc", "p_person1.trc"]
    for person in (0, 1):
        lines = (tmp_path / f"p_person{person}.trc").read_text().splitlines()
        assert lines[0].split("\t") == ["PathFileType", "4", "(X/Y/Z)", f"p_person{person}.trc"]
        names = lines[3].rstrip("\t").split("\t")[2::3]
        assert names[:3] == ["Hip", "RHip", "RKnee"]
        row = lines[7].split("\t")
        assert row[0] == "2"
        np.testing.assert_allclose(np.array(row[5:8], float), made.absolute[1, person, 1] * [1, -1, -1], atol=1e-6)
    assert lines[6].split("\t")[2] == ""  # nobody there: empty, not nan
    with pytest.raises(OutputError, match="3D"):
        save(keypoints(0), tmp_path / "k.trc")


def test_files_of_an_earlier_result_beside_a_trc_are_told(tmp_path):
    held = poses(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(held, tmp_path / "two.trc")
        save(held, tmp_path / "two.trc")
        save(held, tmp_path / "another.trc")
    one = pick_people(held, [0])
    with pytest.warns(UserWarning, match=r"beside two_person0\.trc, two_person1\.trc;"):
        save(one, tmp_path / "two.trc")
    with pytest.warns(UserWarning, match=r"beside two\.trc;"):
        save(held, tmp_path / "two.trc")


def test_the_real_trc_is_read(shared_data):
    back = load(shared_data / "eval" / "pose2sim" / "S00_P00_T01_BalancingTrial_0-100.trc")
    assert len(back) == 100
    assert back.fps == 60
    assert "RHip" in back.skeleton.joints
    up = -back.absolute[:, 0, :, 1]
    assert (up[:, back.skeleton.index("Head")] > up[:, back.skeleton.index("RAnkle")]).all()


def test_csv_is_tidy_and_says_where_everything_is(tmp_path):
    made = poses(0)
    save(made, tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3 * 2 * 17
    row = rows[17 * 3 + 5]  # frame 1, person 1, joint 5
    assert (row["frame"], row["person"], row["joint"]) == ("1", "1", "left_knee")
    assert float(row["time"]) == pytest.approx(made.frame_times[1], abs=1e-6)
    place = [float(row[axis]) for axis in "xyz"]
    np.testing.assert_allclose(place, made.absolute[1, 1, 5], atol=1e-5)
    np.testing.assert_allclose([float(row[f"sd_{axis}"]) for axis in "xyz"], made.std[1, 1, 5], atol=1e-5)
    assert rows[17]["x"] == ""  # nobody: empty
    save(keypoints(1), tmp_path / "k.csv")
    assert (tmp_path / "k.csv").read_text().splitlines()[0] == "frame,time,person,joint,x,y,score"
    save(replace(made, root=None), tmp_path / "r.csv")
    with (tmp_path / "r.csv").open(newline="") as stream:
        assert float(next(csv.DictReader(stream))["x"]) == 0
