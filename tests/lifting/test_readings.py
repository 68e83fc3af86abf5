"""Hypotheses that read a clip better, with steady bones or in balance: what they change in an answer, and what changes
nothing."""

from dataclasses import replace

import numpy as np
import pytest
from jaxtyping import Float64
from scipy.spatial.transform import Rotation

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D
from flowlift.demo import synthesize
from flowlift.ground import known_vertical
from flowlift.lifter import Lifter
from flowlift.lifting.readings import FEWEST, better_read, imbalance
from flowlift.lifting.steady_bones import unsteadiness
from flowlift.skeletons import HUMAN36M17

FRAMES = 60
TIMES = np.arange(FRAMES) / 30.0
UP = np.array([0.0, -1.0, 0.0])


def standing() -> Float64[np.ndarray, "joint 3"]:
    """A man upright before a level camera, m: the demo's, as he is first seen."""
    clip = synthesize(seed=0, seconds=0.1)
    return np.asarray(clip.truth.xyz[0, 0], dtype=np.float64)


def leant(xyz: Float64[np.ndarray, "*batch joint 3"], radians: float) -> Float64[np.ndarray, "*batch joint 3"]:
    """The same body turned about the image's x axis, towards the camera or away from it: the image hardly shows it."""
    cos, sin = np.cos(radians), np.sin(radians)
    return xyz @ np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]]).T


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
    moved = better_read(plain, TIMES, lambda frames: drawn[frames], HUMAN36M17)
    assert error(moved, true) < 0.75 * error(plain, true)
    still = np.delete(np.arange(17), HUMAN36M17.index("left_ankle"))
    np.testing.assert_allclose(moved[:, still], plain[:, still], atol=1e-12)


@pytest.mark.parametrize("up", [None, UP])
@pytest.mark.parametrize("block", [1, 7, 50])
def test_blocks_change_nothing(block: int, up: Float64[np.ndarray, "3"] | None) -> None:
    drawn = np.random.default_rng(1).normal(size=(FRAMES, 5, 17, 3)) * 0.1 + standing()
    xyz = drawn.mean(axis=1)
    xyz[25] = np.nan
    whole = better_read(xyz, TIMES, lambda frames: drawn[frames], HUMAN36M17, up=up)
    parts = better_read(xyz, TIMES, lambda frames: drawn[frames], HUMAN36M17, up=up, block=block)
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
    moved = better_read(plain, TIMES, lambda frames: drawn[frames], HUMAN36M17)
    thrice = better_read(3 * plain, TIMES, lambda frames: 3 * drawn[frames], HUMAN36M17)
    np.testing.assert_allclose(thrice, 3 * moved, atol=1e-9)
    one = better_read(plain, TIMES, lambda frames: drawn[frames, :1], HUMAN36M17)
    np.testing.assert_allclose(one, plain, atol=1e-12)
    few = slice(0, FEWEST - 1)
    short = better_read(plain[few], TIMES[few], lambda frames: drawn[few][frames], HUMAN36M17)
    np.testing.assert_array_equal(short, plain[few])


def test_an_answer_moves_towards_the_reading_that_keeps_its_balance() -> None:
    body = np.broadcast_to(standing(), (FRAMES, 17, 3))
    drawn = np.stack([body, leant(body, 0.1), leant(body, 0.3), leant(body, 0.5)], axis=1)
    plain = drawn.mean(axis=1)
    moved = better_read(plain, TIMES, lambda frames: drawn[frames], HUMAN36M17, up=UP)
    assert error(moved, body) < 0.75 * error(plain, body)
    untold = better_read(plain, TIMES, lambda frames: drawn[frames], HUMAN36M17)
    np.testing.assert_allclose(untold, plain, atol=1e-4)
    thrice = better_read(3 * plain, TIMES, lambda frames: 3 * drawn[frames], HUMAN36M17, up=UP)
    np.testing.assert_allclose(thrice, 3 * moved, atol=1e-4)
    turn = Rotation.random(random_state=3).as_matrix()
    turned = better_read(plain @ turn.T, TIMES, lambda frames: drawn[frames] @ turn.T, HUMAN36M17, up=turn @ UP)
    np.testing.assert_allclose(turned, moved @ turn.T, atol=1e-4)


def test_who_lies_or_sits_is_in_nobodys_balance() -> None:
    body = standing()
    lying = np.broadcast_to(leant(body, np.pi / 2), (FRAMES, 17, 3))
    sitting = body.copy()
    sitting[:] = body
    sitting[HUMAN36M17.indices(["left_knee", "right_knee", "left_ankle", "right_ankle"])] += [0, -0.4, -0.4]
    drawn = np.stack([lying, leant(lying, 0.2), leant(lying, 0.4)], axis=1)
    assert not imbalance(drawn, lying, UP, 30, HUMAN36M17).any()
    assert not imbalance(drawn, np.broadcast_to(sitting, lying.shape), UP, 30, HUMAN36M17).any()
    assert imbalance(drawn, np.broadcast_to(body, lying.shape), UP, 30, HUMAN36M17).any()


def test_the_vertical_is_known_of_cameras_that_stand_somewhere() -> None:
    plain = Camera.from_fov(60, (640, 480))
    tilted = Rotation.from_euler("xz", [25, 10], degrees=True).as_matrix()

    def standing_as(rotation: Float64[np.ndarray, "3 3"]) -> Camera:
        return replace(plain, rotation=rotation, translation=np.zeros(3))

    assert known_vertical(None) is None
    assert known_vertical(plain) is None
    assert known_vertical(standing_as(np.eye(3))) is None, "the world of a camera that is the world itself"
    askew = Rotation.align_vectors([[0, -1, 0]], [[1, 1, 1]])[0].as_matrix()
    assert known_vertical(standing_as(askew)) is None, "every axis is as far from the image's up"
    up = known_vertical(standing_as(tilted))
    assert up is not None
    np.testing.assert_allclose(up, tilted @ [0, -1, 0], atol=1e-12)


def test_a_known_vertical_changes_a_clip_and_is_told() -> None:
    keypoints, lifter = walk()
    plain = Camera.from_fov(55, keypoints.image_size)
    pose = Rotation.from_euler("x", 170, degrees=True).as_matrix()
    known = lifter(keypoints, camera=replace(plain, rotation=pose, translation=np.zeros(3)))
    unknown = lifter(keypoints, camera=plain)
    assert known.provenance["vertical"] == "given"
    assert unknown.provenance["vertical"] == "unknown"
    assert not np.allclose(known.xyz, unknown.xyz, atol=1e-4)
    off = [lifter(keypoints, camera=camera, smooth="off").xyz for camera in (known.camera, plain)]
    np.testing.assert_array_equal(*off)


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
