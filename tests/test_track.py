"""Identities: nobody is exchanged, split, doubled or made up, whatever the order in the lists."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flowlift
from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.matching import assign, distances, median
from flowlift.skeletons import HUMAN36M17
from flowlift.track import MEMORY, PATIENCE, Tracker, track

from .crowds import Crowd, observed, walkers


def identities(crowd: Crowd, tracked: Keypoints2D) -> list[set[int]]:
    """Whom each identity truly followed: the people whose joints it holds."""
    followed: list[set[int]] = [set() for _ in range(tracked.people)]
    given = np.nan_to_num(crowd.keypoints.xy, nan=-1)
    for frame, person in np.argwhere(np.isfinite(tracked.xy[..., 0]).any(axis=-1)):
        same = (given[frame] == np.nan_to_num(tracked.xy[frame, person], nan=-1)).all(axis=(1, 2))
        followed[person].add(int(crowd.who[frame, np.flatnonzero(same)[0]]))
    return followed


@pytest.mark.parametrize("fps", [12.0, 30.0, 60.0])
@pytest.mark.parametrize("starts", [(0.0, 0.5), (0.0, 0.3), (0.0, 0.33, 0.66)])
def test_people_who_cross_are_not_exchanged(fps: float, starts: tuple[float, ...]) -> None:
    crowd = observed(walkers(8.0, fps, starts), fps, seed=0)
    hidden = (crowd.who < 0).sum() / crowd.who.size
    assert hidden > 0.03, "one goes behind another"
    tracked = track(crowd.keypoints)
    assert sorted(map(tuple, identities(crowd, tracked))) == [(person,) for person in range(len(starts))]
    assert np.isfinite(tracked.xy).sum() == np.isfinite(crowd.keypoints.xy).sum(), "nothing is lost"


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), fps=st.sampled_from([15.0, 30.0]))
def test_the_order_in_the_lists_does_not_matter(seed: int, fps: float) -> None:
    crowd = observed(walkers(2.0, fps, (0.0, 0.4, 0.6)), fps, seed=seed, shuffle=False).keypoints
    order = np.random.default_rng(seed).permuted(np.tile(np.arange(3), (len(crowd), 1)), axis=1)
    other = replace(
        crowd,
        xy=np.take_along_axis(crowd.xy, order[:, :, None, None], axis=1),
        score=np.take_along_axis(crowd.score, order[:, :, None], axis=1),
    )
    a, b = track(crowd), track(other)
    np.testing.assert_array_equal(a.xy, b.xy)
    np.testing.assert_array_equal(a.score, b.score)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), ghosts=st.integers(0, 3))
def test_a_frame_comes_out_once_in_order_and_soon(seed: int, ghosts: int) -> None:
    crowd = observed(walkers(2.0, 30.0, (0.0, 0.4)), 30.0, seed=seed).keypoints
    rng = np.random.default_rng(seed)
    tracker, times, behind = Tracker(), [], 0
    for frame in range(len(crowd)):
        extra = rng.uniform(0, 1000, (ghosts, 17, 2)).astype(np.float32)
        xy = np.concatenate([crowd.xy[frame], extra])
        times += [ready.time for ready in tracker.push(frame / 30, xy, np.ones(xy.shape[:2], np.float32))]
        behind = max(behind, frame + 1 - len(times))
    times += [ready.time for ready in tracker.flush()]
    assert times == [frame / 30 for frame in range(len(crowd))]
    assert behind <= 10 or ghosts, "waiting has an end"
    assert behind <= 40


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), starts=st.sampled_from([(0.0,), (0.0, 0.5), (0.0, 0.4, 0.6)]))
def test_without_waiting_people_are_the_same_but_come_later(seed: int, starts: tuple[float, ...]) -> None:
    clip = observed(walkers(2.0, 30.0, starts), 30.0, seed=seed).keypoints
    waiting, at_once = Tracker(), Tracker()
    whole, now = [], []
    for time, xy, score in zip(clip.frame_times.tolist(), clip.xy, clip.score, strict=True):
        whole += waiting.push(time, xy, score)
        now.append(at_once.push_now(time, xy, score))
    whole += waiting.flush()
    same: dict[int, int] = {}
    for late, full in zip(now, whole, strict=True):
        assert late.time == full.time
        for who, seen in late.people.items():
            (other,) = (
                one
                for one, shown in full.people.items()
                if shown.xy is seen.xy or np.array_equal(shown.xy, seen.xy, True)
            )
            assert same.setdefault(who, other) == other
    lost = sum(len(full.people) - len(late.people) for late, full in zip(now, whole, strict=True))
    assert len(set(same.values())) == len(same) == len(starts)
    assert lost <= 4 * len(starts)


def figure(frames: int, at: tuple[float, float] = (400.0, 300.0), step: tuple[float, float] = (2.0, 0.0)) -> np.ndarray:
    """A person (frame, 17, 2) of some 200 px who moves by `step` px a frame."""
    body = np.random.default_rng(3).uniform(-100, 100, (17, 2))
    return np.array(at) + body + np.arange(frames)[:, None, None] * np.array(step)


def clip(*people: np.ndarray, fps: float = 30.0) -> Keypoints2D:
    xy = np.stack(people, axis=1)
    return Keypoints2D(xy, np.where(np.isfinite(xy[..., 0]), 0.8, np.nan), HUMAN36M17, (1280, 720), fps=fps)


def present(keypoints: Keypoints2D) -> list[list[int]]:
    """First and last frame and the number of frames of each person."""
    there = np.isfinite(keypoints.xy[..., 0]).any(axis=-1)
    return [[*np.flatnonzero(there[:, p])[[0, -1]].tolist(), int(there[:, p].sum())] for p in range(keypoints.people)]


def test_one_detector_track_that_jumps_is_two_people() -> None:
    one, other = figure(60, (200, 300)), figure(60, (900, 330))
    mixed = np.concatenate([one[:30], other[30:]])
    assert present(track(clip(mixed))) == [[0, 29, 30], [30, 59, 30]]
    mixed[29:31] = np.nan
    assert present(track(clip(mixed))) == [[0, 28, 29], [31, 59, 29]]


@pytest.mark.parametrize(("seconds", "people"), [(0.1, 1), (0.9, 1), (MEMORY + 0.3, 2)])
def test_who_is_missing_for_a_while_stays_the_same(seconds: float, people: int) -> None:
    person = figure(120)
    person[40 : 40 + round(30 * seconds)] = np.nan
    assert track(clip(person)).people == people


@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("at", [0, 30, 59])
def test_who_is_there_for_a_moment_is_a_ghost(frames: int, at: int) -> None:
    ghost = np.full((60, 17, 2), np.nan)
    ghost[at : at + frames] = figure(60, (900, 300))[at : at + frames]
    person = figure(60)
    for pair in itertools.permutations([person, ghost]):
        np.testing.assert_array_equal(track(clip(*pair)).xy[:, 0], person.astype(np.float32))
        assert track(clip(*pair)).people == 1


def test_a_few_joints_are_believed_late_or_never() -> None:
    scrap = np.full((60, 17, 2), np.nan)
    scrap[20:26, :4] = figure(60, (900, 300))[20:26, :4]
    assert track(clip(figure(60), scrap)).people == 1
    scrap[20:50, :4] = figure(60, (900, 300))[20:50, :4]
    assert present(track(clip(figure(60), scrap)))[1] == [20, 49, 30]


def test_two_detections_of_one_person_become_one() -> None:
    person = figure(60)
    first, second = person.copy(), person + np.random.default_rng(0).normal(0, 3, person.shape)
    first[:, :5], second[10:20] = np.nan, np.nan
    tracked = track(clip(first, second))
    assert tracked.people == 1
    assert np.nanmax(np.abs(tracked.xy[:, 0] - person)) < 15
    assert np.isfinite(tracked.xy[20:]).all(), "a joint that one detection lacks is the other's"


def test_people_are_numbered_as_they_come_from_left_to_right() -> None:
    left, right, late = figure(60, (200, 300)), figure(60, (600, 300)), figure(60, (1000, 300))
    late[:20] = np.nan
    for order in itertools.permutations([left, right, late]):
        tracked = track(clip(*order))
        np.testing.assert_allclose(tracked.xy, np.stack([left, right, late], axis=1), rtol=1e-6)


@pytest.mark.parametrize("frames", range(1, PATIENCE + 1))
def test_a_very_short_clip_keeps_everybody(frames: int) -> None:
    assert track(clip(figure(frames), figure(frames, (800, 300)))).people == 2


def test_nobody_and_no_frames() -> None:
    assert np.isnan(track(clip(np.full((5, 17, 2), np.nan))).xy).all()
    assert track(clip(figure(3))).frames(0, 0).people == 1
    assert len(track(clip(figure(5)).frames(0, 0))) == 0


def test_frames_that_do_not_follow_one_another_are_refused() -> None:
    places = np.random.default_rng(1).uniform(0, 4000, (40, 1, 2))
    with pytest.raises(InputError, match="do not follow"):
        track(clip(figure(40, (0, 0)) + places))


def test_what_a_tracker_remembers_does_not_grow() -> None:
    rng = np.random.default_rng(0)
    tracker, person = Tracker(), figure(600).astype(np.float32)
    for frame in range(600):
        ghosts = rng.uniform(0, 3000, (4, 17, 2)).astype(np.float32)
        tracker.push(frame / 30, np.concatenate([person[frame : frame + 1], ghosts]), np.ones((5, 17), np.float32))
        assert len(tracker._tracks) < 40
        assert len(tracker._waiting) < 60


@pytest.mark.parametrize("camera", [1, 2, 4])
def test_the_balancing_man_is_one_person_in_all_frames(shared_data: Path, camera: int) -> None:
    """Real OpenPose output with a bystander; the truth is the triangulated reference, seen by each camera."""
    folder = shared_data / "eval" / "pose2sim"
    with np.load(folder / "reference.npz") as reference:
        i = reference["cameras"].tolist().index(camera)
        placed = reference["world_xyz_m"] @ reference["extrinsics"][i][:, :3].T + reference["extrinsics"][i][:, 3]
        px = placed @ reference["intrinsics"][i].T
        px = px[..., :2] / px[..., 2:]
    found = flowlift.load(
        folder / "openpose_body25b" / f"cam0{camera}_json", skeleton="body25b", fps=60.0, image_size=(1088, 1920)
    )
    assert isinstance(found, Keypoints2D)
    order = np.random.default_rng(0).permuted(np.tile(np.arange(found.people), (len(found), 1)), axis=1)
    shuffled = replace(
        found,
        xy=np.take_along_axis(found.xy, order[:, :, None, None], axis=1),
        score=np.take_along_axis(found.score, order[:, :, None], axis=1),
    )
    for keypoints in (found, shuffled):
        tracked = track(keypoints)
        off = median(np.linalg.norm(tracked.xy - px[:, None], axis=-1))
        man = int(np.argmin(np.nan_to_num(off[0], nan=np.inf)))
        assert off[:, man].max() < 30, "px, in a body of 700"
        assert tracked.people == (1 if camera == 4 else 2)


@given(st.integers(0, 10_000))
def test_the_assignment_has_the_smallest_sum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(1, 5, 2)
    cost, limits = rng.uniform(0, 1.5, (rows, columns)), rng.uniform(0.5, 1.5, rows)

    def total(pairs: dict[int, int]) -> float:
        return sum(cost[r, c] / limits[r] for r, c in pairs.items()) + (rows + columns) / 2 - len(pairs)

    every = [
        dict(zip(some, places, strict=True))
        for count in range(min(rows, columns) + 1)
        for some in itertools.combinations(range(rows), count)
        for places in itertools.permutations(range(columns), count)
        if all(cost[r, c] <= limits[r] for r, c in zip(some, places, strict=True))
    ]
    found = assign(cost, limits)
    assert all(cost[r, c] <= limits[r] for r, c in found.items())
    assert total(found) == pytest.approx(min(map(total, every)))


def test_medians_leave_out_what_is_missing() -> None:
    values = np.random.default_rng(0).normal(size=(50, 9))
    values[np.random.default_rng(1).random(values.shape) < 0.4] = np.nan
    values[7] = np.nan
    known = np.isfinite(values).any(axis=-1)
    np.testing.assert_allclose(median(values)[known], np.nanmedian(values[known], axis=-1))
    assert np.isnan(median(values)[~known]).all()


def test_distances_are_in_body_sizes_and_ignore_wild_joints() -> None:
    person = figure(1)
    wild = person.copy()
    wild[:, :6] += 900
    assert distances(person, np.array([200.0]), person + 20)[0, 0] == pytest.approx(20 * 2**0.5 / 200, abs=0.02)
    assert distances(person, np.array([200.0]), wild)[0, 0] < 0.25
    upper, lower = person.copy(), person.copy()
    upper[:, :8], lower[:, 8:] = np.nan, np.nan
    assert 0 < distances(upper, np.array([200.0]), lower)[0, 0] < 1
