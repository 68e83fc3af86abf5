"""Left and right exchanged by the detector: mended where they are, untouched where they are not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flowlift.cli import main
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.demo import synthesize
from flowlift.evaluation.pose2sim import openpose_keypoints, read_shots
from flowlift.io import load, save
from flowlift.lifter import Lifter
from flowlift.lifting.mending import lift_mended
from flowlift.limbs import limbs
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BUILT_IN, HUMAN36M17
from flowlift.swaps import mend_swaps

from .walkers import seen_by, straight_walk, watching

EYE = (0.0, 1.3, 5.5)
ARMS_AND_LEGS = [joint for part in limbs(HUMAN36M17) for joint in part]


def exchange(keypoints: Keypoints2D, where: np.ndarray) -> Keypoints2D:
    """Keypoints with left and right exchanged where (frame, person, joint) says."""
    mirror = list(keypoints.skeleton.mirror)
    xy = np.where(where[..., None], keypoints.xy[:, :, mirror], keypoints.xy)
    return replace(keypoints, xy=xy, score=np.where(where, keypoints.score[:, :, mirror], keypoints.score))


def mistakes(keypoints: Keypoints2D, seed: int) -> np.ndarray:
    """A detector's mistakes (frame, person, joint): the whole body, the arms or the legs, for a frame to 0.8 s."""
    random, times = np.random.default_rng(seed), keypoints.frame_times
    parts = limbs(keypoints.skeleton)
    where = np.zeros(keypoints.score.shape, dtype=bool)
    start = random.uniform(0.2, 1.0)
    while start < times[-1]:
        stop = start + random.choice([0.02, 0.1, 0.3, 0.8])
        chosen = [[joint for part in parts for joint in part], *parts][random.integers(1 + len(parts))]
        where[np.ix_((times >= start) & (times < stop), np.ones(keypoints.people, dtype=bool), chosen)] = True
        start = stop + random.uniform(0.4, 2.0)
    return where


def straight(direction: float, fps: float, noise: float = 0.008, seconds: float = 4.0) -> Keypoints2D:
    times = np.arange(round(seconds * fps)) / fps
    return seen_by(watching(EYE), straight_walk(times, direction), fps, noise=noise)


def right_frames(found: Keypoints2D, truth: Keypoints2D) -> float:
    """The share of frames in which every joint is where it belongs."""
    return float(((found.xy == truth.xy) | np.isnan(truth.xy)).all(axis=(1, 2, 3)).mean())


@pytest.mark.parametrize(("fps", "direction"), [(15.0, 0), (30.0, 0), (60.0, 180), (30.0, 45), (30.0, 90)])
def test_a_straight_walk_is_left_alone_and_mended(fps: float, direction: float) -> None:
    clean = straight(direction, fps)
    assert mend_swaps(clean).keypoints is clean
    before, after = [], []
    for seed in range(2):
        wrong = exchange(clean, mistakes(clean, seed))
        before.append(right_frames(wrong, clean))
        after.append(right_frames(mend_swaps(wrong).keypoints, clean))
    assert np.mean(before) < 0.9
    assert np.mean(after) >= 0.95


@pytest.mark.parametrize(("fps", "seed"), [(25.0, 0), (50.0, 1)])
def test_a_walk_all_around_with_hidden_joints_is_left_alone_and_mended(fps: float, seed: int) -> None:
    clean = synthesize(seed=seed, fps=fps).keypoints
    assert not mend_swaps(clean).exchanged.any()
    where = mistakes(clean, seed)
    found = mend_swaps(exchange(clean, where))
    assert right_frames(exchange(clean, where), clean) < 0.9
    assert right_frames(found.keypoints, clean) >= 0.95
    assert (found.exchanged == where)[np.isfinite(clean.xy[..., 0])].mean() >= 0.95


def test_dropouts_and_an_uneven_frame_rate_do_no_harm() -> None:
    before, after = [], []
    for seed in range(5):
        random = np.random.default_rng(seed)
        times = np.cumsum(random.uniform(0.015, 0.05, 100))
        world = straight_walk(times, random.uniform(0, 360))
        clean = seen_by(watching(EYE), world, 30.0, noise=0.008, seed=seed)
        gone = random.random(clean.score.shape) < random.uniform(0, 0.3)
        clean = replace(clean, xy=np.where(gone[..., None], np.nan, clean.xy), times=times)
        assert not mend_swaps(clean).exchanged.any()
        wrong = exchange(clean, mistakes(clean, seed))
        before.append(right_frames(wrong, clean))
        after.append(right_frames(mend_swaps(wrong).keypoints, clean))
    assert np.mean(before) < 0.9
    assert np.mean(after) >= 0.95


def test_the_majority_of_the_frames_decides() -> None:
    clean = straight(45, 30.0)
    where = np.zeros(clean.score.shape, dtype=bool)
    where[np.ix_(np.arange(40, len(clean)), [0], ARMS_AND_LEGS)] = True  # most of them: then this is right
    wrong = exchange(clean, where)
    found = mend_swaps(wrong)
    assert set(np.flatnonzero(found.exchanged.any(axis=(1, 2)))) == set(range(40))
    everywhere = np.zeros(clean.score.shape, dtype=bool)
    everywhere[:, :, ARMS_AND_LEGS] = True
    assert not mend_swaps(exchange(clean, everywhere)).exchanged.any()


def test_each_person_is_mended_alone() -> None:
    one, other = straight(0, 30.0), straight(90, 30.0)
    both = replace(
        one, xy=np.concatenate([one.xy, other.xy], axis=1), score=np.concatenate([one.score, other.score], axis=1)
    )
    where = np.zeros(both.score.shape, dtype=bool)
    where[np.ix_(np.arange(50, 60), [1], ARMS_AND_LEGS)] = True
    found = mend_swaps(exchange(both, where))
    assert list(found.frames) == [0, 10]
    np.testing.assert_array_equal(found.keypoints.xy, both.xy)


def test_mending_twice_changes_nothing_more() -> None:
    wrong = exchange(straight(30, 30.0), mistakes(straight(30, 30.0), 5))
    once = mend_swaps(wrong)
    assert once.exchanged.any()
    assert mend_swaps(once.keypoints).keypoints is once.keypoints


def test_without_times_sides_or_people_nothing_happens() -> None:
    clean = straight(0, 30.0, seconds=0.5)
    untimed = replace(clean, fps=None)
    assert mend_swaps(untimed).keypoints is untimed
    plain = Skeleton("one", ("a", "b"), (None, "a"))
    sideless = Keypoints2D(np.ones((5, 1, 2, 2)), np.ones((5, 1, 2)), plain, (9, 9), fps=30)
    assert mend_swaps(sideless).keypoints is sideless
    nobody = replace(clean, xy=np.full_like(clean.xy, np.nan))
    assert mend_swaps(nobody).keypoints is nobody
    assert not mend_swaps(clean.frames(0, 0)).exchanged.size


@pytest.mark.parametrize("skeleton", BUILT_IN.values(), ids=BUILT_IN)
def test_limbs_are_the_paired_joints_once_each(skeleton: Skeleton) -> None:
    parts = limbs(skeleton)
    listed = [joint for part in parts for joint in part]
    assert sorted(listed) == sorted(skeleton.indices([joint for pair in skeleton.pairs for joint in pair]))
    assert all(part[1::2] == [skeleton.mirror[joint] for joint in part[::2]] for part in parts)
    assert len(parts) <= 4
    together = [{skeleton.joints[joint] for joint in part} for part in parts]
    if "left_wrist" in skeleton.joints:
        assert any({"left_shoulder", "left_wrist"} <= part and "left_hip" not in part for part in together)
        assert any({"left_hip", "left_ankle"} <= part and "left_shoulder" not in part for part in together)


def test_a_real_clip_without_mistakes_is_left_alone(shared_data: Path) -> None:
    for shot in read_shots(shared_data / "eval" / "pose2sim"):
        keypoints = openpose_keypoints(shot)
        assert not mend_swaps(keypoints).exchanged.any(), f"camera {shot.number}"


def test_frames_with_exchanged_sides_are_lifted_again_and_no_others() -> None:
    clean = straight(30, 30.0, seconds=2.0)
    where = np.zeros(clean.score.shape, dtype=bool)
    where[np.ix_(np.arange(20, 30), [0], ARMS_AND_LEGS)] = True
    lifter, lifted = Lifter.load("human"), []

    def lift(keypoints: Keypoints2D) -> Poses3D:
        lifted.append(len(keypoints))
        return lifter(keypoints, hypotheses=2, smooth="off", keep_hypotheses=True)

    mended = lift_mended(lift(exchange(clean, where)), lift, lifter)
    assert lifted == [len(clean), 10]
    right = lift(clean)
    for name in ("xyz", "root", "cov", "hypotheses"):
        np.testing.assert_allclose(getattr(mended, name), getattr(right, name), atol=1e-4)
    assert mended.provenance["frames_mended"] == 10
    assert lift_mended(right, lift, lifter).provenance["frames_mended"] == 0


def test_the_command_line_mends_and_grounds(tmp_path: Path) -> None:
    clean = synthesize(seconds=2.5).keypoints
    where = np.zeros(clean.score.shape, dtype=bool)
    where[np.ix_(np.arange(30, 42), [0], ARMS_AND_LEGS)] = True
    save(exchange(clean, where), tmp_path / "walk.npz")

    def run(*options: str) -> Poses3D:
        inputs = [str(tmp_path / "walk.npz"), "-o", str(tmp_path / "poses.npz"), "--hypotheses", "2", "--quiet"]
        assert main(["lift", *inputs, *options]) == 0
        found = load(tmp_path / "poses.npz")
        assert isinstance(found, Poses3D)
        return found

    mended, left = run("--ground", "auto"), run("--no-mend")
    np.testing.assert_array_equal(mended.keypoints.xy, clean.xy)
    assert mended.provenance["frames_mended"] == 9, "12 frames, in 3 of which nobody is seen"
    assert mended.camera.rotation is not None
    assert "frames_mended" not in left.provenance
    assert left.camera.rotation is None
    assert (left.keypoints.xy[35] != clean.xy[35]).any()


@pytest.mark.parametrize("ground", ["floor", "calibration"])
def test_a_ground_that_cannot_be_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], ground: str) -> None:
    save(synthesize(seconds=0.5).keypoints, tmp_path / "walk.npz")
    assert main(["lift", str(tmp_path / "walk.npz"), "-o", str(tmp_path / "poses.npz"), "--ground", ground]) == 2
    said = capsys.readouterr().err.strip()
    assert "ground" in said
    assert "\n" not in said
    assert not (tmp_path / "poses.npz").exists()
