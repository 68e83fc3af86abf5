"""Joint errors: cases worked out by hand, golden values, and the laws that alignment must obey."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.errors import InputError
from flowlift.evaluation.metrics import (
    auc,
    mpjpe,
    mpjpe_per_pose,
    n_mpjpe,
    n_mpjpe_per_pose,
    p_mpjpe,
    p_mpjpe_per_pose,
    pck,
    procrustes,
)

PER_POSE = (mpjpe_per_pose, n_mpjpe_per_pose, p_mpjpe_per_pose)
CORNER = np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]])


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


def random_pose(rng: np.random.Generator, *batch: int, joints: int = 17) -> np.ndarray:
    return rng.normal(size=(*batch, joints, 3))


def test_distances_worked_out_by_hand() -> None:
    pred = CORNER + np.array([[0, 0, 0], [0, 3, 4], [0, 0, 0], [1, 0, 0]])
    assert mpjpe_per_pose(pred, CORNER) == pytest.approx((0 + 5 + 0 + 1) / 4)
    assert mpjpe_per_pose(pred, CORNER, weights=np.array([1, 1, 0, 2])) == pytest.approx((5 + 2) / 4)
    assert mpjpe(np.stack([pred, CORNER]), np.stack([CORNER, CORNER])) == pytest.approx(1.5 / 2)


def test_scale_worked_out_by_hand() -> None:
    # Joints (1,0,0), (0,1,0) against (2,0,0), (0,4,0): the best scale is (2 + 4) / 2 = 3; errors 1 and 1.
    assert n_mpjpe(np.eye(3)[None, :2], np.diag([2.0, 4, 0])[None, :2]) == pytest.approx(1)
    assert n_mpjpe_per_pose(0.1 * CORNER, CORNER) == pytest.approx(0, abs=1e-12)
    # Scaling is about the origin: a shift stays.
    assert n_mpjpe_per_pose(np.ones((1, 3)), np.array([[1.0, 1, -2]])) == pytest.approx(np.sqrt(6))


def test_golden_values(parity: Mapping[str, np.ndarray]) -> None:
    pred, truth = parity["metric_pred"], parity["metric_gt"]
    np.testing.assert_allclose(p_mpjpe_per_pose(pred, truth), parity["p_mpjpe_per_pose"], atol=1e-10)
    np.testing.assert_allclose(mpjpe(pred, truth), parity["mpjpe"], atol=1e-10)


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100), st.floats(-10, 10))
def test_similarity_leaves_p_mpjpe_unchanged(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    pred, truth = random_pose(rng, 2), random_pose(rng, 2)
    moved = scale * pred @ random_rotation(rng).T + shift * rng.normal(size=3)
    np.testing.assert_allclose(p_mpjpe_per_pose(moved, truth), p_mpjpe_per_pose(pred, truth), rtol=1e-8)
    np.testing.assert_allclose(p_mpjpe_per_pose(moved, pred), 0, atol=1e-8)


@given(st.integers(0, 2**32 - 1))
def test_procrustes_finds_the_similarity_and_no_other_is_closer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pred, noise = random_pose(rng), 0.1 * random_pose(rng)
    weights = rng.uniform(0.1, 1, 17)
    rotation, scale, shift = random_rotation(rng), 1.7, rng.normal(size=3)
    truth = scale * pred @ rotation.T + shift
    found = procrustes(pred, truth, weights=weights)
    np.testing.assert_allclose(found.rotation, rotation, atol=1e-9)
    np.testing.assert_allclose(found.scale, scale, atol=1e-9)
    np.testing.assert_allclose(found.shift, shift, atol=1e-9)

    def cost(aligned: np.ndarray) -> float:
        return float((weights[:, None] * (aligned - truth - noise) ** 2).sum())

    best = procrustes(pred, truth + noise, weights=weights)
    for _ in range(5):
        angle = 1e-3 * rng.normal(size=3)
        tilt = np.eye(3) + np.cross(np.eye(3), angle)
        nudged = best(pred) @ np.linalg.qr(tilt)[0] * np.exp(1e-3 * rng.normal()) + 1e-3 * rng.normal(size=3)
        assert cost(best(pred)) <= cost(nudged) + 1e-12


@given(st.integers(0, 2**32 - 1))
def test_a_mirrored_pose_is_not_matched(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pose = random_pose(rng)
    mirrored = pose * [-1, 1, 1]
    assert np.linalg.det(procrustes(mirrored, pose).rotation) == pytest.approx(1)
    assert p_mpjpe_per_pose(mirrored, pose) > 0.05


def test_a_mirrored_flat_pose_is_matched_by_turning_it_over() -> None:
    flat = random_pose(np.random.default_rng(0)) * [1, 1, 0]
    assert p_mpjpe_per_pose(flat * [-1, 1, 1], flat) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("direction", [[1.0, 0, 0], [1.0, 2, 3]])
def test_collinear_and_coinciding_joints(direction: list[float]) -> None:
    line = np.linspace(0, 1, 5)[:, None] * np.array(direction)
    other = np.linspace(0, 2, 5)[:, None] * np.array([0.0, 1, 1]) + 3
    found = procrustes(line, other)
    assert np.linalg.det(found.rotation) == pytest.approx(1)
    assert p_mpjpe_per_pose(line, other) == pytest.approx(0, abs=1e-12)
    point = np.ones((4, 3))
    spread = np.sqrt(((CORNER - CORNER.mean(axis=0)) ** 2).sum(axis=-1)).mean()
    assert p_mpjpe_per_pose(point, CORNER) == pytest.approx(spread)
    assert p_mpjpe_per_pose(CORNER, point) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("metric", PER_POSE)
def test_unknown_truth_does_not_count(metric: Callable[..., np.ndarray]) -> None:
    rng = np.random.default_rng(1)
    pred, truth = random_pose(rng, 3), random_pose(rng, 3)
    truth[1, 4:6] = np.nan
    kept = [i for i in range(17) if i not in (4, 5)]
    expected = metric(pred[1:2, kept], truth[1:2, kept])[0]
    broken = pred.copy()
    broken[1, 4] = np.nan
    assert metric(broken, truth)[1] == pytest.approx(expected)
    masked = np.ones((3, 17))
    masked[1, 4:6] = 0
    np.testing.assert_allclose(metric(broken, np.nan_to_num(truth), weights=masked), metric(pred, truth))


@pytest.mark.parametrize("metric", PER_POSE)
def test_a_missing_prediction_makes_its_pose_nan_and_no_other(metric: Callable[..., np.ndarray]) -> None:
    rng = np.random.default_rng(2)
    pred, truth = random_pose(rng, 3), random_pose(rng, 3)
    pred[1, 7] = np.nan
    assert np.isnan(metric(pred, truth)).tolist() == [False, True, False]


@given(st.integers(0, 2**32 - 1))
def test_alignment_that_may_do_more_fits_better_in_least_squares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pred, truth = random_pose(rng), random_pose(rng)
    aligned = procrustes(pred, truth)(pred)
    assert ((aligned - truth) ** 2).sum() <= ((pred - truth) ** 2).sum() + 1e-12


@pytest.mark.parametrize("metric", [mpjpe, n_mpjpe, p_mpjpe])
def test_the_truth_scores_zero(metric: Callable[..., np.ndarray]) -> None:
    pose = random_pose(np.random.default_rng(3), 4)
    assert metric(pose, pose) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("metric", PER_POSE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_agrees_with_numpy(metric: Callable[..., np.ndarray], dtype: str) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    pred, truth = random_pose(rng, 2, 3).astype(dtype), random_pose(rng, 2, 3).astype(dtype)
    truth[0, 1, 2] = np.nan
    result = metric(torch.asarray(pred), torch.asarray(truth))
    assert str(result.dtype) == f"torch.{dtype}"
    np.testing.assert_allclose(result.numpy(), metric(pred, truth), rtol=1e-4 if dtype == "float32" else 1e-10)


def test_leading_axes_broadcast() -> None:
    rng = np.random.default_rng(5)
    hypotheses, truth = random_pose(rng, 2, 5), random_pose(rng, 2)
    for metric in PER_POSE:
        each = metric(hypotheses, truth[:, None])
        assert each.shape == (2, 5)
        np.testing.assert_allclose(each[1, 3], metric(hypotheses[1, 3], truth[1]))


def test_pck_and_auc_worked_out_by_hand() -> None:
    truth = np.zeros((4, 3))
    pred = np.array([[0.001, 0, 0], [0, 0.149, 0], [0, 0, 0.15], [1, 0, 0]])
    assert pck(pred, truth) == pytest.approx(0.5)
    assert pck(pred, truth, weights=np.array([1, 1, 0, 0])) == pytest.approx(1)
    # Thresholds 0, 50, 100, 150 mm: 0, 1, 1, 2 of 4 joints.
    assert auc(pred, truth, count=4) == pytest.approx((0 + 0.25 + 0.25 + 0.5) / 4)
    # At the threshold 0 nothing is closer, not even the truth.
    assert auc(truth, truth) == pytest.approx(30 / 31)


@pytest.mark.parametrize("step", range(31))
def test_auc_has_31_thresholds_5_mm_apart_and_an_error_at_one_is_not_below_it(step: int) -> None:
    truth = np.zeros((1, 3))
    at, just_below = np.array([[0.005 * step, 0, 0]]), np.array([[0, 0.005 * step - 1e-6, 0]])
    assert auc(at, truth) == pytest.approx((30 - step) / 31)
    if step > 0:
        assert auc(just_below, truth) == pytest.approx((31 - step) / 31)
        assert pck(at, truth, threshold=0.005 * step) == 0
        assert pck(just_below, truth, threshold=0.005 * step) == 1


def test_pck_and_auc_leave_out_what_is_unknown_and_not_what_is_missing() -> None:
    truth = np.zeros((2, 3, 3))
    truth[:, 2] = np.nan
    pred = np.zeros((2, 3, 3))
    pred[0, 1], pred[1, 0] = 1, np.nan
    np.testing.assert_allclose(pck(pred, truth), [0.5, np.nan])
    np.testing.assert_allclose(auc(pred, truth), [15 / 31, np.nan])
    with pytest.raises(InputError, match="at least 2 thresholds"):
        auc(pred, truth, count=1)


def test_a_mirrored_corner_worked_out_by_hand() -> None:
    # Only a reflection would match it: the best proper turn leaves the axis of the least spread reversed.
    cross = np.concatenate([np.eye(3), -np.eye(3)]) * [3.0, 2, 1]
    mirrored = cross * [1, 1, -1]
    # Sums of squares along the axes: 18, 8, 2. Best scale: (18 + 8 - 2) / 28 = 6 / 7.
    expected = (2 * 3 * (1 - 6 / 7) + 2 * 2 * (1 - 6 / 7) + 2 * 1 * (1 + 6 / 7)) / 6
    assert p_mpjpe_per_pose(mirrored, cross) == pytest.approx(expected)


def test_a_pose_in_one_point_keeps_the_truth_at_its_centre() -> None:
    point = np.full((4, 3), 0.7)
    np.testing.assert_allclose(procrustes(point, CORNER)(point), np.tile(CORNER.mean(axis=0), (4, 1)), atol=1e-12)
    assert procrustes(CORNER, point).scale == pytest.approx(0, abs=1e-12)
    assert p_mpjpe_per_pose(point, point) == pytest.approx(0, abs=1e-12)
    assert n_mpjpe_per_pose(np.zeros((4, 3)), CORNER) == pytest.approx((0 + 1 + 2 + 3) / 4)


@pytest.mark.parametrize("shape", [(16, 3), (17, 2)])
def test_shapes_that_do_not_fit(shape: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="equal joints"):
        mpjpe(np.zeros(shape), np.zeros((17, 3)))
