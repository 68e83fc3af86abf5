"""The HDM05 protocol: the truth scores 0, its mirror image does not, and every condition is named."""

import tarfile
from pathlib import Path

import numpy as np
import pytest

from flowlift.datasets.hdm05 import action_of, read_captures
from flowlift.datasets.views import VARIATIONS, View, view
from flowlift.errors import InputError
from flowlift.evaluation.baselines import facing_camera, mean_pose
from flowlift.evaluation.hdm05 import evaluate_hdm05
from flowlift.evaluation.lifting import LiftSettings
from flowlift.skeletons import HUMAN36M17

from .bodies import STANDING, Answer, answers, standing_clip

CLIPS = [standing_clip(3), standing_clip(5, actor="bk"), standing_clip(2, actor="bk", action="kick")]
SETTINGS = LiftSettings(model="test", hypotheses=8, seeds=(0, 1))


def views(name: str) -> list[View]:
    return [view(clip, VARIATIONS[name], np.random.default_rng([0, i])) for i, clip in enumerate(CLIPS)]


def knows(name: str, change: np.ndarray | float = 1.0, spread: float = 0.0) -> Answer:
    return Answer(answers([(seen.keypoints, seen.truth * change) for seen in views(name)]), spread)


@pytest.mark.parametrize("name", sorted(VARIATIONS))
def test_the_truth_scores_zero(name: str) -> None:
    result = evaluate_hdm05(CLIPS, knows(name), SETTINGS, VARIATIONS[name])
    for row in result.rows:
        for figure in ("mpjpe_mm", "n_mpjpe_mm", "p_mpjpe_mm", "min_mpjpe_mm"):
            assert row.figures[figure].mean == pytest.approx(0, abs=1e-3)
        assert row.figures["coverage_90"].mean == 1


def test_groups_and_their_frames() -> None:
    result = evaluate_hdm05(CLIPS, knows("exact"), SETTINGS, VARIATIONS["exact"])
    frames = {row.group: row.frames for row in result.rows}
    assert frames == {"all": 10, "mean of actions": 10, "actor bd": 3, "actor bk": 7, "kick": 2, "squat": 8}


def test_a_wrong_scale_shows_in_mpjpe_alone() -> None:
    result = evaluate_hdm05(CLIPS, knows("exact", 1.1), SETTINGS, VARIATIONS["exact"])
    figures = result.row("all").figures
    assert figures["mpjpe_mm"].mean == pytest.approx(100 * np.linalg.norm(STANDING - STANDING[0], axis=-1).mean(), 1e-3)
    assert figures["n_mpjpe_mm"].mean == pytest.approx(0, abs=1e-3)


def test_a_mirrored_pose_is_far_off() -> None:
    # Mirrored in depth: the same image, as good as, but another pose.
    result = evaluate_hdm05(CLIPS, knows("exact", np.array([1, 1, -1])), SETTINGS, VARIATIONS["exact"])
    assert result.row("all").figures["p_mpjpe_mm"].mean > 30


def test_hypotheses_around_the_truth_are_calibrated() -> None:
    result = evaluate_hdm05(CLIPS, knows("exact", spread=0.05), SETTINGS, VARIATIONS["exact"])
    figures = result.row("all").figures
    assert figures["mpjpe_mm"].mean == pytest.approx(0, abs=1e-3)
    assert 10 < figures["min_p_mpjpe_mm"].mean <= figures["min_mpjpe_mm"].mean < 100
    assert figures["energy_mm"].mean > 0


def test_the_method_is_told_what_the_variation_says_and_nothing_else() -> None:
    told = {name: knows(name) for name in VARIATIONS}
    for name, method in told.items():
        evaluate_hdm05(CLIPS, method, SETTINGS, VARIATIONS[name])
        assert [call["seed"] for call in method.calls] == [0, 1] * len(CLIPS)
        assert all((call["camera"] is None) == (name == "uncalibrated") for call in method.calls)
        assert all((call["height"] is None) == (name != "height") for call in method.calls)


def test_conditions_are_named_as_the_method_tells_them() -> None:
    result = evaluate_hdm05(CLIPS, knows("noise"), SETTINGS, VARIATIONS["noise"], name="ours")
    told = result.conditions
    assert result.name == "ours"
    assert (told.hypotheses, told.steps, told.seeds, told.root) == (8, 3, (0, 1), "solved")
    assert "noise of 1 %" in told.keypoints
    assert told.split == "actors bd, bk; 3 clips at 10 fps"
    assert "3 to 6 m" in told.cameras
    assert "55 to 70" in told.cameras
    silent = evaluate_hdm05(CLIPS, mean_pose(CLIPS), SETTINGS, VARIATIONS["exact"]).conditions
    assert (silent.hypotheses, silent.steps, silent.root) == (None, None, None)


def test_frames_without_a_pose_are_counted_apart() -> None:
    seen = views("exact")
    broken = [one.truth.copy() for one in seen]
    broken[1][2] = np.nan
    method = Answer(answers([(one.keypoints, xyz) for one, xyz in zip(seen, broken, strict=True)]))
    row = evaluate_hdm05(CLIPS, method, SETTINGS, VARIATIONS["exact"]).row("all")
    assert (row.frames, row.without_pose) == (9, 1)
    assert row.figures["mpjpe_mm"].mean == pytest.approx(0, abs=1e-3)


def test_nothing_to_evaluate() -> None:
    with pytest.raises(InputError, match="nothing to evaluate"):
        evaluate_hdm05([], knows("exact"), SETTINGS, VARIATIONS["exact"])


def test_actions_of_takes() -> None:
    assert action_of("hopBothLegs3hops") == "hop"
    assert action_of("elbowToKnee1RepsLelbowStart") == "elbow to knee"
    assert action_of("cartwheel") == "cartwheel"


def test_facing_camera() -> None:
    angle = 1.1
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    expected = (STANDING - STANDING[0]) * [1, -1, -1]
    np.testing.assert_allclose(facing_camera(STANDING[None].astype(float))[0], expected, atol=1e-6)
    np.testing.assert_allclose(facing_camera((STANDING @ turn.T)[None] + 3)[0], expected, atol=1e-6)


def test_folders_and_archives_without_captures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no HDM05 clip"):
        read_captures(tmp_path)
    with pytest.raises(InputError, match="cannot read it as an archive"):
        read_captures(tmp_path / "none.tar.xz")
    (tmp_path / "text.tar").write_text("not an archive")
    with pytest.raises(InputError, match="cannot read it as an archive"):
        read_captures(tmp_path / "text.tar")
    outside = tmp_path / "outside.tar"
    with tarfile.open(outside, "w") as archive:
        archive.add(tmp_path / "text.tar", arcname="../escaped.amc")
    with pytest.raises(InputError, match="cannot read it as an archive"):
        read_captures(outside)
    assert not (tmp_path.parent / "escaped.amc").exists()


@pytest.mark.slow
def test_the_real_archive(shared_data: Path) -> None:
    captures = read_captures(shared_data / "eval" / "hdm05_bd_bk_dg.tar.xz")
    assert {capture.actor for capture in captures} == {"bd", "bk", "dg"}
    assert len({capture.action for capture in captures}) == 11
    assert sum(len(capture.xyz) for capture in captures) == 3822
    heights = {capture.actor: capture.height for capture in captures}
    assert all(1.6 < height < 1.9 for height in heights.values())
    assert {(capture.actor, capture.height) for capture in captures} == set(heights.items())
    # Everybody stands somewhere in each clip: head above the hips, hips above the ankles.
    i = HUMAN36M17.index
    upright = [c.xyz[:, i("head"), 1].max() - c.xyz[:, i("left_ankle"), 1].min() for c in captures]
    assert min(upright) > 1.2
    only = read_captures(shared_data / "eval" / "hdm05_bd_bk_dg.tar.xz", actors=["dg"])
    assert {capture.actor for capture in only} == {"dg"}
    # A method that knows nothing has to be far from a good one.
    exact = evaluate_hdm05(captures[::8], mean_pose(captures), LiftSettings(seeds=(0,)), VARIATIONS["exact"])
    assert 100 < exact.row("all").figures["p_mpjpe_mm"].mean < 180
