"""The registry: a format is found by suffix and content; duplicates are refused; unknown files get the list."""

from pathlib import Path

import numpy as np
import pytest

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError, OutputError
from flowlift.io import READERS, WRITERS, is_keypoint_source, load, save, writer_for
from flowlift.io.atomic import written_whole
from flowlift.io.registry import Reader, Writer, register, register_writer
from flowlift.skeletons import COCO17

from .made_poses import made_poses


def keypoints():
    xy = np.arange(2 * 17 * 2, dtype=np.float32).reshape(2, 1, 17, 2)
    return Keypoints2D(xy, np.ones((2, 1, 17), dtype=np.float32), COCO17, (640, 480))


def test_names_and_suffixes_are_taken_once():
    with pytest.raises(ValueError, match="two readers"):
        register(dict(READERS), Reader("DeepLabCut CSV", (".csv",), "x"))
    with pytest.raises(ValueError, match="two writers"):
        register_writer(dict(WRITERS), Writer("another", ".npz", "x"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xyz", b"what"),
        ("a.json", b""),
        ("a.json", b"{"),
        ("a.json", b"[[[["),
        ("a.json", b'{"some": "thing"}'),
        ("a.npz", b""),
        ("a.npz", b"PK junk"),
        ("a.csv", b""),
        ("a.csv", b"\xff\xfe\x00"),
        ("a.h5", b"no hdf"),
        ("a.trc", b"no trc"),
    ],
)
def test_a_file_of_no_known_kind_is_refused_in_one_line(tmp_path, name, content):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load(file)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_an_unknown_suffix_gets_the_list_of_what_is_read(tmp_path):
    file = tmp_path / "a.xyz"
    file.write_text("what")
    with pytest.raises(InputError) as caught:
        load(file)
    for reader in READERS:
        assert reader in str(caught.value)


def test_what_is_only_written_is_told_from_what_is_damaged(tmp_path):
    for made, suffixes in (
        (made_poses(), (".csv", ".bvh", ".glb", ".parquet", ".nc", ".rrd", ".html")),
        (keypoints(), (".csv", ".parquet")),
    ):
        for suffix in suffixes:
            written = save(made, tmp_path / f"a{suffix}")
            with pytest.raises(
                InputError, match=f"flowlift writes {suffix} files like this one, and does not read them"
            ):
                load(written)
    (tmp_path / "b.csv").write_text("frame,joint\n")
    with pytest.raises(InputError, match="damaged, or holds something else"):
        load(tmp_path / "b.csv")


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.json"):
        load(tmp_path / "absent.json")
    with pytest.raises(InputError):
        load(tmp_path)


def test_deep_nesting_is_no_crash(tmp_path):
    file = tmp_path / "deep.json"
    file.write_text("[" * 200_000)
    with pytest.raises(InputError):
        load(file)


@pytest.mark.parametrize("hints", [{"fps": 0}, {"fps": float("nan")}, {"image_size": (0, 5)}, {"image_size": (5, -1)}])
def test_impossible_hints_are_refused(tmp_path, hints):
    save(keypoints(), tmp_path / "k.npz")
    with pytest.raises(InputError):
        load(tmp_path / "k.npz", **hints)


def test_keypoint_files_are_told_from_videos_and_images(tmp_path):
    (tmp_path / "poses").mkdir()
    (tmp_path / "poses" / "f_000.json").write_text("{}")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_text("")
    assert is_keypoint_source(tmp_path / "poses")
    assert not is_keypoint_source(tmp_path / "pictures")
    assert is_keypoint_source("x/y.csv")
    assert is_keypoint_source("x/y.npz::S1/Walking/0")
    assert not is_keypoint_source("x/y.mp4")


def test_an_unknown_output_suffix_gets_the_list(tmp_path):
    with pytest.raises(OutputError) as caught:
        save(keypoints(), tmp_path / "k.bvh2")
    for suffix in WRITERS:
        assert suffix in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_missing_parent_folder_is_made(tmp_path):
    assert save(keypoints(), tmp_path / "new" / "folder" / "k.npz").is_file()


def test_what_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save(keypoints(), tmp_path / "file" / "k.npz")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        save(keypoints(), tmp_path / "folder.npz")


@pytest.mark.parametrize("failure", [KeyboardInterrupt, MemoryError, OSError(28, "No space left on device")])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, failure):
    file = tmp_path / "k.npz"
    file.write_text("before")

    def fail():
        with written_whole(file) as beside:
            beside.write_text("half")
            raise failure

    with pytest.raises((KeyboardInterrupt, MemoryError, OutputError)):
        fail()
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.csv", ".csv"),
        ("a.dlc.csv", ".dlc.csv"),
        ("A.DLC.CSV", ".dlc.csv"),
        ("a.dlc.h5", ".h5"),
        ("a.b.c3d", ".c3d"),
        ("dlc.csv", ".csv"),
        (".dlc.csv", ".csv"),
    ],
)
def test_the_longest_ending_says_the_format(name, suffix):
    assert writer_for(Path(name)).suffix == suffix


def test_a_format_that_is_named_counts_more_than_the_suffix(tmp_path):
    save(keypoints(), tmp_path / "k.csv", format="dlc.csv")
    assert (tmp_path / "k.csv").read_text().startswith("scorer,")
    save(keypoints(), tmp_path / "k.data", format=".NPZ")
    with np.load(tmp_path / "k.data") as file:
        assert "xy" in file.files
    with pytest.raises(OutputError, match=r"docx.*dlc\.csv"):
        save(keypoints(), tmp_path / "k.csv", format="docx")
