"""Object arrays of an npz: what is there, what is not, and what is no npz."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from flowlift.errors import InputError
from flowlift.io.packed_object import read_object


def packed(folder: Path, **arrays: object) -> Path:
    np.savez(folder / "some.npz", **{name: np.array(value) for name, value in arrays.items()})
    return folder / "some.npz"


def test_a_table_comes_back(tmp_path: Path) -> None:
    table = {"S1": {"Walking": [np.arange(6, dtype=np.float32).reshape(3, 2), "text", 2.5]}}
    np.testing.assert_equal(read_object(packed(tmp_path, table=table), "table"), table)
    np.testing.assert_equal(read_object(packed(tmp_path, table=[table]), "table"), table)


def test_a_default_stands_for_what_is_missing_only(tmp_path: Path) -> None:
    path = packed(tmp_path, table={"a": 1}, numbers=np.zeros(3))
    assert read_object(path, "other", {}) == {}
    assert read_object(path, "table", {}) == {"a": 1}
    with pytest.raises(InputError, match=r"some\.npz: numbers: it is not an object array"):
        read_object(path, "numbers", {})
    with pytest.raises(InputError, match=r"some\.npz: other is missing"):
        read_object(path, "other")


def test_what_is_no_single_object(tmp_path: Path) -> None:
    several = np.array([{}, {}], dtype=object)
    with pytest.raises(InputError, match=r"some\.npz: table: one object is expected"):
        read_object(packed(tmp_path, table=several), "table")


MAGIC = b"\x93NUMPY"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        MAGIC,
        MAGIC + b"\x09\x00",
        MAGIC + b"\x01\x00\x10\x00" + b"(" * 16,
        MAGIC + b"\x01\x00\x30\x75" + b"(" * 30000,
    ],
    ids=["empty", "cut off", "unknown version", "open brackets", "long header"],
)
def test_members_that_are_no_arrays(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("table.npy", content)
    with pytest.raises(InputError, match=r"some\.npz: damaged") as caught:
        read_object(path, "table")
    assert "\n" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"some\.npz: there is no such file"):
        read_object(tmp_path / "some.npz", "table", {})
    (tmp_path / "some.npz").mkdir()
    with pytest.raises(InputError, match=r"some\.npz: damaged"):
        read_object(tmp_path / "some.npz", "table", {})
