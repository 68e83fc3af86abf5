"""Which gaps are bridged, and where that is marked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.gaps import gaps
from flowlift.io import load, save
from flowlift.people import keep_people
from flowlift.skeletons import HUMAN36M17

patterns = st.lists(st.booleans(), max_size=60).map(lambda marks: np.array(marks, dtype=bool))


def slowly(missing: np.ndarray, times: np.ndarray, limit: float) -> np.ndarray:
    """Run by run, as one would say it."""
    found = np.zeros_like(missing)
    frame = 0
    while frame < len(missing):
        stop = frame
        while stop < len(missing) and missing[stop]:
            stop += 1
        if stop > frame > 0 and stop < len(missing) and times[stop] - times[frame] <= limit * (1 + 1e-6):
            found[frame:stop] = True
        frame = max(stop, frame) + 1
    return found


@given(missing=patterns, steps=st.lists(st.floats(0.001, 0.2), min_size=60, max_size=60), limit=st.floats(0, 1))
def test_gaps_are_the_runs_between_seen_frames_that_are_short_enough(missing, steps, limit) -> None:
    times = np.cumsum(steps)[: len(missing)]
    np.testing.assert_array_equal(gaps(missing, times, limit), slowly(missing, times, limit))


@given(missing=patterns, limits=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_a_longer_limit_bridges_no_less(missing, limits) -> None:
    times = np.arange(len(missing)) / 30
    short, long = (gaps(missing, times, limit) for limit in sorted(limits))
    assert not (short & ~long).any()
    assert not (long & ~missing).any()


@given(columns=st.lists(st.integers(0, 2**20 - 1), min_size=1, max_size=6))
def test_each_person_and_joint_has_its_own_gaps(columns) -> None:
    missing = np.array([[(column >> frame) & 1 == 1 for column in columns] for frame in range(20)])
    times = np.arange(20) / 30
    together = gaps(missing[:, :, None], times)[:, :, 0]
    for i in range(len(columns)):
        np.testing.assert_array_equal(together[:, i], gaps(missing[:, i], times))


@pytest.mark.parametrize("fps", [10, 25, 29.97, 30, 60, 120])
def test_the_default_bridges_a_quarter_of_a_second(fps: float) -> None:
    longest = int(0.25 * fps)
    for length in (1, longest, longest + 1):
        missing = np.zeros(length + 2, dtype=bool)
        missing[1:-1] = True
        assert gaps(missing, np.arange(len(missing)) / fps).any() == (length <= longest)


@pytest.mark.parametrize("limit", [-0.1, float("nan"), float("inf")])
def test_a_limit_must_be_a_length_of_time(limit: float) -> None:
    with pytest.raises(InputError, match="longest gap"):
        gaps(np.zeros(3, dtype=bool), np.arange(3.0), limit)


def test_times_must_not_go_backwards() -> None:
    with pytest.raises(InputError, match="backwards"):
        gaps(np.zeros(3, dtype=bool), np.array([0.0, 2.0, 1.0]))


def marked(bridged: object) -> Poses3D:
    zeros = np.zeros((3, 2, 17, 3))
    return Poses3D(zeros, zeros[:, :, 0], np.zeros((3, 2, 17, 3, 3)), HUMAN36M17, fps=30, bridged=bridged)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@given(seed=st.integers(0, 99), share=st.sampled_from([0.0, 0.3, 1.0]))
def test_marks_come_back_from_files(tmp_path_factory, suffix: str, seed: int, share: float) -> None:
    marks = np.random.default_rng(seed).random((3, 2, 17)) < share
    again = load(save(marked(marks), tmp_path_factory.mktemp("marks") / f"poses{suffix}"))
    assert isinstance(again, Poses3D)
    if marks.any():
        np.testing.assert_array_equal(again.bridged, marks)
        assert again.bridged.dtype == bool
    else:
        assert again.bridged is None


def test_the_table_says_what_was_bridged_where_something_was(tmp_path: Path) -> None:
    marks = np.zeros((3, 2, 17), dtype=bool)
    marks[1, 0] = True
    lines = save(marked(marks), tmp_path / "poses.csv").read_text().splitlines()
    assert lines[0].endswith(",bridged")
    assert [line.rsplit(",", 1)[1] for line in lines[1:]] == [str(int(mark)) for mark in marks.ravel()]
    assert "bridged" not in save(marked(None), tmp_path / "plain.csv").read_text()


def test_bridged_marks_stay_with_the_people_who_are_kept() -> None:
    marks = np.zeros((3, 2, 17), dtype=bool)
    marks[1, 1] = True
    poses = marked(marks)
    poses = replace(poses, xyz=np.where(np.arange(2)[:, None, None] == 0, np.nan, poses.xyz))
    (kept,) = keep_people([poses], 1)
    np.testing.assert_array_equal(kept.bridged, marks[:, 1:])


@pytest.mark.parametrize("wrong", [np.zeros((3, 2)), np.full((3, 2, 17), 0.5), np.full((3, 2, 17), np.nan)])
def test_marks_that_cannot_be_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(InputError, match="bridged"):
        marked(wrong)
