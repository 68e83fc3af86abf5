from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.animal_skeletons import ANIMAL3D26
from flowlift.camera import Camera
from flowlift.containers import Poses3D
from flowlift.demo import synthesize
from flowlift.view.scene import scene_of

DOWN = np.array([0.0, 1.0, 0.0])


def about(axis: int, angle: float) -> np.ndarray:
    i, j = (k for k in range(3) if k != axis)
    turned = np.eye(3)
    turned[[i, i, j, j], [i, j, i, j]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
    return turned


@given(
    st.floats(-0.6, 0.6), st.floats(-0.3, 0.3), st.floats(-3, 3), st.sampled_from([0, 1, 2]), st.sampled_from([-1, 1])
)
def test_up_is_an_axis_of_a_calibrated_world(pitch: float, roll: float, yaw: float, axis: int, sign: int) -> None:
    """Whichever axis of the world points up, the scene's y follows it."""
    clip = walk()
    up_in_camera = about(2, roll) @ about(0, pitch) @ -DOWN
    helper = about(1, yaw) @ np.array([0.0, 0.0, 1.0])
    side = np.cross(up_in_camera, helper)
    side /= np.linalg.norm(side)
    axes = {axis: sign * up_in_camera, (axis + 1) % 3: side}
    axes[(axis + 2) % 3] = np.cross(axes[axis], axes[(axis + 1) % 3])
    rotation = np.stack([axes[i] for i in range(3)], axis=1)
    camera = Camera.from_matrix(np.diag([1000, 1000, 1]), (1280, 720), rotation=rotation, translation=[0, 0, 0])
    found = scene_of(replace(clip, camera=camera)).rotation
    others = [abs(axes[i] @ DOWN) for i in range(3) if i != axis]
    if max(others) < abs(up_in_camera @ DOWN):
        np.testing.assert_allclose(found[1], up_in_camera, atol=1e-9)
    assert_proper(found)


def test_a_world_that_is_the_camera_itself_tells_no_vertical() -> None:
    clip = walk()
    plain, itself = (
        replace(clip, camera=replace(clip.camera, rotation=rotation, translation=place))
        for rotation, place in ((None, None), (np.eye(3), np.zeros(3)))
    )
    np.testing.assert_array_equal(scene_of(itself).rotation, scene_of(plain).rotation)
    assert abs(scene_of(plain).rotation[1, 2]) > 0.01, "the camera looks down a little"


def walk(seconds: float = 2.0) -> Poses3D:
    return synthesize(seconds=seconds).truth


def assert_proper(rotation: np.ndarray) -> None:
    """A rotation, so nothing is mirrored; what is right for the camera stays right, what is ahead goes away."""
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert rotation[0] @ [1, 0, 0] > 0.5
    assert rotation[2] @ [0, 0, 1] < -0.5


def test_a_level_camera_without_a_world() -> None:
    scene = scene_of(replace(walk(), root=None, camera=None))
    np.testing.assert_array_equal(scene.rotation, np.diag([1, -1, -1]))


def test_ground_lies_under_the_feet() -> None:
    clip = synthesize()
    scene = scene_of(clip.truth)
    assert scene.ground == pytest.approx(-2.0 + 0.04 * 1.73, abs=0.02)  # the eye is 2 m up; ankles, not soles
    heights = clip.truth.absolute.astype(float) @ scene.rotation[1]
    assert (heights.min(axis=2) > scene.ground - 0.03).all()
    assert (scene.low < scene.high).all()
    assert 1.5 < scene.size < 2.0


def test_tilt_is_found_from_the_feet() -> None:
    """The walk goes around, so its feet show the ground even where the camera's pose is unknown."""
    truth = synthesize().truth
    unknown = Camera.from_matrix(truth.camera.matrix, truth.camera.image_size)
    found = scene_of(replace(truth, camera=unknown)).rotation
    known = scene_of(truth).rotation
    assert np.degrees(np.arccos(found[1] @ known[1])) < 2
    assert_proper(found)


def test_standing_still_keeps_the_camera_level() -> None:
    truth = walk()
    still = Camera.from_matrix(truth.camera.matrix, truth.camera.image_size)
    one = replace(truth, xyz=truth.xyz[:1], root=truth.root[:1], cov=truth.cov[:1], keypoints=None, camera=still)
    np.testing.assert_allclose(scene_of(one).rotation, np.diag([1, -1, -1]), atol=1e-9)


def test_nobody_gives_a_scene_all_the_same() -> None:
    truth = walk()
    nobody = replace(truth, xyz=np.full_like(truth.xyz, np.nan), root=np.full_like(truth.root, np.nan))
    for poses in (nobody, Poses3D(truth.xyz[:, :0], truth.root[:, :0], truth.cov[:, :0], truth.skeleton)):
        scene = scene_of(poses)
        assert np.isfinite([scene.ground, scene.size, *scene.low, *scene.high]).all()
        assert (scene.low < scene.high).all()


@pytest.mark.parametrize("pitch", [-30, 0, 40])
def test_an_animals_legs_tell_where_up_is(pitch: float) -> None:
    """Also of a single frame, which has no ground."""
    rng, angle = np.random.default_rng(0), np.radians(pitch)
    body = rng.normal(0, 0.1, (26, 3))
    for leg in ("left_front", "right_front", "left_back", "right_back"):
        body[ANIMAL3D26.index(f"{leg}_knee")] = body[ANIMAL3D26.index(f"{leg}_thigh")] + [0, 0.4, 0]
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    xyz = (body @ turn.T)[None, None]
    poses = Poses3D(xyz, np.array([[[0, 0, 3.0]]]), np.zeros((1, 1, 26, 3, 3)), ANIMAL3D26)
    np.testing.assert_allclose(scene_of(poses).rotation[1], turn @ [0, -1, 0], atol=1e-6)
