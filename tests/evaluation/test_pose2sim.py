"""The Pose2Sim protocol: who the subject is, what is compared in which frame, and the yardstick's known numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError
from flowlift.evaluation import pose2sim
from flowlift.evaluation.lifting import LiftSettings
from flowlift.evaluation.pose2sim import (
    LIMBS,
    Given,
    choose_subject,
    evaluate_keypoints,
    evaluate_poses,
    read_shots,
    score_limbs,
)
from flowlift.skeletons import BODY25B, COCO17, HUMAN36M17

from .bodies import Answer

TURN = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])


def write_reference(folder: Path, frames: int = 6) -> np.ndarray:
    """A reference of two cameras; returns the world's joints (frame, 25, 3)."""
    rng = np.random.default_rng(0)
    world = rng.normal(size=(frames, 25, 3)).astype(np.float32)
    world[1, BODY25B.index("left_knee")] = np.nan
    world[2, BODY25B.index("nose")] = np.nan
    np.savez(
        folder / "reference.npz",
        cameras=np.array([1, 4]),
        world_xyz_m=world,
        keypoints_px=(rng.uniform(1, 1000, size=(2, frames, 25, 3)) / [1, 1, 1000]).astype(np.float32),
        extrinsics=np.stack([np.eye(3, 4), np.hstack([TURN, np.ones((3, 1))])]),
        intrinsics=np.stack([np.diag([1000.0, 1000, 1])] * 2),
        keypoint_names=np.array(BODY25B.joints),
    )
    return world


def human(limbs: np.ndarray) -> np.ndarray:
    """Limbs (frame, 12, 3) as poses on the 17 joints."""
    xyz = np.zeros((len(limbs), 17, 3))
    xyz[:, HUMAN36M17.indices(LIMBS)] = limbs
    return xyz


def test_the_truth_in_each_cameras_frame(tmp_path: Path) -> None:
    world = write_reference(tmp_path)
    shots = read_shots(tmp_path)
    assert [shot.number for shot in shots] == [1, 4]
    knee = LIMBS.index("right_knee")
    hips = world[:, BODY25B.indices(["left_hip", "right_hip"])].mean(axis=1)
    expected = world[:, BODY25B.index("right_knee")] - hips
    np.testing.assert_allclose(shots[0].truth[:, knee], expected, atol=1e-6)
    np.testing.assert_allclose(shots[1].truth[:, knee], expected @ TURN.T, atol=1e-6)
    assert shots[1].video == tmp_path / "videos" / "cam04.mp4"


def test_truth_scores_zero_over_the_frames_that_are_known(tmp_path: Path) -> None:
    write_reference(tmp_path)
    shots = read_shots(tmp_path)
    keypoints = {shot.number: shot.subject for shot in shots}
    truths = {shot.subject.xy.tobytes(): human(np.nan_to_num(shot.truth) + 5) for shot in shots}
    lift = Answer(lambda seen, seed: truths[seen.xy.tobytes()])
    result = evaluate_keypoints("a", "given", shots, keypoints, lift, LiftSettings(seeds=(0, 1)))
    assert [(row.group, row.frames) for row in result.rows] == [
        ("camera 1", 5),
        ("camera 4", 5),
        ("mean of cameras", 10),
    ]
    for row in result.rows:
        assert row.figures["mpjpe_mm"].mean == pytest.approx(0, abs=1e-3)
    assert [call["camera"].matrix[0, 0] for call in lift.calls] == [1000] * 4
    assert all(call["camera"].rotation is None for call in lift.calls)
    evaluate_keypoints("a", "given", shots, keypoints, lift, LiftSettings(), given=Given.NOTHING)
    assert lift.calls[-1]["camera"] is None
    evaluate_keypoints("a", "given", shots, keypoints, lift, LiftSettings(), given=Given.CALIBRATION)
    np.testing.assert_array_equal(lift.calls[-1]["camera"].rotation, TURN)


def test_a_mirrored_pose_is_far_off(tmp_path: Path) -> None:
    write_reference(tmp_path)
    shots = read_shots(tmp_path)
    mirrored = {shot.number: shot.truth * [-1, 1, 1] for shot in shots}
    result = evaluate_poses("a", "given", shots, mirrored)
    assert result.row("mean of cameras").figures["p_mpjpe_mm"].mean > 100


def test_missing_frames_are_counted_apart(tmp_path: Path) -> None:
    write_reference(tmp_path)
    shots = read_shots(tmp_path)
    poses = {1: shots[0].truth[:3], 4: np.where(np.arange(6)[:, None, None] == 3, np.nan, shots[1].truth)}
    rows = evaluate_poses("a", "given", shots, poses).rows
    assert [(row.frames, row.without_pose) for row in rows] == [(2, 3), (4, 1), (6, 4)]


def test_limbs_are_covered_where_the_regions_reach_and_one_of_the_hypotheses_may_be_right(tmp_path: Path) -> None:
    write_reference(tmp_path)
    truth = read_shots(tmp_path)[0].truth
    off = np.zeros((12, 3))
    off[LIMBS.index("left_wrist")] = [0, 0, 0.3]
    right, wrong = (human(np.nan_to_num(limbs))[:5].astype(np.float32) for limbs in (truth, truth + off))
    poses = Poses3D(
        xyz=wrong[:, None],
        root=np.zeros((5, 1, 3), np.float32),
        cov=np.broadcast_to(np.eye(3, dtype=np.float32) * 0.1**2, (5, 1, 17, 3, 3)),
        skeleton=HUMAN36M17,
        hypotheses=np.stack([wrong, right], axis=1)[:, None],
    )
    figures = score_limbs(poses, truth)
    assert len(figures["mpjpe_mm"]) == 5  # frame 1 has no truth, frame 5 no pose
    np.testing.assert_allclose(figures["coverage_90"][:4], 11 / 12)  # 0.3 m is 3 standard deviations away
    np.testing.assert_allclose(figures["min_mpjpe_mm"][:4], 0, atol=1e-6)
    assert np.isnan([values[4] for values in figures.values()]).all()
    wide = replace(poses, cov=poses.cov * 2)
    np.testing.assert_allclose(score_limbs(wide, truth)["coverage_90"][:4], 1)


def keypoints(xy: np.ndarray) -> Keypoints2D:
    score = np.where(np.isnan(xy[..., 0]), 0, 0.5).astype(np.float32)
    return Keypoints2D(xy.astype(np.float32), score, COCO17, (1000, 1000), fps=60.0)


def test_the_subject_is_followed_whatever_the_order_of_people() -> None:
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 1000, (6, 1, 25, 2)).astype(np.float32)
    subject = Keypoints2D(xy, np.ones((6, 1, 25), dtype=np.float32), BODY25B, (1000, 1000))
    mine = subject.xy[:, 0, BODY25B.indices(COCO17.joints)]
    xy = np.full((5, 3, 17, 2), np.nan, dtype=np.float32)
    xy[0, 0], xy[0, 1] = mine[0] + 3, mine[0] + 300
    xy[1, 0], xy[1, 2] = mine[1] - 200, mine[1] - 3
    xy[2, 1] = mine[2]
    xy[2, 1, 5:12] = np.nan
    xy[4, 0, 0] = 7  # one joint of somebody
    chosen = choose_subject(keypoints(xy), subject)
    assert chosen.xy.shape == (6, 1, 17, 2)
    np.testing.assert_array_equal(chosen.xy[0, 0], xy[0, 0])
    np.testing.assert_array_equal(chosen.xy[1, 0], xy[1, 2])
    np.testing.assert_array_equal(chosen.xy[2, 0], xy[2, 1])
    assert np.isnan(chosen.xy[[3, 5]]).all()
    np.testing.assert_array_equal(chosen.xy[4, 0], xy[4, 0])
    np.testing.assert_array_equal(chosen.score[0, 0], 0.5)


@pytest.mark.parametrize("content", [None, b"", b"not an npz", b"PK\x03\x04 cut off"])
def test_no_reference(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "reference.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"reference\.npz: expected the reference"):
        read_shots(tmp_path)


def test_a_reference_with_other_content(tmp_path: Path) -> None:
    np.savez(tmp_path / "reference.npz", cameras=np.arange(3))
    with pytest.raises(InputError, match="keypoint_names"):
        read_shots(tmp_path)


def test_openpose_files_hold_the_references_subject(shared_data: Path) -> None:
    for shot in read_shots(shared_data / "eval" / "pose2sim"):
        found = pose2sim.openpose_keypoints(shot)
        assert found.skeleton == BODY25B
        apart = np.nanmedian(np.linalg.norm(found.xy - shot.subject.xy, axis=-1), axis=(1, 2))
        assert apart.max() < 30, "px, in a body of 700: the same man in every frame"


@pytest.mark.slow
def test_mediapipes_world_landmarks_reach_what_is_known_of_them(shared_data: Path) -> None:
    pytest.importorskip("mediapipe")
    result = pose2sim.evaluate_mediapipe_world(read_shots(shared_data / "eval" / "pose2sim"))
    known = {"camera 1": (110.3, 108.9, 82.0), "camera 2": (238.3, 214.1, 127.4), "camera 4": (114.0, 113.5, 85.4)}
    for group, numbers in known.items():
        row = result.row(group)
        assert row.frames == 96
        got = [row.figures[name].mean for name in ("mpjpe_mm", "n_mpjpe_mm", "p_mpjpe_mm")]
        assert got == pytest.approx(numbers, abs=2)
