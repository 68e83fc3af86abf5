"""Clips joined from their parts."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.concatenate import concatenate_keypoints, concatenate_poses
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.skeleton import Skeleton

SKELETON = Skeleton.named("human36m17")


def make_keypoints(frames: int, people: int, seed: int = 0, *, first: int = 0, timed: bool = True) -> Keypoints2D:
    rng = np.random.default_rng(seed)
    return Keypoints2D(
        xy=rng.uniform(0, 100, (frames, people, 17, 2)).astype(np.float32),
        score=rng.uniform(0, 1, (frames, people, 17)).astype(np.float32),
        skeleton=SKELETON,
        image_size=(100, 100),
        fps=25.0,
        times=np.arange(first, first + frames) / 25 if timed else None,
    )


def make_poses(frames: int, people: int, seed: int = 0, *, first: int = 0, rooted: bool = True) -> Poses3D:
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> np.ndarray:
        return rng.normal(size=(frames, people, *shape)).astype(np.float32)

    return Poses3D(
        xyz=normal(17, 3),
        root=normal(3) if rooted else None,
        cov=normal(17, 3, 3),
        skeleton=SKELETON,
        fps=25.0,
        hypotheses=normal(2, 17, 3),
        keypoints=make_keypoints(frames, people, seed, first=first),
        times=np.arange(first, first + frames) / 25,
    )


@given(frames=st.integers(1, 9), cuts=st.lists(st.integers(0, 9), max_size=3))
def test_cutting_and_joining_is_the_identity(frames: int, cuts: list[int]) -> None:
    whole = make_keypoints(frames, 2)
    edges = [0, *sorted(min(cut, frames) for cut in cuts), frames]
    joined = concatenate_keypoints([whole.frames(a, b) for a, b in itertools.pairwise(edges)])
    np.testing.assert_array_equal(joined.xy, whole.xy)
    np.testing.assert_array_equal(joined.score, whole.score)
    np.testing.assert_array_equal(joined.frame_times, whole.frame_times)


def test_people_who_are_absent_from_a_part_are_missing_there() -> None:
    one, three = make_poses(4, 1, seed=1), make_poses(5, 3, seed=2, first=4)
    joined = concatenate_poses([one, three])
    assert joined.keypoints is not None
    for name, values in (
        ("xyz", joined.xyz),
        ("root", joined.root),
        ("cov", joined.cov),
        ("hypotheses", joined.hypotheses),
        ("keypoints", joined.keypoints.xy),
    ):
        assert values is not None, name
        assert values.shape[:2] == (9, 3), name
        assert np.isnan(values[:4, 1:]).all(), name
        assert np.isfinite(values[4:]).all(), name
    np.testing.assert_array_equal(joined.xyz[:4, :1], one.xyz)
    np.testing.assert_array_equal(joined.xyz[4:], three.xyz)


def test_what_one_part_lacks_the_whole_lacks() -> None:
    assert concatenate_poses([make_poses(2, 1), make_poses(2, 1, first=2, rooted=False)]).root is None
    parts = [make_keypoints(2, 1), make_keypoints(2, 1, timed=False)]
    assert concatenate_keypoints(parts).times is None


@pytest.mark.parametrize("copies", [1, 3])
def test_the_parts_are_left_as_they_were(copies: int) -> None:
    parts = [make_poses(2, 1, first=2 * copy) for copy in range(copies)]
    before = [part.xyz.copy() for part in parts]
    joined = concatenate_poses(parts)
    assert len(joined) == 2 * copies
    for part, xyz in zip(parts, before, strict=True):
        np.testing.assert_array_equal(part.xyz, xyz)


@given(marked=st.lists(st.booleans(), min_size=1, max_size=4))
def test_marks_of_what_was_bridged_stay_with_their_frames(marked: list[bool]) -> None:
    parts = [make_poses(2, people + 1, seed=people, first=2 * people) for people in range(len(marked))]
    parts = [replace(part, bridged=np.full(part.xyz.shape[:3], mark)) for part, mark in zip(parts, marked, strict=True)]
    joined = concatenate_poses(parts)
    assert (joined.bridged is None) == (not any(marked))
    for i, mark in enumerate(marked):
        if joined.bridged is not None:
            frames = joined.bridged[2 * i : 2 * i + 2]
            assert (frames[:, : i + 1] == mark).all()
            assert not frames[:, i + 1 :].any()
