"""Virtual cameras: upright, unmirrored, within their ranges; keypoints as exact or as poor as asked for."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.camera import Camera, solve_root
from flowlift.datasets.views import VARIATIONS, Variation, view
from flowlift.datasets.virtual_camera import (
    PHONE,
    ViewRange,
    draw_camera,
    draw_camera_that_sees,
    in_image,
    look_at,
    to_camera_frame,
)
from flowlift.errors import InputError
from flowlift.skeletons import HUMAN36M17

from .bodies import STANDING, standing_clip


def posed(position: list[float], target: list[float]) -> Camera:
    rotation, translation = look_at(np.array(position, dtype=float), np.array(target, dtype=float))
    plain = Camera.from_fov(60, (1000, 1000))
    return Camera.from_matrix(plain.matrix, (1000, 1000), rotation=rotation, translation=translation)


def test_somebody_who_faces_the_camera_is_upright_and_not_mirrored() -> None:
    camera = posed([0, 1, 4], [0, 1, 0])
    points = to_camera_frame(camera, STANDING)
    px = dict(zip(HUMAN36M17.joints, camera.project(points), strict=True))
    assert px["head"][1] < px["hip"][1] < px["left_ankle"][1]
    assert px["right_hip"][0] < 500 < px["left_hip"][0]
    # What reaches towards the camera is nearer, and what is in the world's units stays so.
    depth = dict(zip(HUMAN36M17.joints, points[:, 2], strict=True))
    assert depth["right_wrist"] == pytest.approx(3.5)
    assert px["hip"] == pytest.approx([500, 500 + camera.matrix[0, 0] * 0.1 / 4])


def test_seen_from_behind_left_and_right_change_sides_in_the_image() -> None:
    camera = posed([0, 1, -4], [0, 1, 0])
    px = dict(zip(HUMAN36M17.joints, camera.project(to_camera_frame(camera, STANDING)), strict=True))
    assert px["left_hip"][0] < px["right_hip"][0]
    assert px["head"][1] < px["left_ankle"][1]


@given(st.integers(0, 2**32 - 1))
def test_cameras_lie_in_their_ranges(seed: int) -> None:
    centre = np.array([1.0, 0.9, -2.0])
    camera = draw_camera(np.random.default_rng(seed), centre, replace(PHONE, aim=0.0))
    assert np.linalg.det(camera.rotation) == pytest.approx(1)
    seen = to_camera_frame(camera, centre)
    np.testing.assert_allclose(seen[:2], 0, atol=1e-9)
    assert 3 <= seen[2] <= 6
    pitch = np.degrees(np.arcsin(-camera.rotation[2, 1]))
    assert -6.001 <= pitch <= 29.001
    assert camera.rotation[0, 1] == pytest.approx(0)  # no roll
    fov = 2 * np.degrees(np.arctan(max(camera.image_size) / 2 / camera.matrix[0, 0]))
    assert 55 <= fov <= 70
    assert camera.image_size in ((1920, 1080), (1080, 1920))


@given(st.integers(0, 2**32 - 1))
def test_the_aim_is_off_by_no_more_than_asked(seed: int) -> None:
    camera = draw_camera(np.random.default_rng(seed), np.zeros(3), replace(PHONE, aim=0.2))
    # Where the optical axis meets the upright plane through the centre that faces the camera.
    position, forward = -camera.translation @ camera.rotation, camera.rotation[2]
    away = position * [1, 0, 1] / np.hypot(position[0], position[2])
    met = position - (position @ away) / (forward @ away) * forward
    assert abs(met[1]) <= 0.2 + 1e-9
    assert np.hypot(met[0], met[2]) <= 0.2 + 1e-9


def test_all_headings_are_seen() -> None:
    rng = np.random.default_rng(0)
    forward = np.array([draw_camera(rng, np.zeros(3), PHONE).rotation[2] for _ in range(200)])
    quadrants = {(x > 0, z > 0) for x, _, z in forward}
    assert len(quadrants) == 4


@given(st.integers(0, 2**32 - 1))
def test_the_body_is_in_the_image_where_that_is_possible(seed: int) -> None:
    clip = standing_clip()
    camera = draw_camera_that_sees(np.random.default_rng(seed), clip.xyz, PHONE)
    assert in_image(camera, camera.project(to_camera_frame(camera, clip.xyz))).all()


def test_joints_outside_the_image_are_missing() -> None:
    narrow = Variation(views=ViewRange(fov=(8.0, 8.0), image_size=(1000, 1000), aim=0.0, pitch=(0.0, 0.0)))
    seen = view(standing_clip(), narrow, np.random.default_rng(0))
    missing = np.isnan(seen.keypoints.xy[:, 0, :, 0])
    assert 0 < missing.mean() < 1
    assert (seen.keypoints.score[:, 0][missing] == 0).all()
    assert np.nanmin(seen.keypoints.xy) >= 0
    assert np.nanmax(seen.keypoints.xy) <= 1000
    assert np.isfinite(seen.truth).all()


@given(st.integers(0, 2**32 - 1))
def test_exact_keypoints_give_the_pose_its_place(seed: int) -> None:
    clip = standing_clip()
    seen = view(clip, VARIATIONS["exact"], np.random.default_rng(seed))
    assert (seen.truth[:, HUMAN36M17.root] == 0).all()
    root = to_camera_frame(seen.camera, clip.xyz)[:, HUMAN36M17.root]
    rays = seen.camera.rays(seen.keypoints.xy[:, 0])
    found = solve_root(seen.truth.astype(np.float64), rays, np.ones((len(rays), 17)))
    np.testing.assert_allclose(found, root, atol=1e-3)
    np.testing.assert_allclose(
        np.linalg.norm(seen.truth[0, 1:] - seen.truth[0, :-1], axis=-1),
        np.linalg.norm(STANDING[1:] - STANDING[:-1], axis=-1),
        atol=1e-5,
    )


def test_noise_is_a_share_of_the_bodys_height() -> None:
    clip = replace(standing_clip(), xyz=np.broadcast_to(STANDING, (500, 17, 3)))
    exact, noisy = (
        view(clip, variation, np.random.default_rng(3)) for variation in (Variation(), Variation(noise=0.02))
    )
    assert noisy.camera.image_size == exact.camera.image_size
    depth = to_camera_frame(exact.camera, STANDING)[HUMAN36M17.root, 2]
    expected = 0.02 * clip.height * exact.camera.matrix[0, 0] / depth
    assert (noisy.keypoints.xy - exact.keypoints.xy).std() == pytest.approx(expected, rel=0.03)


def test_four_joints_are_missing_in_each_frame_and_not_always_the_same() -> None:
    seen = view(standing_clip(200), VARIATIONS["missing"], np.random.default_rng(0))
    missing = np.isnan(seen.keypoints.xy[:, 0, :, 0])
    assert (missing.sum(axis=1) == 4).all()
    assert missing.any(axis=0).all()


def test_points_need_a_posed_camera() -> None:
    with pytest.raises(InputError, match="rotation and translation"):
        to_camera_frame(Camera.from_fov(60, (100, 100)), STANDING)
