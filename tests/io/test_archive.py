"""A damaged archive is one line, wherever the damage is: its list of contents is read before anything else."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io import load, save
from flowlift.io.archive import names
from flowlift.skeletons import COCO17


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    xy = np.random.default_rng(0).uniform(0, 600, (2, 1, 17, 2))
    return save(Keypoints2D(xy, np.ones((2, 1, 17)), COCO17, (640, 480)), tmp_path_factory.mktemp("a") / "k.npz")


def complaint(file):
    """What is said of a file, None where it is read."""
    try:
        load(file)
    except InputError as error:
        return str(error)
    return None


def test_its_arrays_are_named(archive, tmp_path):
    assert {"about", "xy", "score"} <= names(archive)
    (tmp_path / "none.npz").write_bytes(b"no archive")
    assert names(tmp_path / "none.npz") == frozenset()
    assert names(tmp_path / "absent.npz") == frozenset()


def test_a_version_from_the_future_is_refused(archive, tmp_path):
    data = bytearray(archive.read_bytes())
    data[data.rindex(b"PK\1\2") + 6] = 237  # what it takes to unpack the last array
    file = tmp_path / "k.npz"
    file.write_bytes(data)
    assert complaint(file).startswith(f"{file}: ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
    kept=st.floats(0.5, 1),
)
def test_damage_to_the_list_is_one_line(archive, tmp_path, changes, kept):
    data = bytearray(archive.read_bytes())
    begin = data.index(b"PK\1\2")
    for place, value in changes:
        data[begin + int(place * (len(data) - begin))] = value
    file = tmp_path / "k.npz"
    file.write_bytes(data[: max(begin, int(kept * len(data)))])
    told = complaint(file)
    assert told is None or (told.startswith(f"{file}: ") and "\n" not in told)
