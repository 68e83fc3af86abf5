"""Frames that no person took: each fault is found where it is, and nowhere else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.datasets.mocap import stature
from flowlift.datasets.mocap_cleaning import (
    SHORT,
    SPEED,
    STRETCH,
    T_POSE_WITHIN,
    faults,
    is_jump,
    is_stretched,
    is_t_pose,
)
from flowlift.skeletons import HUMAN36M17

from .mocap_moving import t_pose, walking

S = HUMAN36M17
FPS = 120.0


def in_statures(xyz: np.ndarray) -> np.ndarray:
    about = xyz - xyz[:, :1]
    return about / np.median(stature(about))


def drooping(degrees: float) -> np.ndarray:
    """A T-pose whose arms hang by an angle below the horizontal; (1, 17, 3)."""
    pose = t_pose()
    across = pose[S.index("left_shoulder")] - pose[S.index("right_shoulder")]
    across /= np.linalg.norm(across)
    for side, out in (("left", across), ("right", -across)):
        line = np.cos(np.radians(degrees)) * out - np.sin(np.radians(degrees)) * np.array([0, 1.0, 0])
        shoulder, elbow, wrist = S.indices([f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist")])
        pose[elbow] = pose[shoulder] + 0.3 * line
        pose[wrist] = pose[elbow] + 0.25 * line
    return pose[None]


def test_a_walk_has_no_faults():
    assert not faults(in_statures(walking(240)), fps=FPS).any.any()


@given(heading=st.floats(0, 6.3))
def test_a_t_pose_is_known_within_its_angle_and_whatever_its_heading(heading):
    c, s = np.cos(heading), np.sin(heading)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    assert is_t_pose(drooping(T_POSE_WITHIN - 1) @ turn.T).all()
    assert not is_t_pose(drooping(T_POSE_WITHIN + 1) @ turn.T).any()


def test_somebody_who_lies_with_arms_out_is_no_t_pose():
    assert not is_t_pose(t_pose()[None][..., [0, 2, 1]]).any()


def test_one_bent_knee_is_no_t_pose():
    pose = t_pose()[None]
    pose[:, S.index("left_ankle")] = pose[:, S.index("left_knee")] + [0, 0, -0.4]
    assert not is_t_pose(pose).any()


@pytest.mark.parametrize(("factor", "told"), [(1 + 1.2 * STRETCH, True), (1 - 1.2 * STRETCH, True), (1.04, False)])
def test_a_stretched_forearm_is_told_at_its_frame(factor, told):
    xyz = in_statures(walking(30))
    elbow, wrist = S.indices(["left_elbow", "left_wrist"])
    xyz[7, wrist] = xyz[7, elbow] + factor * (xyz[7, wrist] - xyz[7, elbow])
    assert list(np.flatnonzero(is_stretched(xyz))) == ([7] if told else [])


def test_a_bending_back_is_not_stretched():
    xyz = in_statures(walking(30))
    xyz[7, S.index("thorax")] += [0, 0.05, 0.1]
    assert not is_stretched(xyz).any()


def jumping(*frames: int) -> np.ndarray:
    """240 frames of a body that stands, its right wrist in another place from each of these frames on."""
    xyz = np.repeat(in_statures(walking(1)), 240, axis=0)
    for frame in frames:
        xyz[frame:, S.index("right_wrist"), 2] += 0.3 if frames.index(frame) % 2 == 0 else -0.3
    return xyz


def test_what_stands_between_two_jumps_for_a_moment_is_broken():
    assert list(np.flatnonzero(is_jump(jumping(100, 120), fps=FPS))) == list(range(99, 121))


def test_what_stands_longer_is_broken_at_the_jumps_only():
    assert list(np.flatnonzero(is_jump(jumping(100, 100 + round(SHORT * FPS)), fps=FPS))) == [99, 100, 129, 130]


def test_a_moment_before_a_jump_at_the_start_is_broken_and_after_the_last_one():
    assert list(np.flatnonzero(is_jump(jumping(2), fps=FPS))) == [0, 1, 2]
    assert list(np.flatnonzero(is_jump(jumping(238), fps=FPS))) == [237, 238, 239]


@pytest.mark.parametrize(("speed", "told"), [(0.95 * SPEED, False), (1.05 * SPEED, True)])
def test_a_speed_counts_in_statures_a_second(speed, told):
    xyz = np.repeat(in_statures(walking(1)), 100, axis=0)
    xyz[:, S.index("left_ankle"), 2] += np.arange(100) * speed / FPS
    assert is_jump(xyz, fps=FPS).any() == told


def test_somebody_who_is_somewhere_else_has_not_jumped():
    xyz = jumping()
    xyz[50:] += 5.0
    assert not is_jump(xyz, fps=FPS).any()


def test_each_broken_frame_is_told_once():
    xyz = jumping(100, 103)
    xyz[0] = in_statures(t_pose()[None])
    xyz[50, 3, 1] = np.nan
    xyz[101, S.index("left_wrist")] += 1.0
    found = faults(xyz, fps=FPS)
    told = np.stack([found.not_finite, found.stretched, found.t_pose, found.jump])
    assert told.sum(axis=0).max() == 1
    assert list(np.flatnonzero(found.not_finite)) == [50]
    assert 101 in np.flatnonzero(found.stretched)
    assert list(np.flatnonzero(found.t_pose)) == [0]
    assert list(np.flatnonzero(found.any)) == list(np.flatnonzero(told.any(axis=0)))


def test_a_clip_without_one_good_frame_is_all_broken():
    assert faults(np.full((4, 17, 3), np.nan), fps=FPS).not_finite.all()
    assert faults(np.zeros((0, 17, 3)), fps=FPS).any.shape == (0,)
