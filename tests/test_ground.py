"""The ground under people, and feet that stand on it."""

import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlift import Lifter, lift
from flowlift.angles import vertical_of
from flowlift.camera import Camera
from flowlift.contacts import legs_of, standing
from flowlift.containers import Poses3D
from flowlift.demo import STATURE, synthesize
from flowlift.errors import InputError
from flowlift.footing import bend, contacts_on, hold_feet, solve_tridiagonal, stand_on_ground
from flowlift.ground import Ground, _Contacts, _level, calibrated_ground, find_ground, in_world, known_vertical, upright
from flowlift.io.positions import y_up
from flowlift.skeletons import BUILT_IN, HUMAN36M17

from .walkers import seen_by, straight_walk, true_poses, watching

FPS = 30.0
TIMES = np.arange(90) / FPS
ANKLES = HUMAN36M17.indices(["left_ankle", "right_ankle"])


def true_up(camera: Camera) -> np.ndarray:
    assert camera.rotation is not None
    return camera.rotation[:, 1]


def degrees(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b, -1, 1))))


def jittering(poses: Poses3D, seed: int = 0) -> Poses3D:
    """As one camera sees it: distances that are off by some percent from frame to frame, joints by a centimetre."""
    random = np.random.default_rng(seed)
    assert poses.root is not None
    depth = np.convolve(random.normal(size=len(poses) + 4), np.ones(5) / 5, mode="valid") * 0.03
    root = poses.root * (1 + depth)[:, None, None]
    return replace(poses, root=root, xyz=poses.xyz + 0.01 * random.normal(size=poses.xyz.shape))


def slides(poses: Poses3D, world: np.ndarray) -> list[float]:
    """How far each foot gets away from its mean place while it truly stands, m."""
    found = []
    for foot in ANKLES:
        speed = np.linalg.norm(np.gradient(world[:, foot], TIMES, axis=0), axis=1)
        still = (speed < 0.2) & (world[:, foot, 1] < 0.08)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], still, [0]])))
        for first, stop in edges.reshape(-1, 2):
            place = poses.absolute[first:stop, 0, foot]
            if stop - first > 3:
                found.append(float(np.linalg.norm(place - place.mean(axis=0), axis=1).max()))
    return found


@settings(max_examples=10)
@given(direction=st.floats(0, 360), height=st.floats(0.6, 3.0), away=st.floats(4.5, 7.0), seed=st.integers(0, 99))
def test_up_is_found_from_a_walk(direction: float, height: float, away: float, seed: int) -> None:
    camera = watching((0.0, height, away))
    poses = jittering(true_poses(camera, straight_walk(TIMES, direction), FPS), seed)
    ground = find_ground(poses)
    assert degrees(ground.up, true_up(camera)) < 3 * max(ground.tilt_sd, 1.0)
    assert degrees(ground.up, true_up(camera)) < 5
    heights = ground.height(poses.absolute[:, 0, ANKLES].astype(float)).min(axis=1)
    assert np.abs(np.median(heights) - 0.04 * STATURE) < 0.05


def test_a_tilted_camera_is_found_out() -> None:
    camera = watching((0.0, 1.4, 5.0))
    poses = true_poses(camera, straight_walk(TIMES, 30), FPS)
    roll = np.radians(8)
    turn = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    rolled = replace(poses, xyz=poses.xyz @ turn.T, root=poses.root @ turn.T, keypoints=None)
    assert degrees(find_ground(rolled).up, turn @ true_up(camera)) < 4


def test_the_world_stands_upright_under_the_first_position() -> None:
    camera = watching((0.5, 1.8, 5.5))
    poses = true_poses(camera, straight_walk(TIMES, 60), FPS)
    world = in_world(poses, find_ground(poses)).camera
    assert world is not None
    assert world.rotation is not None
    assert world.translation is not None
    np.testing.assert_allclose(world.rotation @ world.rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(world.rotation) > 0
    placed = (poses.absolute[:, 0] - world.translation) @ world.rotation
    hip, head = placed[:, 0], placed[:, HUMAN36M17.index("head")]
    np.testing.assert_allclose(hip[0, [0, 2]], 0, atol=1e-4)
    assert hip[0, 1] == pytest.approx(0.86, abs=0.06)
    assert (head[:, 1] > 1.5).all(), "y is up"
    assert (placed[:, ANKLES, 1].min(axis=1) > 0).all()
    assert world.rotation[2, 2] < 0, "z comes towards the camera"


def test_standing_feet_are_held() -> None:
    camera, world = watching((0.0, 1.5, 5.5)), straight_walk(TIMES, 20)
    poses = jittering(true_poses(camera, world, FPS))
    ground = find_ground(poses)
    held = hold_feet(poses, ground)
    assert np.median(slides(poses, world)) > 0.03
    assert np.median(slides(held, world)) < 0.01
    for contact in contacts_on(poses, ground):
        place = held.absolute[contact.frames, contact.person, contact.leg.foot]
        assert np.linalg.norm(place - place.mean(axis=0), axis=1).max() < 0.01
    for a, b in HUMAN36M17.bones:  # the legs keep their lengths
        before, after = (np.linalg.norm(p.xyz[:, 0, a] - p.xyz[:, 0, b], axis=-1) for p in (poses, held))
        np.testing.assert_allclose(after, before, atol=1e-4)
    upper = [j for j, name in enumerate(HUMAN36M17.joints) if "knee" not in name and "ankle" not in name]
    np.testing.assert_array_equal(held.xyz[:, :, upper], poses.xyz[:, :, upper])
    truth = true_poses(camera, world, FPS)
    off = [np.linalg.norm(p.absolute - truth.absolute, axis=-1).mean() for p in (poses, held)]
    assert off[1] < 1.1 * off[0]
    assert (np.linalg.eigvalsh(held.cov) >= np.linalg.eigvalsh(poses.cov) - 1e-7).all(), "what was moved is less sure"


def test_a_root_that_was_moved_is_less_sure() -> None:
    poses = jittering(true_poses(watching((0.0, 1.5, 5.5)), straight_walk(TIMES, 20), FPS))
    poses = replace(poses, root_cov=np.tile(1e-4 * np.eye(3), (len(poses), 1, 1, 1)))
    held = hold_feet(poses, find_ground(poses))
    added, moved = held.root_cov - poses.root_cov, held.root - poses.root
    assert np.linalg.norm(moved, axis=-1).max() > 0.01
    np.testing.assert_allclose(np.trace(added, axis1=-2, axis2=-1), (moved**2).sum(axis=-1), rtol=1e-3, atol=1e-7)


def test_exact_poses_are_hardly_moved() -> None:
    poses = true_poses(watching((0.0, 1.5, 5.5)), straight_walk(TIMES, 20), FPS)
    held = hold_feet(poses, find_ground(poses))
    assert np.abs(held.root - poses.root).max() < 0.03
    assert np.linalg.norm(held.xyz - poses.xyz, axis=-1).max() < 0.06


@pytest.mark.parametrize("fps", [30.0, 240.0])
def test_feet_that_a_detector_loses_now_and_then_still_stand(fps: float) -> None:
    times = np.arange(int(3 * fps)) / fps
    poses = true_poses(watching((0.0, 1.5, 5.5)), straight_walk(times, 20), fps)
    score = poses.keypoints.score.copy()
    score[np.random.default_rng(1).random(len(times)) < 0.2] = 0.1
    flickering = replace(poses, keypoints=replace(poses.keypoints, score=score))
    ground = find_ground(flickering)
    assert degrees(ground.up, find_ground(poses).up) < 0.5
    standing_frames, expected = (
        sum(len(times[contact.frames]) for contact in contacts_on(each, ground)) for each in (flickering, poses)
    )
    assert 0.9 * expected < standing_frames <= 1.05 * expected


def test_gaps_and_several_people_are_each_held_alone() -> None:
    camera = watching((0.0, 1.5, 5.5))
    one, other = (jittering(true_poses(camera, straight_walk(TIMES, d), FPS), d) for d in (20, 150))
    gap = np.ones(len(TIMES))
    gap[40:47] = np.nan
    one = replace(one, xyz=one.xyz * gap[:, None, None, None], root=one.root * gap[:, None, None], keypoints=None)
    both = replace(
        one,
        xyz=np.concatenate([one.xyz, other.xyz], axis=1),
        root=np.concatenate([one.root, other.root], axis=1),
        cov=np.concatenate([one.cov, other.cov], axis=1),
    )
    ground = find_ground(both)
    held = hold_feet(both, ground)
    alone = hold_feet(replace(other, keypoints=None), ground)
    np.testing.assert_allclose(held.absolute[:, 1], alone.absolute[:, 0], atol=0.02)
    np.testing.assert_array_equal(np.isnan(held.xyz), np.isnan(both.xyz))


def cut_off(poses: Poses3D) -> Poses3D:
    """The picture ends at the knees."""
    assert poses.keypoints is not None
    xy = poses.keypoints.xy.copy()
    xy[:, :, ANKLES] = np.nan
    return replace(poses, keypoints=replace(poses.keypoints, xy=xy))


def seated(poses: Poses3D) -> Poses3D:
    """Somebody on a chair, feet still."""
    xyz = poses.xyz.copy()
    forward, down = np.array([0.0, 0.0, -0.4]), np.array([0.0, 0.42, 0.0])
    for side in ("left", "right"):
        hip, knee, ankle = HUMAN36M17.indices([f"{side}_{joint}" for joint in ("hip", "knee", "ankle")])
        xyz[:, :, knee] = xyz[:1, :, hip] + forward
        xyz[:, :, ankle] = xyz[:1, :, knee] + down
    return replace(poses, xyz=xyz, root=np.repeat(poses.root[:1], len(poses), axis=0), keypoints=None)


def floating(poses: Poses3D) -> Poses3D:
    return replace(poses, root=None)


@pytest.mark.parametrize(
    ("harm", "reason"), [(cut_off, "no foot is in view"), (seated, "which way is up"), (floating, "no root")]
)
def test_a_clip_that_does_not_tell_is_refused_with_the_reason(harm, reason: str) -> None:
    poses = harm(true_poses(watching((0.0, 1.5, 5.5)), straight_walk(TIMES, 20), FPS))
    with pytest.raises(InputError, match=reason):
        find_ground(poses)
    with pytest.warns(UserWarning, match="stay in the camera's frame"):
        left = stand_on_ground(poses)
    np.testing.assert_array_equal(left.xyz, poses.xyz)
    assert left.provenance["ground"] == "not found"


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_calibration_tells_the_vertical_whichever_axis_it_is(axis: int, sign: int) -> None:
    camera, world = watching((0.0, 1.8, 5.5)), straight_walk(TIMES, 60)
    poses = true_poses(camera, world, FPS)
    turn = np.roll(np.eye(3), axis - 1, axis=0) * 1.0  # y of the figure's world becomes this axis
    turn = turn if sign > 0 else np.diag([-1.0 if i in (axis, (axis + 1) % 3) else 1.0 for i in range(3)]) @ turn
    calibrated = Camera.from_matrix(
        camera.matrix, camera.image_size, rotation=camera.rotation @ turn.T, translation=camera.translation
    )
    poses = replace(poses, camera=calibrated)
    for how in ("auto", "calibration"):
        standing_there = stand_on_ground(poses, how)
        assert standing_there.camera is calibrated, "a known world stays as it is"
        place = y_up(standing_there)[:, 0]
        np.testing.assert_allclose(place[..., 1], world[..., 1], atol=0.06)
    assert degrees(calibrated_ground(calibrated).up, true_up(camera)) < 1e-4
    rotation, _ = upright(calibrated)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_a_world_that_is_the_camera_itself_tells_no_vertical() -> None:
    camera = watching((0.0, 2.8, 4.5))
    plain = true_poses(camera, straight_walk(TIMES, 20), FPS)
    intrinsics = replace(plain.camera, rotation=np.eye(3), translation=np.zeros(3))
    found, expected = (stand_on_ground(replace(plain, camera=each)) for each in (intrinsics, plain.camera))
    assert found.provenance == expected.provenance
    np.testing.assert_allclose(found.camera.rotation, expected.camera.rotation, atol=1e-9)
    np.testing.assert_array_equal(y_up(found), y_up(expected))
    with pytest.raises(InputError, match="no calibration"):
        calibrated_ground(intrinsics)
    with pytest.raises(InputError, match="needs a calibration file"):
        lift("walk.npz", model="human-fast", camera=intrinsics, ground="calibration")


def test_a_rotation_alone_tells_the_vertical_and_the_feet_the_rest() -> None:
    camera, world = watching((0.0, 2.8, 4.5)), straight_walk(TIMES, 20)
    poses = true_poses(camera, world, FPS)
    held = stand_on_ground(replace(poses, camera=replace(poses.camera, rotation=camera.rotation)))
    np.testing.assert_array_equal(held.camera.rotation, camera.rotation)
    np.testing.assert_allclose(y_up(held)[..., 1], world[:, None, :, 1], atol=0.06)


@pytest.mark.parametrize("down", [55, 60, 64])
def test_a_steep_camera_takes_no_level_axis_for_the_vertical(down: float) -> None:
    """One that looks down along an axis of its world has that axis nearer to its image's up than the vertical."""
    pitch = np.radians(down)
    camera = watching((0.0, 0.85 + 5 * np.sin(pitch), 5 * np.cos(pitch)))
    with pytest.raises(InputError, match="too steep"):
        calibrated_ground(camera)
    assert known_vertical(camera) is None
    np.testing.assert_array_equal(vertical_of(camera), [0, -1, 0])
    np.testing.assert_allclose(vertical_of(camera, settled=True)[1], -np.sin(pitch), atol=1e-9)
    shallow = watching((0.0, 0.85 + 5 * np.sin(0.6), 5 * np.cos(0.6)))
    np.testing.assert_allclose(vertical_of(shallow), true_up(shallow))


@given(heights=st.lists(st.floats(0, 3), min_size=1, max_size=6))
def test_the_ground_is_as_high_as_some_feet_stand(heights: list[float]) -> None:
    standing_there = np.stack([np.zeros(len(heights)), -np.array(heights), np.full(len(heights), 4.0)], axis=1)
    level = _level(_Contacts(standing_there, np.zeros(len(heights))), np.array([0.0, -1.0, 0.0]))
    assert min(heights) - 1e-9 <= level <= max(heights) + 1e-9


def test_a_foot_held_high_leaves_the_other_on_the_ground() -> None:
    camera, world = watching((0.0, 1.5, 5.5)), np.repeat(straight_walk(TIMES, 20)[:1], len(TIMES), axis=0)
    poses = true_poses(camera, world, FPS)
    xyz = poses.xyz.copy()
    xyz[:, :, ANKLES[1]] += 0.5 * true_up(camera)
    held = stand_on_ground(replace(poses, xyz=xyz, keypoints=None, camera=camera))
    assert held.provenance["contacts"] > 0


def test_formats_with_y_up_stand_on_the_ground_only_where_asked() -> None:
    poses = true_poses(watching((0.0, 2.5, 4.5)), straight_walk(TIMES, 60), FPS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grounded = stand_on_ground(poses, "auto")
    assert stand_on_ground(poses, "off") is poses
    lowest = y_up(grounded)[:, 0, ANKLES, 1].min(axis=1)
    np.testing.assert_allclose(lowest, 0.07, atol=0.04)
    np.testing.assert_allclose(y_up(poses), poses.absolute * [1, -1, -1], atol=1e-6)


def test_a_foot_that_hangs_still_in_the_air_is_no_ground() -> None:
    camera, world = watching((0.0, 1.5, 5.5)), straight_walk(TIMES, 20)
    poses = true_poses(camera, world, FPS)
    xyz, late = poses.xyz.copy(), slice(60, None)
    xyz[late, :, ANKLES[1]] = xyz[60, :, ANKLES[1]] + 0.5 * true_up(camera) + poses.root[60] - poses.root[late]
    ground = find_ground(replace(poses, xyz=xyz, keypoints=None))
    assert degrees(ground.up, true_up(camera)) < 6
    heights = ground.height(poses.absolute[:, 0, ANKLES].astype(float)).min(axis=1)
    assert np.abs(np.median(heights) - 0.04 * STATURE) < 0.06


@given(st.integers(1, 8), st.integers(0, 99))
def test_the_tridiagonal_solver_solves(n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    beside = random.normal(size=(n - 1, 3, 3))
    beside = beside + beside.swapaxes(1, 2)
    whole = 20 * np.eye(3 * n)
    for i, block in enumerate(beside):
        whole[3 * i : 3 * i + 3, 3 * i + 3 : 3 * i + 6] = block
        whole[3 * i + 3 : 3 * i + 6, 3 * i : 3 * i + 3] = block
    right = random.normal(size=(n, 3))
    diagonal = np.tile(20 * np.eye(3), (n, 1, 1))
    solved = solve_tridiagonal(diagonal, beside, right)
    np.testing.assert_allclose(whole @ solved.ravel(), right.ravel(), atol=1e-8)


@given(st.integers(0, 999), st.floats(0.01, 1.5))
def test_a_leg_that_bends_keeps_its_lengths(seed: int, reach: float) -> None:
    random = np.random.default_rng(seed)
    hip, knee, foot, way = random.normal(size=(4, 5, 3))
    target = hip + reach * way
    new_knee, new_foot = bend(hip, knee, foot, target)
    for a, b, c, d in ((hip, knee, hip, new_knee), (knee, foot, new_knee, new_foot)):
        np.testing.assert_allclose(np.linalg.norm(a - b, axis=-1), np.linalg.norm(c - d, axis=-1), rtol=1e-3)
    thigh, shank, far = (np.linalg.norm(v, axis=-1) for v in (knee - hip, foot - knee, target - hip))
    within = (far < thigh + shank - 1e-3) & (far > np.abs(thigh - shank) + 1e-3)
    np.testing.assert_allclose(new_foot[within], target[within], atol=1e-5)


def test_legs_are_found_by_their_joints_names() -> None:
    count = {name: len(legs_of(skeleton)) for name, skeleton in BUILT_IN.items()}
    assert count["human36m17"] == count["mediapipe33"] == count["coco17"] == 2
    assert count["animal3d26"] == 4


def test_a_foot_that_slides_slowly_does_not_stand_and_two_steps_are_two() -> None:
    place = np.tile([0.0, 1.0, 5.0], (90, 1))
    sliding = place + np.linspace(0, 0.6, 90)[:, None] * [1.0, 0, 0]
    assert standing(sliding, TIMES) == []
    step = place + 0.25 * (TIMES > 1.5)[:, None] * np.array([1.0, 0, 0])
    step[45:50, 0] = np.linspace(0, 0.25, 5)
    runs = standing(step, TIMES)
    assert len(runs) == 2
    assert runs[0].stop <= 50 <= runs[1].stop
    assert runs[0].stop >= 40
    assert runs[1].start <= 55


def test_poses_without_times_or_metres_are_left_alone() -> None:
    poses = true_poses(watching((0.0, 1.5, 5.5)), straight_walk(TIMES, 20), FPS)
    for wrong in (replace(poses, fps=None), replace(poses, provenance={"unit": "body lengths"})):
        with pytest.warns(UserWarning, match="stay in the camera's frame"):
            assert stand_on_ground(wrong).provenance["ground"] == "not found"


def test_a_foot_that_never_stops_does_not_stand() -> None:
    moving = np.stack([np.linspace(-3, 3, 90), np.ones(90), np.full(90, 5.0)], axis=-1)
    assert standing(moving, TIMES) == []
    assert standing(moving[:1], TIMES[:1]) == []
    still = np.tile(moving[:1], (90, 1))
    assert standing(still, TIMES) == [slice(0, 90)]
    assert standing(still, TIMES, height=np.full(90, 0.4)) == []
    assert Ground(np.array([0.0, -1.0, 0.0]), -1.0).height(still)[0] == 0.0


@cache
def model() -> Lifter:
    return Lifter.load("human")


def test_a_lifted_walk_stands_on_the_ground() -> None:
    camera, world = watching((0.0, 1.6, 5.0)), straight_walk(TIMES, 45)
    keypoints = seen_by(camera, world, FPS, noise=0.004)
    plain = Camera.from_matrix(camera.matrix, camera.image_size)
    poses = model()(keypoints, camera=plain, height=STATURE)
    grounded = stand_on_ground(poses)
    assert grounded.camera is not None
    assert grounded.camera.rotation is not None
    assert degrees(grounded.camera.rotation[:, 1], true_up(camera)) < 6
    assert np.median(slides(grounded, world)) < 0.5 * np.median(slides(poses, world))
    assert grounded.provenance["contacts"] >= 4


def test_a_height_that_is_wrong_by_a_tenth_scales_everything_by_a_tenth() -> None:
    clip = synthesize(seconds=1.0)
    right, wrong = (
        model()(clip.keypoints, camera=clip.camera, height=height, hypotheses=4) for height in (1.7, 1.1 * 1.7)
    )
    np.testing.assert_allclose(wrong.xyz, 1.1 * right.xyz, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(wrong.root, 1.1 * right.root, rtol=1e-3)
