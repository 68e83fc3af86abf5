"""What lies in a folder or archive of captures: every trial once, in its best conversion; what is refused."""

import io
import tarfile

import numpy as np
import pytest

from flowlift.datasets.mocap import GENERIC_RIG, ICLONE_RIG, SUBJECT_RIG, stature
from flowlift.datasets.mocap_takes import ACCLAIM, GENERIC, ICLONE, SUBJECTS, opened, read_take, takes
from flowlift.errors import InputError
from flowlift.skeletons import HUMAN36M17

from .mocap_files import write_amc, write_asf, write_bvh
from .mocap_moving import archived, walking, write_captures, write_moving_bvh


def test_every_conversion_is_known_and_a_trial_is_read_once(tmp_path):
    found = takes(write_captures(tmp_path))
    assert [(take.name, take.conversion) for take in found.taken] == [
        ("subjects/02_01", SUBJECTS),
        ("subjects/49_01", SUBJECTS),
        ("misc/01_01", ACCLAIM),
        ("salsa/01", GENERIC),
        ("iclone/003_02", ICLONE),
    ]
    assert [take.name for take in found.repeated] == ["iclone/002_01"]
    (line,) = found.left_out
    assert "cmu_actions_h36m17_30fps.npz" in line


def test_the_native_trial_goes_before_a_generic_figure(tmp_path):
    write_asf(tmp_path / "01.asf")
    write_amc(tmp_path / "01_01.amc", [0.0])
    write_bvh(tmp_path / "001_01.bvh", ICLONE_RIG, 0.01, [0.0])
    found = takes(tmp_path)
    assert ([take.path.name for take in found.taken], [take.path.name for take in found.repeated]) == (
        ["01_01.amc"],
        ["001_01.bvh"],
    )


def test_equal_names_that_name_no_trial_are_no_repeats(tmp_path):
    for dance in ("salsa", "indian"):
        write_moving_bvh(tmp_path / dance / "01.bvh", GENERIC_RIG, walking(2))
    assert [take.name for take in takes(tmp_path).taken] == ["indian/01", "salsa/01"]


def test_what_results_are_measured_on_is_left_out(tmp_path):
    write_bvh(tmp_path / "a.bvh", SUBJECT_RIG, 0.0564, [0.0])
    write_asf(tmp_path / "HDM_bd.asf")
    write_amc(tmp_path / "HDM_bd_squat_001_120.amc", [0.0])
    found = takes(tmp_path)
    assert len(found.taken) == 1
    assert found.left_out == ("HDM05: results are measured on it",)


def test_hidden_files_are_none(tmp_path):
    write_bvh(tmp_path / "a.bvh", SUBJECT_RIG, 0.0564, [0.0])
    (tmp_path / "._a.bvh").write_bytes(b"what a file manager leaves")
    assert len(takes(tmp_path).taken) == 1


def test_linked_folders_are_followed_and_circles_end(tmp_path):
    write_captures(tmp_path / "real")
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "cmu").symlink_to(tmp_path / "real" / "cmu")
    (tmp_path / "real" / "cmu" / "again").symlink_to(tmp_path / "real" / "cmu")
    assert len(takes(tmp_path / "given").taken) == 5


def test_an_archive_holds_what_its_folder_does(tmp_path):
    folder = write_captures(tmp_path / "folder")
    with opened(archived(folder, tmp_path / "a.tar.xz")) as unpacked:
        packed = takes(unpacked)
        assert [(take.name, take.path.read_bytes()) for take in packed.taken] == [
            (take.name, take.path.read_bytes()) for take in takes(folder).taken
        ]
    assert not unpacked.exists()
    with opened(folder) as same:
        assert same == folder


def test_an_archive_that_would_write_elsewhere_is_refused(tmp_path):
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        member = tarfile.TarInfo("../../evil.bvh")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))
    with pytest.raises(InputError, match=r"evil\.tar: cannot read it as an archive"), opened(tmp_path / "evil.tar"):
        pass
    assert not (tmp_path.parent / "evil.bvh").exists()


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "a.tar.xz").write_bytes(b"junk" * 100)
    for name, reason in (("a.tar.xz", "cannot read it as an archive"), ("missing", "no such folder or archive")):
        with pytest.raises(InputError, match=f"{name}: .*{reason}"), opened(tmp_path / name):
            pass


def test_a_folder_without_captures_is_refused_and_an_archive_in_it_named(tmp_path):
    with pytest.raises(InputError, match=r"no motion capture there \(\.bvh, or \.amc with \.asf\)$"):
        takes(tmp_path)
    (tmp_path / "cmu.tar.xz").touch()
    with pytest.raises(InputError, match=r"to read cmu\.tar\.xz, name that file"):
        takes(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("odd.bvh", "HIERARCHY\nROOT tail\n{\n}\nMOTION\n", "belong to no rig"),
        ("junk.bvh", "\x00junk", "names no joints"),
        ("07_01.amc", ":DEGREES\n1\n", "no ASF skeleton"),
    ],
)
def test_files_that_are_no_capture_are_named(tmp_path, name, content, reason):
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=f"{name}: .*{reason}"):
        takes(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Frames: 3", "Frames: 4", "cannot read it as BVH"),
        ("Frame Time: 0.00833333", "Frame Time: nan", "tells no frame rate"),
        ("End Site", "Nothing", "no joint 'Head.end'"),
    ],
)
def test_a_damaged_capture_is_named(tmp_path, old, new, reason):
    path = write_moving_bvh(tmp_path / "02_01.bvh", SUBJECT_RIG, walking(3))
    path.write_text(path.read_text().replace(old, new))
    (take,) = takes(tmp_path).taken
    with pytest.raises(InputError, match=rf"02_01\.bvh: .*{reason}"):
        read_take(take)


def test_a_body_without_size_is_refused(tmp_path):
    write_moving_bvh(tmp_path / "01.bvh", GENERIC_RIG, np.zeros((3, 17, 3)))
    with pytest.raises(InputError, match=r"01\.bvh: its body has no size"):
        read_take(takes(tmp_path).taken[0])


@pytest.mark.parametrize(
    ("rig", "scale", "stride"), [(SUBJECT_RIG, 17.7, 4), (GENERIC_RIG, 3.0, 2), (ICLONE_RIG, 100, 4)]
)
def test_a_take_is_read_about_its_hip_in_statures(tmp_path, rig, scale, stride):
    xyz = walking(5)
    write_moving_bvh(tmp_path / "a.bvh", rig, scale * xyz)
    recording = read_take(takes(tmp_path).taken[0])
    assert (recording.stride, recording.fps) == (stride, pytest.approx(120, rel=1e-4))
    assert np.median(stature(recording.xyz)) == pytest.approx(1)
    told = [i for i, joint in enumerate(HUMAN36M17.joints) if joint != "head"]
    about = xyz - xyz[:, HUMAN36M17.indices(["left_hip", "right_hip"])].mean(axis=1, keepdims=True)
    ratio = np.linalg.norm(recording.xyz[0, 3]) / np.linalg.norm(about[0, 3])
    np.testing.assert_allclose(recording.xyz[:, told[1:]], ratio * about[:, told[1:]], atol=1e-5)


def test_a_native_take_is_read_in_the_same_frame(tmp_path):
    write_asf(tmp_path / "01.asf")
    write_amc(tmp_path / "01_01.amc", [0.0, 0.5])
    recording = read_take(takes(tmp_path).taken[0])
    assert recording.stride == 4
    head, ankle, left, right = HUMAN36M17.indices(["head", "left_ankle", "left_wrist", "right_wrist"])
    np.testing.assert_allclose(recording.xyz[0], recording.xyz[1], atol=1e-5)
    assert recording.xyz[0, head, 1] > 0 > recording.xyz[0, ankle, 1]
    body = walking(1)[0]
    apart = recording.xyz[0, left] - recording.xyz[0, right]
    np.testing.assert_allclose(
        apart / np.linalg.norm(apart), (body[left] - body[right]) / np.linalg.norm(body[left] - body[right]), atol=1e-4
    )
