"""Sessions: joints by name, body lengths, axes, cameras, and which frames are held out."""

import json

import numpy as np
import pytest

from flowlift.conversion import rules
from flowlift.datasets.session import (
    body_length,
    in_words,
    read_sessions,
    turn_up,
    without_stretched,
)
from flowlift.datasets.session_bank import bank_of_sessions, save_session_bank
from flowlift.datasets.session_split import split_of
from flowlift.demo_animal import cameras
from flowlift.demo_animal_files import rotation_vector
from flowlift.errors import InputError
from flowlift.skeleton import Skeleton

from . import recordings as write
from .recordings import ANIMAL


def session_of(tmp_path, xyz=None, name="a.npz", **options):
    path = write.write_npz(tmp_path / name, write.moving() if xyz is None else xyz)
    return read_sessions([path], ANIMAL, **options)[0]


def test_joints_are_found_by_their_names_whatever_the_case_and_separators(tmp_path):
    session = session_of(tmp_path, up="z")
    assert dict(session.mapped) == dict(zip(ANIMAL.joints, write.JOINTS, strict=True))
    assert session.length == pytest.approx(80, rel=0.05)
    told = "\n".join(in_words(session, ANIMAL))
    assert "snout" in told
    assert "Left-Hip -> left_hip" in told
    assert "mm (snout - tail_base), up: z" in told


def test_poses_are_the_files_in_body_lengths_with_y_up(tmp_path):
    xyz = write.moving()
    session = session_of(tmp_path, xyz, up="z")
    back = session.xyz.astype(float) @ turn_up("z") * session.length
    np.testing.assert_allclose(back, xyz, atol=1e-3)
    np.testing.assert_allclose(session.xyz[..., 1] * session.length, xyz[..., 2], atol=1e-3)
    assert len(session.usable) == 40


@pytest.mark.parametrize("up", ["x", "y", "z", "-x", "-y", "-z"])
def test_every_axis_turns_up_without_mirroring(up):
    turn = turn_up(up)
    axis = np.eye(3)["xyz".index(up[-1])] * (-1 if up[0] == "-" else 1)
    np.testing.assert_allclose(turn @ axis, [0, 1, 0])
    assert np.linalg.det(turn) == pytest.approx(1)


def test_joints_without_names_are_taken_in_order_where_their_number_fits(tmp_path):
    path = write.write_dannce_mat(tmp_path / "save_data_AVG.mat", write.moving())
    (session,) = read_sessions([path], ANIMAL)
    assert session.mapped[1] == ("left_hip", "number 2")
    other = Skeleton("other", ("a", "b", "c"), (None, "a", "a"))
    with pytest.raises(InputError, match="4 joints without names, 'other' has 3"):
        read_sessions([path], other)
    with pytest.raises(InputError, match="the skeleton 'worm' has 2 joints; a pose needs 3"):
        read_sessions([path], Skeleton("worm", ("head", "tail"), (None, "head")))


@pytest.mark.parametrize("animals", [1, 2, 3])
@pytest.mark.parametrize("matlab", [False, True])
@pytest.mark.parametrize("frames", [2, 3, 40])
def test_a_short_recording_without_names_is_read_the_way_that_its_joints_fit(tmp_path, frames, matlab, animals):
    h5py = pytest.importorskip("h5py")
    xyz = np.stack([write.moving(frames=40, gaps=False)[:frames] + 200 * i for i in range(animals)], axis=1)
    pred = np.swapaxes(xyz, 2, 3) if animals > 1 else np.swapaxes(xyz[:, 0], 1, 2)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("pred", data=pred.transpose() if matlab else pred)
    sessions = read_sessions([tmp_path / "a.h5"], ANIMAL)
    for i, session in enumerate(sessions):
        np.testing.assert_allclose(session.xyz * session.length, xyz[:, i], atol=1e-3)
    assert len(sessions) == animals


def test_joints_that_fly_off_count_as_missing():
    xyz = write.moving(gaps=False) / 80
    xyz[5, 3] += [4, 0, 0]
    xyz[9, 0] += [0, 0, 7]  # the root: three bones are too long, and it is the one end that they share
    cleaned, broken = without_stretched(xyz, ANIMAL)
    assert broken == 2
    assert np.argwhere(np.isnan(cleaned[..., 0])).tolist() == [[5, 3], [9, 0]]


def test_body_length_is_the_median_along_the_chain():
    xyz = np.zeros((5, 4, 3))
    xyz[:, 3, 0] = [1, 2, 3, 4, np.nan]
    assert body_length(xyz, ANIMAL) == 2.5


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            lambda xyz: np.where(np.arange(4)[:, None] == 1, np.nan, xyz),
            "a never shows left_hip: every value is missing",
        ),
        (lambda xyz: np.where((np.arange(4) < 3)[:, None] | (np.arange(40) % 2 > 0)[:, None, None], xyz, np.nan), None),
        (
            lambda xyz: np.where(
                (np.arange(4) % 3 == 0)[:, None] & (np.arange(40) % 2 > 0)[:, None, None], np.nan, xyz
            ),
            None,
        ),
        (lambda xyz: xyz * 1e6, "would be 7.*m long: its unit is not mm"),
    ],
)
def test_recordings_that_cannot_be_used_are_told(tmp_path, change, complaint):
    xyz = change(write.moving())
    if complaint is None:  # gaps are no reason
        assert len(session_of(tmp_path, xyz).usable) >= 20
        return
    with pytest.raises(InputError, match=complaint):
        session_of(tmp_path, xyz)


def test_markers_as_opensim_calls_them_are_found(tmp_path):
    path = write.write_anipose(tmp_path / "a.csv", write.moving(), ("TailBase", "LHip", "RHip", "Snout"))
    (session,) = read_sessions([path], ANIMAL)
    assert dict(session.mapped)["right_hip"] == "RHip"
    path = write.write_anipose(tmp_path / "b.csv", write.moving(), ("TailBase", "left_hip", "Left Hip", "Snout"))
    with pytest.raises(InputError, match="has no joint right_hip"):
        read_sessions([path], ANIMAL)


def test_joints_that_a_file_lacks_are_named(tmp_path):
    path = write.write_anipose(tmp_path / "a.csv", write.moving(), ("tail base", "hip1", "hip2", "snout"))
    with pytest.raises(
        InputError, match="has no joint left_hip, right_hip of the skeleton 'animal'; it has tail base, hip1"
    ):
        read_sessions([path], ANIMAL)


def test_sessions_in_different_units_and_the_same_twice_are_refused(tmp_path):
    first = write.write_anipose(tmp_path / "a.csv", write.moving())
    second = write.write_anipose(tmp_path / "b.csv", write.moving() / 1000)
    with pytest.raises(
        InputError, match=r"the body of a is 1e\+03 times as long as that of b: are they in the same unit"
    ):
        read_sessions([first, second], ANIMAL)
    with pytest.raises(InputError, match="given twice"):
        read_sessions([first, first], ANIMAL)
    twin = write.write_npz(tmp_path / "a.npz", write.moving())
    with pytest.raises(InputError, match=r"a\.npz: is called as a\.csv is, beside it"):
        read_sessions([first, twin], ANIMAL)
    with pytest.raises(InputError, match="unit must be one of m, dm, cm, mm"):
        read_sessions([first], ANIMAL, unit="inch")
    with pytest.raises(InputError, match="up must be one of"):
        read_sessions([first], ANIMAL, up="w")


def test_what_is_told_is_that_of_the_files_that_do_not_say(tmp_path):
    table = write.write_anipose(tmp_path / "a.csv", write.moving())
    in_metres = write.write_trc(tmp_path / "b.trc", write.moving()[..., [1, 2, 0]] / 1000, "m")
    mine, theirs = read_sessions([table, in_metres], ANIMAL, unit="mm", up="z")
    assert [(session.unit, session.up) for session in (mine, theirs)] == [("mm", "z"), ("m", "y")]
    assert mine.length == pytest.approx(1000 * theirs.length, rel=1e-5)
    np.testing.assert_allclose(mine.xyz, theirs.xyz, atol=1e-4)  # both upright, and of one size
    other = write.write_trc(tmp_path / "c.trc", write.moving(30), "mm")
    with pytest.raises(InputError, match=r"b\.trc: it says that its unit is m, not cm"):
        read_sessions([in_metres, other], ANIMAL, unit="cm")
    assert [session.up for session in read_sessions([in_metres, other], ANIMAL, up="-x")] == ["-x", "-x"]


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    places = ("x/day1/rec", "x/day2/rec", "y/day2/rec", "x/day2/other")
    paths = []
    for i, place in enumerate(places):
        (tmp_path / place).mkdir(parents=True)
        paths.append(write.write_anipose(tmp_path / place / "a.csv", write.moving() + i))
    paths.append(write.write_anipose(tmp_path / "b.csv", write.moving() + 9))
    names = [session.name for session in read_sessions(paths, ANIMAL)]
    assert names == ["day1/rec/a", "x/day2/rec/a", "y/day2/rec/a", "other/a", "b"]
    sessions = read_sessions(paths[2:], ANIMAL)
    assert [session.name for session in sessions] == ["rec/a", "other/a", "b"]
    assert [which.all() for which in split_of(sessions, ["rec/"]).choose] == [True, False, False]
    assert [session.name for session in read_sessions(paths[:1], ANIMAL)] == ["a"]


def test_one_session_is_cut_in_stretches_that_stand_apart(tmp_path):
    session = session_of(tmp_path, write.moving(1000))
    split = split_of([session])
    parts = np.stack([split.train[0], split.choose[0], split.test[0]]).astype(int)
    assert parts.sum(axis=0).max() == 1
    assert parts.sum(axis=1) == pytest.approx([700, 100, 200], abs=40)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        nearest = np.abs(np.flatnonzero(parts[a])[:, None] - np.flatnonzero(parts[b])).min()
        assert nearest > 5
    runs = (np.diff(parts, axis=1) == 1).sum(axis=1)
    assert (runs <= 4).all()  # stretches, not frames


def test_of_several_sessions_whole_ones_are_held_out(tmp_path):
    paths = [write.write_npz(tmp_path / f"day{i}.npz", write.moving() + i) for i in range(3)]
    sessions = read_sessions(paths, ANIMAL)
    split = split_of(sessions)
    assert [which.all() for which in split.choose] == [False, False, True]
    assert [which.all() for which in split.train] == [True, True, False]
    split = split_of(sessions, ["day0"])
    assert [which.all() for which in split.choose] == [True, False, False]
    with pytest.raises(InputError, match="no session is called like 'day9'"):
        split_of(sessions, ["day9"])
    with pytest.raises(InputError, match="every session is held out"):
        split_of(sessions, ["day"])
    with pytest.raises(InputError, match="single session"):
        split_of(sessions[:1], ["day0"])


def test_a_bank_holds_the_split_and_tells_its_sessions(tmp_path):
    session = session_of(tmp_path, write.moving(500), up="z")
    bank = bank_of_sessions([session], ANIMAL)
    save_session_bank(bank, tmp_path / "bank.npz")
    with np.load(tmp_path / "bank.npz") as arrays:
        about = json.loads(str(arrays["about"]))
        train, val = arrays["train"], arrays["val"]
    assert about["sessions"][0]["sha256"] == session.sha256
    assert (about["up"], about["unit"], about["joints"]) == ("y", "body lengths", list(ANIMAL.joints))
    assert about["sessions"][0]["trained"] == len(train)
    assert str(tmp_path) not in json.dumps(about)
    known = np.isfinite(train).all(axis=-1)
    assert (train[known[:, 0], 0] == 0).all()
    distances = np.abs(train[:, None, 3] - val[None, :, 3]).sum(axis=-1)
    assert np.nanmin(distances) > 0  # no pose is in both
    once = (tmp_path / "bank.npz").read_bytes()
    save_session_bank(bank, tmp_path / "bank.npz")
    assert (tmp_path / "bank.npz").read_bytes() == once


def test_pictures_show_poses_upright_with_their_left_on_the_left(tmp_path):
    from flowlift.datasets.session_pictures import facing_right, session_pictures

    session = session_of(tmp_path, write.moving(300, gaps=False), up="z")
    bank = bank_of_sessions([session], ANIMAL)
    save_session_bank(bank, tmp_path / "bank.npz")
    pictures = session_pictures(tmp_path / "bank.npz", rows=1)
    assert list(pictures) == ["train", "val"]
    assert len(pictures["train"].getcolors(100_000)) > 20
    turned = facing_right(bank.train.xyz, ANIMAL)
    assert np.nanmin(turned[:, 3, 0]) > 0.5  # the snout is at the right,
    assert np.nanmax(turned[:, 1, 2]) < 0 < np.nanmin(turned[:, 2, 2])  # left is away, right is near,
    np.testing.assert_allclose(turned[..., 1], bank.train.xyz[..., 1], atol=1e-6)  # and up stays up
    np.savez(tmp_path / "other.npz", train=np.zeros(3))
    assert session_pictures(tmp_path / "other.npz", rows=1) is None
    (tmp_path / "junk.npz").write_bytes(b"junk")
    with pytest.raises(InputError, match="expected a bank"):
        session_pictures(tmp_path / "junk.npz", rows=1)


def test_a_poses_place_is_kept_where_the_root_is_missing_too(tmp_path):
    xyz = write.moving(500)
    xyz[::5, 0] = np.nan
    bank = bank_of_sessions([session_of(tmp_path, xyz)], ANIMAL)
    lacking = np.isnan(bank.train.xyz[:, 0, 0])
    assert lacking.any()
    np.testing.assert_array_equal(np.isnan(bank.train.place[:, 0]), lacking)
    assert np.nanmax(np.abs(bank.train.xyz)) < 2


def test_rotation_vectors_are_those_of_the_cameras():
    from flowlift.calibration import rodrigues

    for camera in cameras().values():
        np.testing.assert_allclose(rodrigues(rotation_vector(camera.rotation)), camera.rotation, atol=1e-9)


RAT = Skeleton(
    "rat",
    ("tail_base", "left_foot", "left_toe", "snout"),
    (None, "tail_base", "left_foot", "tail_base"),
    size=("snout", "tail_base"),
)


def test_one_marker_is_not_two_joints(tmp_path):
    without = write.write_anipose(tmp_path / "a.csv", write.moving(), ("tail_base", "left_foot", "ear", "snout"))
    with pytest.raises(InputError, match="it has no joint left_toe"):
        read_sessions([without], RAT)
    unclear = write.write_anipose(tmp_path / "b.csv", write.moving(), ("tail_base", "LeftPaw", "ear", "snout"))
    with pytest.raises(InputError, match="LeftPaw could be any of the skeleton's left_foot, left_toe"):
        read_sessions([unclear], RAT)
    joints = rules(Skeleton("seen", ("tail_base", "left_foot", "snout"), (None, "tail_base", "tail_base")), RAT)
    assert joints["left_foot"] == {"left_foot": 1.0}
    assert "left_toe" not in joints


def test_joints_that_are_all_nowhere_were_not_found(tmp_path):
    xyz = write.moving(gaps=False)
    xyz[10:20] = 0
    session = session_of(tmp_path, xyz, up="z")
    assert np.isnan(session.xyz[10:20]).all()
    assert len(session.usable) == 30
    rooted = write.moving(gaps=False)
    rooted -= rooted[:, :1]
    assert np.isfinite(session_of(tmp_path, rooted, name="b.npz", up="z").xyz).all()


def test_what_is_told_of_a_file_is_used_or_refused(tmp_path):
    trc = write.write_trc(tmp_path / "a.trc", write.moving())
    assert read_sessions([trc], ANIMAL)[0].up == "y"
    (turned,) = read_sessions([trc], ANIMAL, up="z")
    assert turned.up == "z"
    np.testing.assert_allclose(turned.xyz[..., 1] * turned.length, write.moving()[..., 2], atol=1e-2)
    with pytest.raises(InputError, match="its unit is mm, not cm"):
        read_sessions([trc], ANIMAL, unit="cm")
    for what, complaint in (({"fps": -3.0}, "no frame rate"), ({"unit": "foot"}, "its unit is 'foot'")):
        held = {"xyz": write.moving(), "joints": np.array(write.JOINTS), **what}
        np.savez(tmp_path / "b.npz", **held)
        with pytest.raises(InputError, match=complaint):
            read_sessions([tmp_path / "b.npz"], ANIMAL)


@pytest.mark.parametrize("names", [write.JOINTS[:3], (*write.JOINTS, "toe")])
def test_as_many_names_as_joints(tmp_path, names):
    np.savez(tmp_path / "a.npz", xyz=write.moving(), joints=np.array(names))
    with pytest.raises(InputError, match="names for 4 joints"):
        read_sessions([tmp_path / "a.npz"], ANIMAL)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text.replace("snout_x", "tail base_x"), "tail base_x more than once"),
        (lambda text: text.replace(",", ";"), "semicolons"),
        (lambda text: text.replace("0.5", "abc", 1).replace("\n", "\nabc", 1), "line 2: could not convert"),
    ],
)
def test_tables_that_cannot_be_used_say_where(tmp_path, change, complaint):
    path = write.write_anipose(tmp_path / "a.csv", write.moving())
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=complaint):
        read_sessions([path], ANIMAL)


def test_axes_in_capitals_and_a_folder(tmp_path):
    path = write.write_anipose(tmp_path / "a.csv", write.moving())
    first, rest = path.read_text().split("\n", 1)
    path.write_text(first.replace("_x", "_X").replace("_y", "_Y").replace("_z", "_Z") + "\n" + rest)
    assert len(read_sessions([path], ANIMAL)[0].xyz) == 40
    with pytest.raises(InputError, match="a folder"):
        read_sessions([tmp_path], ANIMAL)
