"""Overlays and still pictures: what is drawn is where it should be."""

from dataclasses import replace

import numpy as np
import pytest

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError
from flowlift.view.overlay import draw_overlay, projection_jacobian
from flowlift.view.picture import draw_pose_picture
from flowlift.view.style import LEFT, RIGHT


def grey(width: int = 1280, height: int = 720) -> np.ndarray:
    return np.full((height, width, 3), 128, dtype=np.uint8)


def pixels_like(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """(n, 2) x and y of the pixels near a colour."""
    near = np.abs(image.astype(int) - color).max(axis=-1) < 40
    return np.argwhere(near)[:, ::-1]


def test_overlay_is_a_new_image_of_the_same_size(walker: Poses3D) -> None:
    image = grey()
    drawn = draw_overlay(image, replace(walker, cov=np.zeros_like(walker.cov)), 3)
    assert drawn.shape == image.shape
    assert drawn.dtype == np.uint8
    assert (image == 128).all()
    changed = np.argwhere((drawn != 128).any(axis=-1))[:, ::-1]
    seen = walker.keypoints.xy[3, 0]
    np.testing.assert_allclose(changed.min(axis=0), seen.min(axis=0), atol=25)
    np.testing.assert_allclose(changed.max(axis=0), seen.max(axis=0), atol=25)


def test_nobody_is_drawn_where_nobody_is(walker: Poses3D) -> None:
    nobody = int(np.flatnonzero(np.isnan(walker.xyz).all(axis=(1, 2, 3)))[0])
    np.testing.assert_array_equal(draw_overlay(grey(), walker, nobody), grey())


def test_missing_joints_are_absent(walker: Poses3D) -> None:
    keypoints = walker.keypoints
    xy = keypoints.xy.copy()
    legs = [i for i, joint in enumerate(keypoints.skeleton.joints) if "knee" in joint or "ankle" in joint]
    xy[3, 0, legs] = np.nan
    flat = replace(walker, root=None, keypoints=replace(keypoints, xy=xy))
    changed = np.argwhere((draw_overlay(grey(), flat, 3) != 128).any(axis=-1))
    assert changed[:, 0].max() < np.nanmax(xy[3, 0, :, 1]) + 10
    assert changed[:, 0].max() < keypoints.xy[3, 0, legs, 1].min()


def test_less_confident_is_fainter(walker: Poses3D) -> None:
    def strength(score: float) -> float:
        shown = replace(walker.keypoints, score=np.full_like(walker.keypoints.score, score))
        drawn = draw_overlay(grey(), replace(walker, root=None, keypoints=shown), 3)
        return float(np.abs(drawn.astype(int) - 128).sum())

    assert strength(0.2) < strength(0.6) < strength(1.0)
    assert strength(0.0) > 0
    assert strength(np.nan) == strength(1.0)


def test_image_of_another_size(walker: Poses3D) -> None:
    small = draw_overlay(grey(640, 360), walker, 3)
    changed = np.argwhere((small != 128).any(axis=-1))[:, ::-1]
    np.testing.assert_allclose(changed.mean(axis=0), np.nanmean(walker.keypoints.xy[3, 0], axis=0) / 2, atol=15)


def test_people_beyond_the_edge_do_not_break_it(walker: Poses3D) -> None:
    away = replace(walker, root=walker.root + np.float32([30, 0, 0]), keypoints=None)
    np.testing.assert_array_equal(draw_overlay(grey(), away, 3), grey())


@pytest.mark.parametrize("frame", [-1, 60])
def test_frames_outside_of_the_clip_are_refused(walker: Poses3D, frame: int) -> None:
    with pytest.raises(InputError, match="not in the clip"):
        draw_overlay(grey(), walker, frame)
    with pytest.raises(InputError, match="not in the clip"):
        draw_pose_picture(walker, frame)


def test_jacobian_of_a_pinhole() -> None:
    camera = Camera.from_focal(1000.0, (1280, 720))
    xyz = np.array([[0.3, -0.4, 2.0], [0.0, 0.0, 5.0]])
    x, y, z = xyz.T
    zero = np.zeros_like(x)
    rows = [np.stack([1000 / z, zero, -1000 * x / z**2], -1), np.stack([zero, 1000 / z, -1000 * y / z**2], -1)]
    np.testing.assert_allclose(projection_jacobian(camera, xyz), np.stack(rows, -2), atol=1e-3)


def test_picture_shows_the_figure_from_the_front_side_and_above(walker: Poses3D) -> None:
    picture = np.asarray(draw_pose_picture(replace(walker, hypotheses=None), 0))
    front, side, above = (picture[:, picture.shape[1] - 408 * k :][:, 8:408] for k in (3, 2, 1))
    for panel in (front, above):  # walks towards the camera: its right is at the left of the picture
        assert pixels_like(panel, RIGHT)[:, 0].mean() < pixels_like(panel, LEFT)[:, 0].mean() - 20
    # Seen from the camera's right: near the camera is at the left, so is the foot that is ahead.
    ahead = walker.skeleton.index("right_ankle")
    assert walker.xyz[0, 0, ahead, 2] < -0.05
    low = pixels_like(side, RIGHT)
    low = low[low[:, 1] > low[:, 1].max() - 15]
    assert low[:, 0].mean() < 190
    assert np.ptp(pixels_like(front, LEFT)[:, 1]) > 100


@pytest.mark.parametrize("hypotheses", [False, True])
def test_pictures_of_incomplete_results(walker: Poses3D, hypotheses: bool) -> None:
    bare = Poses3D(walker.xyz, None, walker.cov, walker.skeleton, hypotheses=walker.hypotheses if hypotheses else None)
    assert draw_pose_picture(bare, 3).height == 640
    nobody = replace(bare, xyz=np.full_like(bare.xyz, np.nan))
    assert draw_pose_picture(nobody, 3).height == 640
    none = Poses3D(walker.xyz[:, :0], None, walker.cov[:, :0], walker.skeleton)
    assert draw_pose_picture(none, 3).height == 640


def test_picture_takes_the_camera_image(walker: Poses3D) -> None:
    image = np.zeros((1080, 1920, 3), dtype=np.uint8)
    image[..., 1] = 200
    picture = np.asarray(draw_pose_picture(walker, 3, image))
    assert (picture[320, :50] == [0, 200, 0]).all()


def test_keypoints_have_their_own_skeleton(walker: Poses3D) -> None:
    from flowlift.skeleton import Skeleton

    coco = Skeleton.named("coco17")
    xy = np.random.default_rng(0).uniform(100, 700, (len(walker), 1, 17, 2)).astype(np.float32)
    other = Keypoints2D(xy, np.ones(xy.shape[:3], np.float32), coco, (1280, 720))
    drawn = draw_overlay(grey(), replace(walker, keypoints=other), 3)
    nose = np.round(xy[3, 0, 0]).astype(int)
    assert (drawn[nose[1], nose[0]] != 128).any()
