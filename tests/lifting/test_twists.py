"""Limbs exchanged by themselves are found by what the model can explain; right ones are left alone."""

from dataclasses import replace

import numpy as np
import pytest

from flowlift import Keypoints2D, Lifter
from flowlift.conversion import convert
from flowlift.demo import DemoClip, synthesize
from flowlift.lifting.explained import doubt_of
from flowlift.lifting.mending import mended_sides
from flowlift.lifting.twists import AROUND, untwisted
from flowlift.limbs import limbs
from flowlift.skeletons import COCO17
from flowlift.swap_search import States
from flowlift.swaps import exchange, mend_swaps


@pytest.fixture(scope="module")
def lifter() -> Lifter:
    return Lifter.load("human")


@pytest.fixture(scope="module")
def clip() -> DemoClip:
    return synthesize(seed=0, seconds=3.0)


def without(keypoints: Keypoints2D, frames: slice) -> Keypoints2D:
    """The same with nobody seen in some frames."""
    xy = keypoints.xy.copy()
    xy[frames] = np.nan
    return replace(keypoints, xy=xy)


def frames_seen(keypoints: Keypoints2D) -> int:
    return int(np.isfinite(keypoints.xy[..., 0]).any(axis=(1, 2)).sum())


def limb_of(keypoints: Keypoints2D, joint: str) -> list[int]:
    return next(part for part in limbs(keypoints.skeleton) if keypoints.skeleton.index(joint) in part)


def with_limb_exchanged(keypoints: Keypoints2D, joint: str, frames: slice) -> Keypoints2D:
    where = np.zeros(keypoints.score.shape, dtype=bool)
    numbers = np.arange(len(keypoints))[frames]
    where[np.ix_(numbers, np.arange(keypoints.people), limb_of(keypoints, joint))] = True
    return exchange(keypoints, where)


@pytest.mark.parametrize("seed", [0, 1])
def test_what_continuity_cannot_see_the_model_does(lifter: Lifter, seed: int) -> None:
    clip = synthesize(seed=seed, seconds=3.0)
    wrong = with_limb_exchanged(clip.keypoints, "left_shoulder", slice(None))
    alone = mend_swaps(wrong)
    assert not np.array_equal(alone.keypoints.xy, clip.keypoints.xy, equal_nan=True)
    mended = mended_sides(wrong, lifter, clip.camera)
    np.testing.assert_array_equal(mended.keypoints.xy, clip.keypoints.xy)


def test_right_sides_are_left_alone(lifter: Lifter, clip: DemoClip) -> None:
    doubt, to_model = doubt_of(lifter, clip.camera), lifter.conditioning.convert
    for seen in (clip.keypoints, without(clip.keypoints, slice(30, 50)), convert(clip.keypoints, COCO17)):
        assert untwisted(seen, doubt, to_model).keypoints is seen


def test_each_person_is_asked_about_alone(lifter: Lifter, clip: DemoClip) -> None:
    seen = clip.keypoints
    wrong = with_limb_exchanged(seen, "left_hip", slice(None))
    two = replace(
        seen, xy=np.concatenate([seen.xy, wrong.xy], axis=1), score=np.concatenate([seen.score, wrong.score], axis=1)
    )
    mended = untwisted(two, doubt_of(lifter, clip.camera), lifter.conditioning.convert)
    assert mended.frames[0] == 0
    assert mended.frames[1] == frames_seen(seen)


def test_the_model_is_asked_about_few_frames_of_a_long_clip(lifter: Lifter, clip: DemoClip) -> None:
    long = Keypoints2D(
        np.tile(clip.keypoints.xy, (8, 1, 1, 1)),
        np.tile(clip.keypoints.score, (8, 1, 1)),
        clip.keypoints.skeleton,
        clip.keypoints.image_size,
        clip.keypoints.fps,
    )
    asked, doubt = [], doubt_of(lifter, clip.camera)

    def counted(seen: Keypoints2D) -> np.ndarray:
        asked.append(len(seen))
        return doubt(seen)

    untwisted(long, counted, lifter.conditioning.convert)
    fps = clip.keypoints.fps or 0.0
    assert len(long) > 500
    assert max(asked) <= 200 + 8 * 2 * AROUND * fps


def test_nothing_is_asked_where_nothing_can_be_told(clip: DemoClip) -> None:
    def never(seen: Keypoints2D) -> np.ndarray:
        raise AssertionError("asked")

    seen = clip.keypoints
    for keypoints in (replace(seen, fps=None), seen.frames(0, 0)):
        assert untwisted(keypoints, never, lambda same: same).keypoints is keypoints


def test_what_speaks_against_a_way_to_exchange_counts(clip: DemoClip) -> None:
    seen = clip.keypoints
    states = States.of(seen.skeleton)
    worse = np.zeros((*seen.score.shape[:2], len(states.bits)))
    legs = states.parts.index(limb_of(seen, "left_hip"))
    only_legs = (states.bits[:, legs] == 1) & (states.bits.sum(axis=1) == 1)
    worse[:, 0, only_legs] = 1.0
    worse[20:40, 0] = np.where(only_legs, -1.0, 1.0)
    found = mend_swaps(seen, worse)
    assert found.exchanged[20:40][:, 0, states.parts[legs]].all()
    assert set(np.flatnonzero(found.exchanged.any(axis=(1, 2)))) == set(range(20, 40))
