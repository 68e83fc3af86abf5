"""Hypotheses with steady bones: what they change in an answer, and what changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
from jaxtyping import Float64

from flowlift.containers import Keypoints2D
from flowlift.demo import synthesize
from flowlift.lifter import Lifter
from flowlift.lifting.steady_bones import FEWEST, steadied, unsteadiness
from flowlift.skeletons import HUMAN36M17

FRAMES = 60
TIMES = np.arange(FRAMES) / 30.0


def leg_that_swings() -> tuple[Float64[np.ndarray, "frame joint 3"], Float64[np.ndarray, "frame 4 joint 3"]]:
    """A body whose left shank swings in depth, and four readings of it: two right ones, and two that have it stand
    still in depth, as its image alone allows."""
    body = np.random.default_rng(0).normal(size=(17, 3))
    true = np.broadcast_to(body, (FRAMES, 17, 3)).copy()
    knee, ankle = HUMAN36M17.indices(["left_knee", "left_ankle"])
    angle = 1.2 * np.sin(2 * np.pi * TIMES)
    true[:, ankle] = true[:, knee] + np.stack([0 * angle, np.cos(angle), np.sin(angle)], axis=1)
    wrong = true.copy()
    wrong[:, ankle, 2] = wrong[:, knee, 2]
    true -= true[:, :1]
    wrong -= wrong[:, :1]
    return true, np.stack([true, true, wrong, wrong], axis=1)


def error(found: Float64[np.ndarray, "frame joint 3"], true: Float64[np.ndarray, "frame joint 3"]) -> float:
    return float(np.linalg.norm(found - true, axis=-1).mean())


def test_an_answer_moves_towards_the_reading_whose_bones_keep_their_lengths() -> None:
    true, drawn = leg_that_swings()
    unsteady = unsteadiness(drawn, 30, HUMAN36M17)
    assert (unsteady[:, 0] < 0.5 * unsteady[:, 2]).all()
    plain = drawn.mean(axis=1)
    moved = steadied(plain, TIMES, lambda frames: drawn[frames], HUMAN36M17)
    assert error(moved, true) < 0.75 * error(plain, true)
    still = np.delete(np.arange(17), HUMAN36M17.index("left_ankle"))
    np.testing.assert_allclose(moved[:, still], plain[:, still], atol=1e-12)


@pytest.mark.parametrize("block", [1, 7, 50])
def test_blocks_change_nothing(block: int) -> None:
    drawn = np.random.default_rng(1).normal(size=(FRAMES, 5, 17, 3))
    xyz = drawn.mean(axis=1)
    xyz[25] = np.nan
    whole = steadied(xyz, TIMES, lambda frames: drawn[frames], HUMAN36M17)
    parts = steadied(xyz, TIMES, lambda frames: drawn[frames], HUMAN36M17, block=block)
    np.testing.assert_allclose(parts, whole, atol=1e-9)
    assert np.isnan(whole[25]).all()
    assert not np.allclose(whole[:25], xyz[:25])


def test_size_scale_and_what_cannot_tell_change_nothing() -> None:
    _, drawn = leg_that_swings()
    size = np.linspace(0.5, 2.0, FRAMES)[:, None, None]
    plain = drawn.mean(axis=1)
    np.testing.assert_allclose(
        unsteadiness(drawn * size[..., None], 30, HUMAN36M17), unsteadiness(drawn, 30, HUMAN36M17), atol=1e-6
    )
    moved = steadied(plain, TIMES, lambda frames: drawn[frames], HUMAN36M17)
    thrice = steadied(3 * plain, TIMES, lambda frames: 3 * drawn[frames], HUMAN36M17)
    np.testing.assert_allclose(thrice, 3 * moved, atol=1e-9)
    one = steadied(plain, TIMES, lambda frames: drawn[frames, :1], HUMAN36M17)
    np.testing.assert_allclose(one, plain, atol=1e-12)
    few = slice(0, FEWEST - 1)
    short = steadied(plain[few], TIMES[few], lambda frames: drawn[few][frames], HUMAN36M17)
    np.testing.assert_array_equal(short, plain[few])


def walk() -> tuple[Keypoints2D, Lifter]:
    clip = synthesize(seed=2, seconds=1.0)
    return clip.keypoints, Lifter.load("human-fast")


def test_hypotheses_that_were_not_kept_are_drawn_again() -> None:
    keypoints, lifter = walk()
    kept = lifter(keypoints, keep_hypotheses=True, hypotheses=6, seed=3, height=1.9)
    again = lifter(keypoints, hypotheses=6, seed=3, height=1.9)
    np.testing.assert_allclose(again.xyz, kept.xyz, atol=1e-6)
    assert again.hypotheses is None
    off = lifter(keypoints, hypotheses=6, seed=3, height=1.9, smooth="off")
    untold = lifter.over_time(replace(off, provenance={}), height=1.9)
    assert not np.allclose(untold.xyz, kept.xyz, atol=1e-4)  # nobody knows how these were drawn: left as they are


def test_a_stream_has_no_frames_to_come_and_is_left_alone() -> None:
    keypoints, lifter = walk()
    off = lifter(keypoints, smooth="off")
    told, untold = lifter.over_time(off, "causal"), lifter.over_time(replace(off, provenance={}), "causal")
    np.testing.assert_array_equal(told.xyz, untold.xyz)
