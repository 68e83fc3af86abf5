"""Screen coordinates and the published projection: golden values, inverses, and the pinhole camera."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flowlift.camera import Camera
from flowlift.screen import from_screen, project_to_screen, screen_intrinsics, to_screen


def test_screen_coordinates_agree_with_the_published_ones(parity):
    np.testing.assert_allclose(
        to_screen(parity["screen_px"], (1000, 1002)), parity["screen_normalized_w1000_h1002"], atol=1e-6
    )


def test_projection_agrees_with_the_published_one(parity):
    points = parity["gt_3d"][:, 0].copy()
    root = points[:, :1].copy()
    points[:, 0] = 0
    found = project_to_screen(points + root, parity["camera"][:, None])
    np.testing.assert_allclose(found, parity["projected"], atol=1e-6)


@given(seed=st.integers(0, 2**32 - 1), width=st.integers(1, 5000), height=st.integers(1, 5000))
def test_screen_coordinates_come_back_to_pixels(seed, width, height):
    px = np.random.default_rng(seed).uniform(-1, 2, (5, 2)) * [width, height]
    np.testing.assert_allclose(from_screen(to_screen(px, (width, height)), (width, height)), px, atol=1e-8 * width)


def test_a_camera_projects_to_the_screen_as_to_pixels():
    camera = Camera.from_matrix([[1145.0, 0, 512], [0, 1143, 515], [0, 0, 1]], (1000, 1002), [-0.2, 0.24, 0, 0, -0.002])
    points = np.random.default_rng(0).uniform([-1, -1, 4], [1, 1, 6], (50, 3))
    found = project_to_screen(points, screen_intrinsics(camera))
    np.testing.assert_allclose(found, to_screen(camera.project(points), camera.image_size), atol=1e-6)


def test_points_far_beside_the_camera_are_held_at_the_edge():
    plain = screen_intrinsics(Camera.from_matrix([[500.0, 0, 500], [0, 500, 500], [0, 0, 1]], (1000, 1000)))
    np.testing.assert_allclose(project_to_screen(np.array([[9.0, -9.0, 1.0]]), plain), [[1.0, -1.0]])
