"""Lifting with the packaged model: laws of the result, and accuracy on a walker whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from flowlift import Camera, Keypoints2D, Lifter
from flowlift.demo import synthesize
from flowlift.errors import InputError, ModelError
from flowlift.evaluation.metrics import p_mpjpe
from flowlift.lifter import DEFAULT_HEIGHT, FOREIGN_PLACE, HEIGHT_SD, TOLD_HEIGHT_SD, hypothesis_noise
from flowlift.lifting.hypotheses import START_SPREAD, centre_weighted
from flowlift.skeletons import COCO17, HUMAN36M17


@pytest.fixture(scope="module")
def lifter():
    return Lifter.load("human")


@pytest.fixture(scope="module")
def walker():
    """Two seconds of a synthetic walker, all joints seen."""
    return synthesize(seed=0, seconds=2.0)


def first_frames(walker, count=6):
    return walker.keypoints.frames(0, count)


def test_a_walker_is_lifted_to_within_centimetres(lifter, walker):
    poses = lifter(walker.keypoints, camera=walker.camera)
    there = np.isfinite(poses.xyz[:, 0]).all(axis=(1, 2))
    assert there.mean() > 0.8
    found, truth = poses.xyz[there, 0].astype(np.float64), walker.truth.xyz[there, 0].astype(np.float64)
    assert float(p_mpjpe(found, truth)) < 0.06
    # Right way round: not mirrored, not upside down, not turned away.
    sizes = np.linalg.norm(found, axis=(1, 2)) * np.linalg.norm(truth, axis=(1, 2))
    assert (np.einsum("fjk,fjk->f", found, truth) / sizes > 0.9).mean() > 0.9
    # One camera does not see size: up to one scale for the clip, the path through the room is right.
    root, path = poses.root[there, 0], walker.truth.root[there, 0]
    scale = np.median(path[:, 2] / root[:, 2])
    assert 0.75 < scale < 1.33
    off = np.linalg.norm(scale * root - path, axis=-1) / np.linalg.norm(path, axis=-1)
    assert np.median(off) < 0.05


def test_the_answer_reprojects_onto_what_was_seen(lifter, walker):
    poses = lifter(walker.keypoints, camera=walker.camera)
    px = walker.camera.project(poses.absolute)
    error = np.linalg.norm(px - walker.keypoints.xy, axis=-1)
    extent = np.nanmax(walker.keypoints.xy[..., 1]) - np.nanmin(walker.keypoints.xy[..., 1])
    assert np.nanmedian(error) < 0.03 * extent


def test_the_same_seed_gives_the_same_result_and_another_another(lifter, walker):
    some = first_frames(walker)
    one, again, other = (lifter(some, camera=walker.camera, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.xyz, again.xyz)
    np.testing.assert_array_equal(one.cov, again.cov)
    assert np.nanmax(np.abs(one.xyz - other.xyz)) > 1e-5


def test_a_frame_does_not_depend_on_the_frames_and_people_beside_it(lifter, walker):
    some = first_frames(walker)
    together = lifter(some, camera=walker.camera, smooth="off")
    for frame in (0, 3):
        alone = lifter(some.frames(frame, frame + 1), camera=walker.camera, smooth="off")
        np.testing.assert_allclose(alone.xyz[0], together.xyz[frame], atol=2e-5)
        np.testing.assert_allclose(alone.cov[0], together.cov[frame], atol=2e-5)
    moved = some.xy[:, ::-1] * 0.9 + 20
    crowd = replace(some, xy=np.concatenate([moved, some.xy], axis=1), score=np.repeat(some.score, 2, axis=1))
    np.testing.assert_allclose(
        lifter(crowd, camera=walker.camera, smooth="off").xyz[:, 1], together.xyz[:, 0], atol=2e-5
    )


def test_a_mirrored_image_gives_the_mirrored_pose(lifter, walker):
    some = first_frames(walker)
    width = some.image_size[0]
    camera = Camera.from_fov(55, some.image_size)
    mirror = list(HUMAN36M17.mirror)
    flipped = replace(some, xy=some.xy[:, :, mirror] * [-1, 1] + [width, 0], score=some.score[:, :, mirror])
    poses, other = lifter(some, camera=camera, hypotheses=200), lifter(flipped, camera=camera, hypotheses=200)
    back = other.xyz[:, :, mirror] * [-1, 1, 1]
    # Only the noise is not mirrored, and it averages out.
    assert np.nanmean(np.linalg.norm(back - poses.xyz, axis=-1)) < 0.01


def test_missing_joints_are_accepted_and_are_less_certain(lifter, walker):
    some = first_frames(walker)
    wrist = HUMAN36M17.index("left_wrist")
    xy = some.xy.copy()
    xy[:, :, wrist] = np.nan
    whole, partial = (lifter(k, camera=walker.camera) for k in (some, replace(some, xy=xy)))
    assert np.isfinite(partial.xyz).all()
    assert (partial.std[:, 0, wrist].mean(axis=-1) > whole.std[:, 0, wrist].mean(axis=-1)).all()


def test_frames_without_a_person_stay_empty(lifter, walker):
    some = first_frames(walker)
    xy = some.xy.copy()
    xy[2] = np.nan
    xy[3, 0, 2:] = np.nan  # two joints are no person
    poses = lifter(replace(some, xy=xy), camera=walker.camera, smooth="off")
    for frame in (2, 3):
        assert np.isnan(poses.xyz[frame]).all()
        assert np.isnan(poses.cov[frame]).all()
        assert np.isnan(poses.root[frame]).all()
    assert np.isfinite(poses.xyz[[0, 1, 4]]).all()


def test_covariances_are_symmetric_and_positive_but_for_the_root(lifter, walker):
    poses = lifter(first_frames(walker), camera=walker.camera)
    cov = poses.cov[:, 0].astype(np.float64)
    np.testing.assert_allclose(cov, cov.swapaxes(-1, -2), atol=1e-8)
    assert (cov[:, HUMAN36M17.root] == 0).all()
    others = [j for j in range(17) if j != HUMAN36M17.root]
    assert (np.linalg.eigvalsh(cov[:, others]) > 0).all()


def test_height_sets_the_scale(lifter, walker):
    some = first_frames(walker)
    one, two = (lifter(some, camera=walker.camera, height=h) for h in (1.0, 2.0))
    np.testing.assert_allclose(two.xyz, 2 * one.xyz, atol=1e-5)
    np.testing.assert_allclose(two.cov, 4 * one.cov, atol=1e-5)
    np.testing.assert_allclose(two.root, 2 * one.root, rtol=1e-4)


def test_hypotheses_are_kept_when_asked_for(lifter, walker):
    poses = lifter(first_frames(walker), camera=walker.camera, smooth="off", hypotheses=7, keep_hypotheses=True)
    assert poses.hypotheses.shape == (6, 1, 7, 17, 3)
    low, high = poses.hypotheses.min(axis=2), poses.hypotheses.max(axis=2)
    assert ((poses.xyz >= low - 1e-5) & (poses.xyz <= high + 1e-5)).all()


@pytest.mark.parametrize("hypotheses", [1, 2, 5])
@pytest.mark.parametrize("steps", [1, 4])
def test_few_hypotheses_and_steps_work(lifter, walker, hypotheses, steps):
    poses = lifter(first_frames(walker, 2), camera=walker.camera, hypotheses=hypotheses, steps=steps)
    assert np.isfinite(poses.xyz).all()
    assert (poses.std[:, 0, 1:] > 0).all()
    assert poses.provenance["hypotheses"] == hypotheses
    assert poses.provenance["steps"] == steps


def test_other_skeletons_are_converted(lifter):
    generator = np.random.default_rng(0)
    xy = generator.uniform(300, 600, (2, 1, 17, 2)).astype(np.float32)
    poses = lifter(Keypoints2D(xy, np.ones((2, 1, 17), dtype=np.float32), COCO17, (1000, 1000)))
    assert poses.skeleton == HUMAN36M17
    assert poses.camera.assumed
    assert poses.provenance["intrinsics"] == "assumed"


@pytest.mark.parametrize("height", [None, 0.85])
def test_joints_that_another_skeleton_defines_are_less_certain_by_where_they_may_lie(lifter, walker, height):
    some = first_frames(walker)
    xy = some.xy.copy()
    xy[:, :, HUMAN36M17.index("head")] = np.nan  # another place in many skeletons, and never taken over
    some = replace(some, xy=xy)
    others = replace(some, skeleton=replace(HUMAN36M17, name="somebody_elses"))
    own, foreign = (lifter(seen, camera=walker.camera, height=height, smooth="off") for seen in (some, others))
    np.testing.assert_array_equal(foreign.xyz, own.xyz)
    joints = np.arange(17) != HUMAN36M17.root
    place = (FOREIGN_PLACE * (height or DEFAULT_HEIGHT)) ** 2 * np.eye(3)
    beyond = (foreign.cov - own.cov)[:, :, joints]
    np.testing.assert_allclose(beyond, np.broadcast_to(place, beyond.shape), atol=1e-6)


def test_noise_comes_in_opposite_pairs_and_longer_draws_begin_alike():
    noise = hypothesis_noise(8, HUMAN36M17, seed=1)
    np.testing.assert_array_equal(noise[0::2], -noise[1::2])
    np.testing.assert_array_equal(hypothesis_noise(5, HUMAN36M17, seed=1), noise[:5])
    centred = hypothesis_noise(8, HUMAN36M17, seed=1, centred=True)
    assert not centred[:2].any()
    np.testing.assert_array_equal(centred[2:], noise[2:])


def test_learned_starts_come_after_the_pair_and_every_seed_stays_near_them():
    learned = np.random.default_rng(5).normal(size=(6, 17, 3)).astype(np.float32)
    noise = hypothesis_noise(12, HUMAN36M17, seed=1, centred=True, learned=learned)
    assert not noise[:2].any()
    apart = noise[2:8] - learned
    assert apart.std() == pytest.approx(START_SPREAD, rel=0.15)
    np.testing.assert_array_equal(noise[8:], hypothesis_noise(12, HUMAN36M17, seed=1)[8:])
    for count in (1, 2, 3, 7):
        some = hypothesis_noise(count, HUMAN36M17, seed=1, centred=True, learned=learned)
        np.testing.assert_array_equal(some, noise[:count])
    other = hypothesis_noise(12, HUMAN36M17, seed=2, centred=True, learned=learned)
    assert (other[2:] != noise[2:]).all()


def test_one_pair_of_hypotheses_starts_at_the_centre_and_leads(lifter, walker):
    some = first_frames(walker)
    pair, other = (lifter(some, camera=walker.camera, hypotheses=2, seed=seed) for seed in (0, 1))
    np.testing.assert_array_equal(pair.xyz, other.xyz)
    many = lifter(some, camera=walker.camera, hypotheses=20, smooth="off", keep_hypotheses=True)
    centre, rest = many.hypotheses[:, :, :2].mean(axis=2), many.hypotheses[:, :, 2:].mean(axis=2)
    np.testing.assert_allclose(many.xyz, 0.8 * centre + 0.2 * rest, atol=1.5e-2)  # the rest by its reprojection
    assert np.abs(many.xyz - centre).mean() < 0.5 * np.abs(many.xyz - rest).mean()


def test_weights_lead_with_the_centre():
    np.testing.assert_allclose(
        centre_weighted(np.full((1, 6), 1 / 6, dtype=np.float32))[0], [0.4, 0.4] + 4 * [0.05], rtol=1e-6
    )
    for count in (1, 2):
        np.testing.assert_allclose(
            centre_weighted(np.full((3, count), 1 / count, dtype=np.float32)), 1 / count, rtol=1e-6
        )


@pytest.mark.parametrize(
    "settings",
    [
        {"hypotheses": 0},
        {"steps": 0},
        {"seed": -1},
        {"height": -1.7},
        {"height": float("nan")},
        {"smooth": "very"},
        {"camera": Camera.from_fov(55, (64, 64))},
    ],
)
def test_settings_out_of_range_are_refused(lifter, walker, settings):
    with pytest.raises(InputError):
        lifter(first_frames(walker), **settings)


def test_unknown_and_damaged_models_are_refused(tmp_path):
    with pytest.raises(ModelError, match="human"):
        Lifter.load("humam")
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(ModelError, match=r"model\.json"):
        Lifter.load(tmp_path)


def test_torch_lifts_what_onnxruntime_lifts(walker):
    pytest.importorskip("torch")
    some = first_frames(walker)
    one, other = (Lifter.load("human", device=d)(some, camera=walker.camera) for d in (None, "torch"))
    # The torch weights are kept in half precision.
    np.testing.assert_allclose(other.xyz, one.xyz, atol=2e-3)
    assert "torch" in other.provenance["engine"]


def test_an_impossible_device_is_refused():
    pytest.importorskip("torch")
    with pytest.raises(ModelError, match="warp"):
        Lifter.load("human", device="warp")


def test_a_height_that_was_not_given_makes_the_size_uncertain_along_each_bone(lifter, walker):
    told = lifter(walker.keypoints, camera=walker.camera, height=DEFAULT_HEIGHT)
    free = lifter(walker.keypoints, camera=walker.camera)
    outer = free.xyz[..., :, None] * free.xyz[..., None, :]
    np.testing.assert_allclose(free.xyz, told.xyz, atol=1e-6)
    np.testing.assert_allclose(free.cov - told.cov, (HEIGHT_SD**2 - TOLD_HEIGHT_SD**2) * outer, atol=1e-6)


def test_a_roots_covariance_tells_how_wrong_it_is(lifter, walker):
    poses = lifter(walker.keypoints, camera=walker.camera, height=1.7, smooth="off")
    there = np.isfinite(poses.root[:, 0, 0]) & np.isfinite(walker.truth.root[:, 0, 0])
    cov = poses.root_cov[there, 0].astype(np.float64)
    np.testing.assert_allclose(cov, cov.swapaxes(-1, -2), atol=1e-7)
    assert (np.linalg.eigvalsh(cov) > 0).all()
    # Depth is what one camera tells least of a place.
    assert (cov[:, 2, 2] > 4 * cov[:, 0, 0]).mean() > 0.9
    found, truth = poses.root[there, 0].astype(np.float64), walker.truth.root[there, 0].astype(np.float64)
    off = found * np.median(truth[:, 2] / found[:, 2]) - truth  # up to the one scale that no camera sees
    far = np.einsum("fi,fij,fj->f", off, np.linalg.inv(cov), off)
    assert np.median(far) < 8
    free = lifter(walker.keypoints, camera=walker.camera, smooth="off").root_cov[there, 0]
    grown = (HEIGHT_SD**2 - TOLD_HEIGHT_SD**2) * found[:, :, None] * found[:, None]
    np.testing.assert_allclose(free - cov, grown, rtol=0.02, atol=1e-4)
    assert np.isfinite(lifter(walker.keypoints, camera=walker.camera).root_cov[there]).all()


def test_hypotheses_move_with_their_answer_when_a_clip_is_smoothed(lifter, walker):
    seen, camera = walker.keypoints, walker.camera
    rough, smooth = (lifter(seen, camera=camera, smooth=how, keep_hypotheses=True) for how in ("off", "auto"))
    there = np.isfinite(rough.xyz).all(axis=(2, 3))
    step, own = (smooth.hypotheses - rough.hypotheses)[there], (smooth.xyz - rough.xyz)[there]
    assert np.abs(step.mean(axis=1) - own).mean() < 0.5 * np.abs(own).mean()
    skeleton = smooth.skeleton
    child = [joint for joint, parent in enumerate(skeleton.parent_indices) if parent >= 0]
    parent = [skeleton.parent_indices[joint] for joint in child]
    lengths = np.linalg.norm(
        smooth.hypotheses[there][..., child, :] - smooth.hypotheses[there][..., parent, :], axis=-1
    )
    np.testing.assert_allclose(lengths, np.broadcast_to(lengths[0, 0], lengths.shape), atol=0.005)
    steadiness = [np.diff(poses.hypotheses[:30, 0], n=2, axis=0) for poses in (rough, smooth)]
    assert np.nanstd(steadiness[1]) < np.nanstd(steadiness[0])
