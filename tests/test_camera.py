"""Cameras: projecting and its inverse, and the root position solved from 2D."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.camera import Camera, distort, reach, solve_root, undistort, whole_image_size
from flowlift.errors import InputError

seeds = st.integers(0, 2**32 - 1)
LENSES = (
    [],
    [-0.2, 0.05],
    [0.1, -0.02, 0.001, -0.002],
    [-0.25, 0.08, 0.001, 0.0005, -0.01],
    [0.1, 0, 0, 0, 0, 0.05, 0, 0],
)


def pose_in_front(seed, count=4, joints=17):
    generator = np.random.default_rng(seed)
    pose = generator.standard_normal((count, joints, 3)) * 0.4
    pose -= pose[:, :1]
    return pose, generator.uniform([-1, -1, 4], [1, 1, 9], (count, 3))


@pytest.mark.parametrize("distortion", LENSES, ids=len)
@given(seed=seeds)
def test_rays_undo_projection(distortion, seed):
    camera = Camera.from_matrix([[1400, 2, 950], [0, 1380, 560], [0, 0, 1]], (1920, 1080), distortion)
    pose, root = pose_in_front(seed)
    points = pose + root[:, None]
    np.testing.assert_allclose(camera.rays(camera.project(points)), points[..., :2] / points[..., 2:], atol=1e-7)


@pytest.mark.parametrize(
    ("distortion", "fold"),
    [
        ([-0.4], 0.9129),
        ([-0.35, 0.15, 0.001, -0.001, -0.03], 1.512),
        ([-0.4, 0.05], 1.036),
        ([0, 0, 0, 0, 0, -0.5], None),
    ],
)
def test_a_lens_shows_nothing_beyond_where_its_image_folds_back(distortion, fold):
    grid = np.stack(np.meshgrid(np.linspace(-2.5, 2.5, 81), np.linspace(-2.5, 2.5, 81)), axis=-1)
    found = undistort(grid, np.array(distortion))
    far, shown = np.linalg.norm(found, axis=-1), np.isfinite(found).all(axis=-1)
    assert shown.any()
    assert ((found * grid).sum(axis=-1)[shown] >= 0).all(), "on the side where it is seen"
    np.testing.assert_allclose(distort(found[shown], np.array(distortion)), grid[shown], atol=1e-7)
    if fold is not None:
        assert far[shown].max() <= fold + 1e-3
        points = np.insert(grid, 2, 1.0, axis=-1) * 3
        seen = np.isfinite(Camera.from_matrix(np.diag([800, 800, 1]), (640, 480), distortion).project(points)).all(
            axis=-1
        )
        assert seen[np.linalg.norm(grid, axis=-1) < fold - 1e-2].all()
        assert not seen[np.linalg.norm(grid, axis=-1) > fold + 1e-2].any()
        inside = grid[np.linalg.norm(grid, axis=-1) < 0.98 * fold]
        np.testing.assert_allclose(
            undistort(distort(inside, np.array(distortion)), np.array(distortion)), inside, atol=1e-6
        )


@given(seed=seeds)
def test_the_root_is_found_again_whatever_the_missing_joints_hold(seed):
    pose, root = pose_in_front(seed)
    points = pose + root[:, None]
    rays = points[..., :2] / points[..., 2:]
    weights = np.random.default_rng(seed).uniform(0.1, 1, rays.shape[:2])
    weights[:, 5:9] = 0
    rays[:, 5:9] = np.nan
    np.testing.assert_allclose(solve_root(pose, rays, weights), root, atol=1e-6)


def noisy_rays(seed, pose, root):
    points = pose + root[:, None]
    return points[..., :2] / points[..., 2:] + np.random.default_rng(seed).normal(0, 0.01, (*pose.shape[:2], 2))


def test_torch_solves_what_numpy_solves():
    torch = pytest.importorskip("torch")
    pose, root = pose_in_front(0)
    rays, weights = noisy_rays(0, pose, root), np.random.default_rng(0).uniform(0, 1, pose.shape[:2])
    weights[:, 2:6], rays[:, 2:6] = 0, np.nan
    weights[3, 1:] = 0
    solved = solve_root(*(torch.from_numpy(a) for a in (pose, rays, weights))).numpy()
    np.testing.assert_allclose(solved, solve_root(pose, rays, weights), atol=1e-9)
    assert np.isnan(solved[3]).all()
    np.testing.assert_allclose(solved[:3], root[:3], atol=0.5)


@given(seed=seeds)
def test_the_root_is_the_weighted_least_squares_one(seed):
    pose, root = pose_in_front(seed, count=1)
    rays, weights = noisy_rays(seed, pose, root), np.random.default_rng(seed).uniform(0.1, 2, (1, 17))
    a, b = rays[0].T
    x, y, z = pose[0].T
    one, zero, scale = np.ones(17), np.zeros(17), np.sqrt(np.tile(weights[0], 2))
    system = np.concatenate([np.stack([one, zero, -a], axis=1), np.stack([zero, one, -b], axis=1)])
    best = np.linalg.lstsq(system * scale[:, None], np.concatenate([a * z - x, b * z - y]) * scale, rcond=None)[0]
    np.testing.assert_allclose(solve_root(pose, rays, weights)[0], best, rtol=1e-6, atol=1e-8)


@given(seed=seeds, factor=st.floats(1e-3, 1e3))
def test_only_the_ratio_of_weights_counts(seed, factor):
    pose, root = pose_in_front(seed)
    rays, weights = noisy_rays(seed, pose, root), np.random.default_rng(seed).uniform(0.1, 1, pose.shape[:2])
    np.testing.assert_allclose(
        solve_root(pose, rays, weights * factor), solve_root(pose, rays, weights), rtol=1e-6, atol=1e-9
    )


@given(seed=seeds)
def test_hypotheses_share_their_frames_rays(seed):
    pose, root = pose_in_front(seed, count=6)
    rays, weights = noisy_rays(seed, pose, root)[:2], np.ones((2, 17))
    together = solve_root(pose.reshape(2, 3, 17, 3), rays[:, None], weights[:, None])
    for frame, hypothesis in np.ndindex(2, 3):
        alone = solve_root(pose[3 * frame + hypothesis], rays[frame], weights[frame])
        np.testing.assert_allclose(together[frame, hypothesis], alone, rtol=1e-9)


def test_the_pose_of_a_camera_is_kept_and_cannot_be_changed():
    turn = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    camera = Camera.from_matrix(np.diag([500, 500, 1]), (640, 480), rotation=turn, translation=[1, 2, 3])
    np.testing.assert_array_equal(camera.rotation, turn)
    np.testing.assert_array_equal(camera.translation, [1, 2, 3])
    with pytest.raises(ValueError, match="read-only"):
        camera.matrix[0, 0] = 1


@given(seed=seeds, scale=st.floats(0.1, 10))
def test_a_larger_body_stands_further_away(seed, scale):
    pose, root = pose_in_front(seed)
    points = pose + root[:, None]
    rays, ones = points[..., :2] / points[..., 2:], np.ones(pose.shape[:2])
    np.testing.assert_allclose(solve_root(pose * scale, rays, ones), root * scale, rtol=1e-5)


def test_one_ray_tells_no_depth():
    pose, _ = pose_in_front(0, count=1)
    weights = np.zeros((1, 17))
    weights[:, 3] = 1
    assert np.isnan(solve_root(pose, np.zeros((1, 17, 2)), weights)).all()
    weights[:] = 0
    with np.errstate(all="raise"):
        assert np.isnan(solve_root(pose, np.zeros((1, 17, 2)), weights)).all()


@given(degrees=st.floats(5, 160), width=st.integers(10, 4000), height=st.integers(10, 4000))
def test_the_field_of_view_spans_the_longer_side(degrees, width, height):
    camera = Camera.from_fov(degrees, (width, height))
    axis = 0 if width >= height else 1
    edge = np.array([width / 2, height / 2])
    edge[axis] = 0
    assert np.degrees(np.arctan(-camera.rays(edge)[axis])) == pytest.approx(degrees / 2)


def test_points_behind_the_camera_have_no_image():
    camera = Camera.from_focal(1000, (640, 480))
    assert np.isnan(camera.project(np.array([[0.0, 0, -1], [0, 0, 0]]))).all()
    np.testing.assert_allclose(camera.project(np.array([0.0, 0, 3])), [320, 240])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Camera.from_focal(-5, (640, 480)),
        lambda: Camera.from_focal(float("nan"), (640, 480)),
        lambda: Camera.from_fov(0, (640, 480)),
        lambda: Camera.from_fov(180, (640, 480)),
        lambda: Camera.from_focal(500, (0, 480)),
        lambda: Camera.from_matrix(np.eye(2), (640, 480)),
        lambda: Camera.from_matrix([[1, 0, 0], [0, 1, 0], [0, 0, 2]], (640, 480)),
        lambda: Camera.from_matrix("nonsense", (640, 480)),
        lambda: Camera.from_matrix(np.diag([500, 500, 1]), (640, 480), distortion=[0.1] * 9),
        lambda: Camera.from_matrix(np.diag([500, 500, 1]), (640, 480), rotation=np.ones((3, 3))),
        lambda: Camera.from_matrix(np.diag([500, 500, 1]), (640, 480), rotation=np.diag([1, 1, -1])),
        lambda: Camera.from_matrix(np.diag([500, 500, 1]), (640, 480), translation=[1, 2]),
    ],
)
def test_what_cannot_be_a_camera_is_refused(make):
    with pytest.raises(InputError, match="camera"):
        make()


@given(seed=seeds, k1=st.floats(-0.3, 0.8))
def test_strong_lenses_are_undone_or_admitted(seed, k1):
    flat = np.random.default_rng(seed).uniform(-0.8, 0.8, (20, 2))
    lens = np.array([k1])
    back = undistort(distort(flat, lens), lens)
    np.testing.assert_allclose(distort(back, lens), distort(flat, lens), atol=1e-7)
    if k1 >= 0:  # pincushion maps one to one
        np.testing.assert_allclose(back, flat, atol=1e-6)


def test_a_point_that_no_ray_reaches_has_none():
    lens = np.array([-0.3])  # a barrel that folds at radius 1.05, where it shows 0.70
    assert np.isnan(undistort(np.array([[0.9, 0.0]]), lens)).all()


@pytest.mark.parametrize("size", [(float("nan"), 5), (float("inf"), 5), (5,), "ab", None, (0.2, 5), (5, -1)])
def test_impossible_image_sizes_are_refused(size):
    with pytest.raises(InputError, match="image size"):
        whole_image_size(size)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"matrix": np.full((3, 3), np.nan)}, "matrix"),
        ({"matrix": np.diag([-1.0, 1.0, 1.0])}, "matrix"),
        ({"image_size": (0, 10)}, "image size"),
        ({"distortion": np.zeros(9)}, "distortion"),
        ({"rotation": 2 * np.eye(3)}, "rotation"),
        ({"translation": np.full(3, np.inf)}, "translation"),
    ],
)
def test_a_camera_made_by_hand_is_checked_as_well(changes, message):
    fine = {"matrix": np.diag([900.0, 900.0, 1.0]), "image_size": (640, 480), "distortion": np.zeros(0)}
    assert Camera(**fine).image_size == (640, 480)
    with pytest.raises(InputError, match=message):
        Camera(**{**fine, **changes})


def test_a_lens_that_hardly_bends_reaches_far():
    for tiny in (5e-324, -5e-324, 1e-200, -1e-200):
        assert reach(np.array([tiny, 0, 0, 0, tiny])) > 1e30
    np.testing.assert_allclose(reach(np.array([-0.4])), np.sqrt(1 / 1.2))  # where r - 0.4 r^3 turns back
