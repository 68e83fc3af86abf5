"""Limbs exchanged by themselves are found by what the model can explain; right ones are left alone."""

from dataclasses import replace

import numpy as np
import pytest

from flowlift import Camera, Keypoints2D, Lifter
from flowlift.conversion import convert
from flowlift.lifting.explained import doubt_of
from flowlift.lifting.twists import AROUND, untwisted
from flowlift.limbs import limbs
from flowlift.skeletons import COCO17
from flowlift.swap_search import States
from flowlift.swaps import exchange, mend_swaps

from ..walkers import seen_by, straight_walk, watching


@pytest.fixture(scope="module")
def lifter() -> Lifter:
    return Lifter.load("human")


@pytest.fixture(scope="module")
def camera() -> Camera:
    return watching((0.0, 1.3, 5.5))


def few_frames(camera: Camera, times: int = 1) -> Keypoints2D:
    """A walk past the camera, 12 frames a second: arms and legs of both sides cross in the image. `times`: so often."""
    walk = np.tile(straight_walk(np.arange(48) / 12, 0.0), (times, 1, 1))
    return seen_by(camera, walk, 12.0, noise=0.01, seed=1)


def limb_of(keypoints: Keypoints2D, joint: str) -> list[int]:
    return next(part for part in limbs(keypoints.skeleton) if keypoints.skeleton.index(joint) in part)


def exchanged_limb(keypoints: Keypoints2D, joint: str, frames: list[int]) -> np.ndarray:
    where = np.zeros(keypoints.score.shape, dtype=bool)
    where[np.ix_(frames, np.arange(keypoints.people), limb_of(keypoints, joint))] = True
    return where


ARMS = [*range(8, 17), *range(25, 35)]
"""Frames in which the arms are exchanged: in between, continuity loses them."""


def test_what_continuity_loses_the_model_finds(lifter: Lifter, camera: Camera) -> None:
    right = few_frames(camera)
    where = exchanged_limb(right, "left_shoulder", ARMS)
    wrong = exchange(right, where)
    assert (mend_swaps(wrong).exchanged != where).any(axis=2).sum() >= 8
    found = untwisted(wrong, doubt_of(lifter, camera), lifter.conditioning.convert)
    np.testing.assert_array_equal(found.exchanged, where)
    np.testing.assert_array_equal(found.keypoints.xy, right.xy)


def test_limbs_that_the_model_does_not_see_are_not_asked_about(lifter: Lifter, camera: Camera) -> None:
    """COCO's faces: one question of legs against arms, none of eyes and ears."""
    right = convert(few_frames(camera), COCO17)
    asked: list[int] = []

    def doubt(seen: Keypoints2D) -> np.ndarray:
        asked.append(len(seen))
        return np.zeros((len(seen), seen.people))

    untwisted(exchange(right, exchanged_limb(right, "left_shoulder", ARMS)), doubt, lifter.conditioning.convert)
    assert len(limbs(COCO17)) == 3
    assert asked[:2] == [asked[0]] * 2  # as it is, and with the legs exchanged
    assert len(asked) % 2 == 0


def test_each_person_is_asked_about_alone(lifter: Lifter, camera: Camera) -> None:
    right = few_frames(camera)
    wrong = exchange(right, exchanged_limb(right, "left_shoulder", ARMS))
    both = replace(
        right, xy=np.concatenate([right.xy, wrong.xy], axis=1), score=np.concatenate([right.score] * 2, axis=1)
    )
    found = untwisted(both, doubt_of(lifter, camera), lifter.conditioning.convert)
    assert found.frames.tolist() == [0, len(ARMS)]
    np.testing.assert_array_equal(found.keypoints.xy[:, 1], right.xy[:, 0])


def test_the_model_is_asked_about_frames_near_changes_only(camera: Camera) -> None:
    right = few_frames(camera, times=5)
    asked: list[np.ndarray] = []

    def doubt(seen: Keypoints2D) -> np.ndarray:
        asked.append(seen.frame_times)
        return np.zeros((len(seen), seen.people))

    assert untwisted(right, doubt, lambda same: same).keypoints is right
    assert not asked
    untwisted(exchange(right, exchanged_limb(right, "left_shoulder", list(range(100, 110)))), doubt, lambda same: same)
    times = right.frame_times
    assert asked
    assert min(map(min, asked)) >= times[100] - AROUND
    assert max(map(max, asked)) <= times[110] + AROUND


def test_what_speaks_against_a_way_to_exchange_counts(camera: Camera) -> None:
    right = few_frames(camera)
    states = States.of(right.skeleton)
    legs = states.parts.index(limb_of(right, "left_hip"))
    only_legs = (states.bits[:, legs] == 1) & (states.bits.sum(axis=1) == 1)
    worse = np.zeros((*right.score.shape[:2], len(states.bits)))
    worse[:, 0, only_legs] = 10.0
    worse[20:30, 0] = np.where(only_legs, -10.0, 10.0)
    found = mend_swaps(right, worse)
    arms = states.parts.index(limb_of(right, "left_shoulder"))
    at_odds = found.exchanged[:, 0, states.parts[legs][0]] != found.exchanged[:, 0, states.parts[arms][0]]
    assert np.flatnonzero(at_odds).tolist() == list(range(20, 30))
