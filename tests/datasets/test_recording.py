"""3D recordings of every program that is read: what is written comes back; damage is told in one line."""

import sys

import numpy as np
import pytest

from flowlift.datasets.recording import SUFFIXES, read_recordings
from flowlift.errors import InputError, MissingExtraError

from . import recordings as write

WRITERS = {
    "anipose.csv": write.write_anipose,
    "deeplabcut.csv": write.write_deeplabcut_csv,
    "deeplabcut.h5": write.write_deeplabcut_h5,
    "sleap.h5": write.write_sleap,
    "dannce.h5": lambda path, xyz: write.write_dannce_h5(path, xyz, matlab=False),
    "matlab.mat": lambda path, xyz: write.write_dannce_h5(path, xyz, matlab=True),
    "save_data_AVG.mat": write.write_dannce_mat,
    "markers.trc": write.write_trc,
    "markers.c3d": write.write_c3d,
    "poses.npz": write.write_npz,
}
NAMELESS = ("sleap.h5", "dannce.h5", "matlab.mat", "save_data_AVG.mat")


@pytest.mark.parametrize("name", WRITERS)
def test_what_a_program_wrote_is_read_as_it_is(tmp_path, name):
    xyz = write.moving()
    (found,) = read_recordings(WRITERS[name](tmp_path / name, xyz))
    np.testing.assert_allclose(found.xyz, xyz, atol=1e-4)
    assert found.joints == (None if name in NAMELESS else write.JOINTS)
    knows = name in ("markers.trc", "markers.c3d", "poses.npz")
    assert (found.fps, found.unit) == ((50.0, "mm") if knows else (None, None))
    assert found.up == ("y" if name.endswith(".trc") else None)


@pytest.mark.parametrize("name", WRITERS)
def test_files_that_are_cut_or_of_another_kind_are_told_in_one_line(tmp_path, name):
    whole = WRITERS[name](tmp_path / name, write.moving()).read_bytes()
    for content in (b"", whole[: len(whole) // 3], b"junk\nof another kind, 1\n", bytes(500)):
        (tmp_path / name).write_bytes(content)
        told = outcome(tmp_path / name)
        if isinstance(told, int):  # text that was cut at the end of a line is a shorter recording
            assert name.endswith((".csv", ".trc"))
            assert told < 40
        else:
            assert name in told
            assert "\n" not in told


def outcome(path):
    """How many frames are read, or what is said."""
    try:
        return len(read_recordings(path)[0].xyz)
    except (InputError, MissingExtraError) as error:
        return str(error)


def test_several_animals_are_a_recording_each(tmp_path):
    xyz, other = write.moving(), write.moving() + 200
    labels = write.deeplabcut_labels(("a", "b"))
    table = np.concatenate([part.reshape(len(part), -1) for part in (xyz, other)], axis=1)
    found = read_recordings(write.write_deeplabcut_csv(tmp_path / "two.csv", table, labels))
    assert [recording.name for recording in found] == ["two a", "two b"]
    np.testing.assert_allclose(found[1].xyz, other)
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file.create_dataset("tracks", data=np.stack([xyz, other], axis=1))
    found = read_recordings(tmp_path / "two.h5")
    assert [recording.name for recording in found] == ["two animal0", "two animal1"]
    np.testing.assert_allclose(found[0].xyz, xyz)


def test_2d_files_are_refused(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "flat.h5", "w") as file:
        file.create_dataset("tracks", data=np.zeros((5, 1, 4, 2)))
    with pytest.raises(InputError, match="is it a 2D file"):
        read_recordings(tmp_path / "flat.h5")
    labels = [(*label[:-1], {"z": "likelihood"}.get(label[-1], label[-1])) for label in write.deeplabcut_labels()]
    with pytest.raises(InputError, match="is it a 2D file"):
        read_recordings(write.write_deeplabcut_csv(tmp_path / "flat.csv", write.moving(), labels))


def test_what_is_no_recording_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv: there is no such file"):
        read_recordings(tmp_path / "absent.csv")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(InputError, match=SUFFIXES[0]):
        read_recordings(tmp_path / "a.txt")
    xyz = write.moving()
    xyz[0, 0, 0] = np.inf
    with pytest.raises(InputError, match="infinite"):
        read_recordings(write.write_npz(tmp_path / "a.npz", xyz))


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [("a.h5", "h5py", "animals"), ("a.mat", "scipy.io", "animals")],
)
def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch, name, package, extra):
    (tmp_path / name).write_bytes(b"something")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"flowlift\[{extra}\]"):
        read_recordings(tmp_path / name)
