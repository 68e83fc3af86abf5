"""A detector that exchanged left and right throughout is found out; one that did not is left alone."""

from dataclasses import replace

import numpy as np
import pytest

from flowlift import Keypoints2D, Lifter
from flowlift.demo import DemoClip, synthesize
from flowlift.lifting.explained import doubt_of
from flowlift.lifting.handedness import exchanged, wrong_handed
from flowlift.lifting.mending import mended_sides


@pytest.fixture(scope="module")
def lifter() -> Lifter:
    return Lifter.load("human")


@pytest.fixture(scope="module")
def clip() -> DemoClip:
    return synthesize(seed=0, seconds=2.0)


def everybody(keypoints: Keypoints2D) -> np.ndarray:
    return np.ones(keypoints.people, dtype=bool)


def test_exchanging_twice_changes_nothing(clip: DemoClip) -> None:
    seen = clip.keypoints
    back = exchanged(exchanged(seen, everybody(seen)), everybody(seen))
    np.testing.assert_array_equal(back.xy, seen.xy)
    np.testing.assert_array_equal(back.score, seen.score)


def test_sides_that_were_exchanged_all_along_are_found_person_by_person(lifter: Lifter, clip: DemoClip) -> None:
    seen = clip.keypoints
    two = replace(seen, xy=np.tile(seen.xy, (1, 2, 1, 1)), score=np.tile(seen.score, (1, 2, 1)))
    wrong = exchanged(two, np.array([True, False]))
    assert wrong_handed(wrong, doubt_of(lifter, clip.camera)).tolist() == [True, False]


def test_the_whole_clip_is_mended(lifter: Lifter, clip: DemoClip) -> None:
    wrong = exchanged(clip.keypoints, everybody(clip.keypoints))
    mended = mended_sides(wrong, lifter, clip.camera)
    np.testing.assert_array_equal(mended.keypoints.xy, clip.keypoints.xy)
    paired = [j for j, twin in enumerate(wrong.skeleton.mirror) if j != twin]
    assert mended.exchanged[:, :, paired].all()
    assert mended.exchanged.sum() == mended.exchanged[:, :, paired].sum()
    assert mended_sides(clip.keypoints, lifter, clip.camera).keypoints is clip.keypoints


def test_a_few_frames_decide_nothing(lifter: Lifter, clip: DemoClip) -> None:
    wrong = exchanged(clip.keypoints.frames(0, 5), everybody(clip.keypoints))
    assert not wrong_handed(wrong, doubt_of(lifter, clip.camera)).any()
