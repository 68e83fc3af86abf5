"""Clips become motion: laws of smoothing, bridging and bone lengths."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlift.bone_lengths import clip_bone_lengths, with_lengths
from flowlift.containers import Poses3D
from flowlift.demo import synthesize
from flowlift.errors import InputError
from flowlift.gaps import LIMIT
from flowlift.lifter import Lifter
from flowlift.lifting.over_time import with_clip_bones
from flowlift.temporal import Smoothing, smooth_path, smooth_poses, stretches


@pytest.fixture(scope="module")
def walker() -> Poses3D:
    """The truth of a synthetic walker, 2 s."""
    return synthesize(seed=0, seconds=2.0).truth


DEPTH = np.diag([0.01**2, 0.01**2, 0.06**2]).astype(np.float32)


def noisy(walker: Poses3D, *, seed: int = 0, lasting: float = 0.0) -> Poses3D:
    """The walker with errors as a lifter's are: larger in depth, told by the covariance; a share of them lasts."""
    rng = np.random.default_rng(seed)
    own, kept = rng.normal(size=walker.xyz.shape), rng.normal(size=walker.xyz.shape[2:])
    error = (np.sqrt(1 - lasting) * own + np.sqrt(lasting) * kept) @ np.sqrt(DEPTH)
    error[:, :, walker.skeleton.root] = 0
    cov = np.broadcast_to(DEPTH, walker.cov.shape).copy()
    cov[:, :, walker.skeleton.root] = 0
    return replace(walker, xyz=walker.xyz + error, cov=cov)


def error(poses: Poses3D, walker: Poses3D) -> float:
    return float(np.sqrt(np.nanmean((poses.xyz - walker.xyz) ** 2)))


def test_noise_goes_and_motion_stays(walker: Poses3D) -> None:
    seen = noisy(walker)
    smooth = smooth_poses(seen, Smoothing())
    assert error(smooth, walker) < 0.5 * error(seen, walker)
    exact = replace(walker, cov=seen.cov)
    assert error(smooth_poses(exact, Smoothing()), walker) < 0.004


def test_what_lasts_is_still_doubted(walker: Poses3D) -> None:
    smooth = smooth_poses(noisy(walker, lasting=0.8), Smoothing())
    joints = [j for j in range(17) if j != walker.skeleton.root]
    cov = smooth.cov[:, 0][:, joints].astype(np.float64)
    off = (smooth.xyz - walker.xyz)[:, 0][:, joints].astype(np.float64)
    far = np.einsum("fji,fjik,fjk->fj", off, np.linalg.inv(cov), off)
    assert 0.4 < far.mean() / 3 < 1.6


def test_off_and_unknown_times_change_nothing(walker: Poses3D) -> None:
    seen = noisy(walker)
    assert smooth_poses(seen, Smoothing.parse("off")) is seen
    assert smooth_poses(seen, Smoothing.parse("0")) is seen
    timeless = replace(seen, fps=None, times=None)
    assert smooth_poses(timeless, Smoothing()) is timeless


def test_more_seconds_smooth_more(walker: Poses3D) -> None:
    seen = noisy(walker)
    rough = [
        float(np.abs(np.diff(smooth_poses(seen, Smoothing.parse(text)).xyz, n=2, axis=0)).mean())
        for text in ("0.02", "0.1", "0.5")
    ]
    assert rough[0] > rough[1] > rough[2]


@pytest.mark.parametrize("text", ["yes", "-1", "nan", "11", ""])
def test_other_settings_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="smooth must be"):
        Smoothing.parse(text)


def test_short_gaps_are_bridged_and_long_ones_are_not(walker: Poses3D) -> None:
    seen = noisy(walker)
    frames = int(LIMIT * walker.fps)
    xyz, cov = seen.xyz.copy(), seen.cov.copy()
    for start, count in ((10, frames), (30, frames + 3)):
        xyz[start : start + count], cov[start : start + count] = np.nan, np.nan
    smooth = smooth_poses(replace(seen, xyz=xyz, cov=cov), Smoothing())
    assert np.isfinite(smooth.xyz[10 : 10 + frames]).all()
    assert np.isnan(smooth.xyz[30 : 30 + frames + 3]).all()
    assert smooth.bridged is not None
    assert smooth.bridged.all(axis=(1, 2)).nonzero()[0].tolist() == list(range(10, 10 + frames))
    assert np.abs(smooth.xyz - walker.xyz)[10 : 10 + frames].max() < 0.15
    wrist = walker.skeleton.index("left_wrist")
    middle, beside = 10 + frames // 2, 8
    assert smooth.std[middle, 0, wrist].min() > smooth.std[beside, 0, wrist].min()


@given(gaps=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=4))
def test_stretches_hold_everything_but_long_gaps(gaps: list[tuple[int, int]]) -> None:
    there = np.ones(60, dtype=bool)
    for start, count in gaps:
        there[start : start + count] = False
    found = stretches(there, np.arange(60) / 30)
    covered = np.zeros(60, dtype=int)
    for part in found:
        covered[part] += 1
        assert there[part.start]
        assert there[part.stop - 1]
        missing = "".join("1" if seen else "0" for seen in there[part]).split("1")
        assert max(map(len, missing)) <= 7
    assert covered.max(initial=0) <= 1


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99))
def test_bones_keep_one_length_and_joints_move_where_they_are_unsure(seed: int) -> None:
    walker = synthesize(seed=0, seconds=0.5).truth
    seen = noisy(walker, seed=seed)
    kept = with_clip_bones(seen)
    skeleton = walker.skeleton
    child = [j for j in range(17) if j != skeleton.root]
    parent = [skeleton.parent_indices[j] for j in child]
    lengths = np.linalg.norm(kept.xyz[:, 0, child] - kept.xyz[:, 0, parent], axis=-1)
    assert (lengths.std(axis=0) / lengths.mean(axis=0)).max() < 0.01
    for left, right in skeleton.pairs:
        pair = [lengths[:, child.index(skeleton.index(name))].mean() for name in (left, right)]
        assert pair[0] == pytest.approx(pair[1], rel=0.01)
    moved = np.abs(kept.xyz - seen.xyz).mean(axis=(0, 1, 2))
    assert moved[2] > 3 * max(moved[:2])
    assert error(kept, walker) < error(seen, walker)


def test_true_bones_are_left_alone(walker: Poses3D) -> None:
    xyz, cov = walker.xyz[:, 0].astype(np.float64), np.broadcast_to(DEPTH, (len(walker), 17, 3, 3)).astype(np.float64)
    lengths = clip_bone_lengths(xyz, cov, walker.skeleton)
    np.testing.assert_allclose(with_lengths(xyz, cov, lengths, walker.skeleton), xyz, atol=0.012)


def test_a_path_is_smoothed_in_direction_and_distance(walker: Poses3D) -> None:
    rng = np.random.default_rng(0)
    true = walker.root.astype(np.float64)
    seen = true * (1 + 0.02 * rng.normal(size=(len(true), 1, 1)))
    seen[20:23] = np.nan
    path = smooth_path(seen, walker.frame_times, Smoothing())
    assert np.isfinite(path).all()
    assert np.linalg.norm(path - true, axis=-1).mean() < 0.6 * np.nanmean(np.linalg.norm(seen - true, axis=-1))


def test_a_lifter_smooths_the_clip_it_lifted() -> None:
    clip, lifter = synthesize(seed=0, seconds=1.0), Lifter.load("human")
    off = lifter(clip.keypoints, camera=clip.camera, smooth="off")
    auto = lifter(clip.keypoints, camera=clip.camera)
    again = lifter.over_time(off)
    np.testing.assert_allclose(again.xyz, auto.xyz, atol=1e-6)
    np.testing.assert_allclose(again.root, auto.root, atol=1e-6)

    def roughness(poses: Poses3D) -> float:
        return float(np.nanmean(np.linalg.norm(np.diff(poses.xyz, n=2, axis=0), axis=-1)))

    assert roughness(auto) < 0.5 * roughness(off)
    px = clip.camera.project(auto.absolute)
    extent = np.nanmax(clip.keypoints.xy[..., 1]) - np.nanmin(clip.keypoints.xy[..., 1])
    assert np.nanmedian(np.linalg.norm(px - clip.keypoints.xy, axis=-1)) < 0.04 * extent


def test_a_causal_answer_does_not_change_when_the_clip_goes_on() -> None:
    clip, lifter = synthesize(seed=0, seconds=1.5), Lifter.load("human")
    xy = clip.keypoints.xy.copy()
    xy[20:23], xy[33:] = np.nan, np.nan
    seen = replace(clip.keypoints, xy=xy)
    raw = lifter(seen, camera=clip.camera, smooth="off")
    whole = lifter.over_time(raw, "causal")
    for stop in (1, 9, 22, 30, 36):
        part = lifter.over_time(lifter(seen.frames(0, stop), camera=clip.camera, smooth="off"), "causal")
        np.testing.assert_allclose(part.xyz, whole.xyz[:stop], atol=2e-5)
        np.testing.assert_allclose(part.root, whole.root[:stop], atol=2e-4)
        np.testing.assert_allclose(part.cov, whole.cov[:stop], atol=2e-5)
    assert whole.bridged is not None
    assert whole.bridged.all(axis=(1, 2)).nonzero()[0].tolist() == [20, 21, 22, *range(33, 33 + int(LIMIT * 30))]

    def roughness(poses: Poses3D) -> float:
        return float(np.nanmean(np.linalg.norm(np.diff(poses.xyz, n=2, axis=0), axis=-1)))

    assert roughness(whole) < 0.7 * roughness(raw)


def test_two_people_are_smoothed_as_one_is() -> None:
    clip, lifter = synthesize(seed=0, seconds=1.0), Lifter.load("human")
    seen = clip.keypoints
    both = replace(seen, xy=np.concatenate([seen.xy * 0.9 + 20, seen.xy], axis=1), score=np.tile(seen.score, (1, 2, 1)))
    alone, together = lifter(seen, camera=clip.camera), lifter(both, camera=clip.camera)
    np.testing.assert_allclose(together.xyz[:, 1], alone.xyz[:, 0], atol=1e-4)
    np.testing.assert_allclose(together.root[:, 1], alone.root[:, 0], atol=1e-4)


def test_a_path_leans_on_the_places_that_are_sure(walker: Poses3D) -> None:
    assert walker.root is not None
    truth = walker.root.astype(np.float64)
    wrong, cov = truth.copy(), np.tile(1e-4 * np.eye(3), (*truth.shape[:2], 1, 1))
    unsure = np.arange(len(truth)) % 3 == 1
    wrong[unsure] *= np.random.default_rng(0).uniform(0.5, 0.9, (unsure.sum(), 1, 1))
    cov[unsure, :, 2, 2] = 4.0
    cov[unsure & (np.arange(len(truth)) % 2 == 0)] = np.nan
    told, untold = (
        np.linalg.norm(smooth_path(wrong, walker.frame_times, Smoothing(), cov=given) - truth, axis=-1).mean()
        for given in (cov, None)
    )
    assert told < 0.05
    assert untold > 4 * told
    same = smooth_path(truth, walker.frame_times, Smoothing(), cov=np.full_like(cov, np.nan))
    np.testing.assert_array_equal(same, smooth_path(truth, walker.frame_times, Smoothing()))
