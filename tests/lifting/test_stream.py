"""A stream gets what its whole clip would: the frames one by one against `smooth="causal"`."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.demo import synthesize
from flowlift.errors import InputError
from flowlift.lifter import Lifter


@pytest.fixture(scope="module")
def lifter() -> Lifter:
    return Lifter.load("human-fast")


def two_people(seed: int, frames: int) -> Keypoints2D:
    """The demo's walker twice, with gaps of any length, frames dropped at random, and noise."""
    rng = np.random.default_rng(seed)
    seen = synthesize(seconds=frames / 30).keypoints
    xy = np.concatenate([seen.xy, seen.xy + np.float32([90, 10])], axis=1) + rng.normal(0, 2, (frames, 2, 1, 2))
    for person in range(2):
        for first in rng.integers(0, frames, 2):
            xy[first : first + rng.integers(1, 12), person] = np.nan
    kept = np.flatnonzero(rng.uniform(size=frames) < 0.8)
    score = np.repeat(seen.score, 2, axis=1)
    return replace(seen, xy=xy, score=np.where(np.isnan(xy[..., 0]), np.nan, score)).take(kept)


def streamed(lifter: Lifter, raw: Poses3D, keypoints: Keypoints2D) -> dict[str, np.ndarray]:
    """Everything that a stream gives out, laid out like the clip."""
    stream, shape = lifter.stream(), raw.xyz.shape
    sizes = {"xyz": shape[2:], "cov": (*shape[2:], 3), "root": (3,), "root_cov": (3, 3), "bridged": shape[2:3]}
    found = {name: np.full((*shape[:2], *size), np.nan) for name, size in sizes.items()}
    found["bridged"][:] = 0
    for frame in range(len(raw)):
        there = np.flatnonzero(np.isfinite(keypoints.xy[frame]).all(axis=-1).sum(axis=1) >= 3)
        only = keypoints.frames(frame, frame + 1)
        only = replace(only, xy=only.xy[:, there], score=only.score[:, there])
        poses, people = stream.push(lifter(only, camera=raw.camera, hypotheses=4, smooth="off"), there.tolist())
        for name, array in found.items():
            given = getattr(poses, name)  # bridged is None where nobody is
            array[frame, list(people)] = 0 if given is None or not people else given[0]
    return found


@settings(max_examples=5)
@given(seed=st.integers(0, 10_000), frames=st.integers(1, 40))
def test_frame_by_frame_is_the_whole_clip(lifter: Lifter, seed: int, frames: int) -> None:
    keypoints = two_people(seed, frames)
    if not len(keypoints):
        return
    raw = lifter(keypoints, hypotheses=4, smooth="off")
    whole = lifter.over_time(raw, "causal")
    for name, array in streamed(lifter, raw, keypoints).items():
        expected = getattr(whole, name)
        np.testing.assert_allclose(array, 0 if expected is None else expected, atol=2e-5, rtol=2e-3, err_msg=name)


def test_the_past_has_a_fixed_size(lifter: Lifter) -> None:
    """People who left are forgotten when asked for; who comes back then starts anew."""
    keypoints = synthesize(seconds=0.2).keypoints
    stream = lifter.stream()
    for frame in range(len(keypoints)):
        poses = lifter(keypoints.frames(frame, frame + 1), hypotheses=2, smooth="off")
        later = replace(poses, times=poses.frame_times + frame)
        stream.push(later, [frame])
        stream.forget(float(later.times[0]) - 1.5)
        assert len(stream._people) <= 2


def test_frames_that_do_not_follow_one_another_are_refused() -> None:
    lifter = Lifter.load("human-fast")
    keypoints, stream = synthesize(seconds=0.2).keypoints, Lifter.load("human-fast").stream()
    stream.push(lifter(keypoints.frames(0, 1), hypotheses=2, smooth="off"), [0])
    with pytest.raises(InputError, match=r"frames follow one another.*take"):
        stream.push(lifter(keypoints.frames(1, 2), hypotheses=2, smooth="off"), [0])
    stream.push(lifter(keypoints.take(np.array([1])), hypotheses=2, smooth="off"), [0])
