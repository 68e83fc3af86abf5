"""Screen conditioning: what the network is told, what is made of its answer, and lifting with a stand-in for it."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from flowlift import Camera, Keypoints2D, Lifter
from flowlift.camera import solve_root
from flowlift.conversion import convert
from flowlift.cores import Cores
from flowlift.demo import synthesize
from flowlift.errors import InputError
from flowlift.lifter import TOLD_HEIGHT_SD
from flowlift.lifting.screen import ScreenConditioning
from flowlift.lifting.stature import stature
from flowlift.lifting.view import Conditioning, Seen
from flowlift.models import Calibration, Model
from flowlift.screen import to_screen
from flowlift.skeletons import ANIMAL3D26, COCO17, HUMAN36M17

MIRROR = list(HUMAN36M17.mirror)


@dataclass(frozen=True)
class Unprojecting:
    """A network that knows the truth but for depth: x and y as seen, some metres tall; it follows its noise a little.

    As a velocity from t = 0 in one step: its answer less the noise.
    """

    name: str = "stand-in"
    together: int = 64
    cores: Cores = field(default_factory=lambda: Cores(1))

    def put(self, array):
        return array

    def take(self, array):
        return array

    def encode(self, condition):
        return condition

    def velocity(self, context, x, t):
        flat = (context - context[:, HUMAN36M17.root][:, None])[:, None] * np.float32(2.0)
        depth = np.broadcast_to(np.arange(context.shape[1], dtype=np.float32)[:, None] * 0.01, (*x.shape[:3], 1))
        pose = np.concatenate([np.broadcast_to(flat, (*x.shape[:3], 2)), depth], axis=-1)
        return (pose + np.float32(0.01) * x - x).astype(np.float32)


def model(**changes: object) -> Model:
    return replace(
        Model("stand-in", "1", Path(), HUMAN36M17, 1, 0.86, Calibration.assumed(17), False),
        network="velocity",
        conditioning="screen",
        **changes,
    )


@pytest.fixture
def lifter():
    return Lifter(model(), Unprojecting())


@pytest.fixture(scope="module")
def walker():
    """Frames of a synthetic walker in which every joint is seen."""
    clip = synthesize(seconds=0.5)
    assert np.isfinite(clip.keypoints.xy[:3]).all()
    return replace(clip, keypoints=clip.keypoints.frames(0, 3))


def test_it_is_a_conditioning():
    assert isinstance(ScreenConditioning(HUMAN36M17, 0.86), Conditioning)


def test_the_network_is_told_pixels_over_half_the_width(walker):
    conditioning, keypoints = ScreenConditioning(HUMAN36M17, 0.86), walker.keypoints
    xy, visible = keypoints.xy[:, 0], np.ones((3, 17), dtype=bool)
    view = conditioning.view(Seen(xy, np.zeros_like(xy), visible, np.ones((3, 17), np.float32), keypoints.image_size))
    np.testing.assert_array_equal(view.condition, to_screen(xy, keypoints.image_size))
    width = keypoints.image_size[0]
    flipped = xy[:, MIRROR] * np.float32([-1, 1]) + np.float32([width, 0])
    np.testing.assert_allclose(view.mirrored, to_screen(flipped, keypoints.image_size), atol=1e-6)


def test_mirroring_twice_changes_nothing():
    states = np.random.default_rng(0).standard_normal((2, 3, 17, 3)).astype(np.float32)
    conditioning = ScreenConditioning(HUMAN36M17, 0.86)
    np.testing.assert_array_equal(conditioning.unmirror(conditioning.unmirror(states)), states)
    np.testing.assert_array_equal(conditioning.unmirror(states)[..., 1], states[:, :, MIRROR][..., 1])


def test_only_the_roots_row_is_set_to_zero():
    states = np.random.default_rng(0).standard_normal((2, 3, 26, 3)).astype(np.float32)
    poses = ScreenConditioning(ANIMAL3D26, None).poses(states)
    others = [joint for joint in range(26) if joint != ANIMAL3D26.root]
    assert (poses[:, :, ANIMAL3D26.root] == 0).all()
    np.testing.assert_array_equal(poses[:, :, others], states[:, :, others])
    assert (states[:, :, ANIMAL3D26.root] != 0).all()


def test_coco_is_converted_as_published_and_others_as_ever():
    generator = np.random.default_rng(0)
    conditioning = ScreenConditioning(HUMAN36M17, 0.86)
    for skeleton, rule in ((COCO17, "published"), (HUMAN36M17, "default")):
        xy = generator.uniform(0, 500, (2, 1, 17, 2)).astype(np.float32)
        keypoints = Keypoints2D(xy, np.ones((2, 1, 17), dtype=np.float32), skeleton, (640, 480))
        np.testing.assert_array_equal(conditioning.convert(keypoints).xy, convert(keypoints, HUMAN36M17, rule).xy)


def test_the_answer_is_in_metres_of_the_model_with_a_solved_root(lifter, walker):
    keypoints, camera = walker.keypoints, walker.camera
    poses = lifter(keypoints, camera=camera, keep_hypotheses=True)
    screen = to_screen(keypoints.xy[:, 0], keypoints.image_size)
    expected = 2 * (screen - screen[:, :1])
    np.testing.assert_allclose(poses.xyz[:, 0, :, :2], expected, atol=0.02)
    assert (poses.xyz[:, 0, 0] == 0).all()
    rays = camera.rays(keypoints.xy[:, 0])
    root = solve_root(poses.xyz[:, 0].astype(np.float64), rays, np.maximum(keypoints.score[:, 0], 0.05))
    np.testing.assert_allclose(poses.root[:, 0], root, rtol=1e-5)
    assert poses.provenance["conditioning"] == "screen"
    assert poses.provenance["uncertainty"] == "uncalibrated"
    assert poses.provenance["unit"] == "m"
    assert poses.provenance["height_m"] is None
    assert poses.hypotheses.shape == (3, 1, 20, 17, 3)


def test_a_mirrored_image_gives_the_mirrored_pose(lifter, walker):
    keypoints, width = walker.keypoints, walker.keypoints.image_size[0]
    xy = keypoints.xy[:, :, MIRROR] * np.float32([-1, 1]) + np.float32([width, 0])
    flipped = replace(keypoints, xy=xy, score=keypoints.score[:, :, MIRROR])
    camera = Camera.from_fov(55, keypoints.image_size)
    one, other = (lifter(k, camera=camera, hypotheses=200) for k in (keypoints, flipped))
    np.testing.assert_allclose(other.xyz[:, :, MIRROR] * [-1, 1, 1], one.xyz, atol=0.005)


def test_height_fits_the_body_along_its_bones(lifter, walker):
    free = lifter(walker.keypoints)
    for height in (1.2, 1.9):
        poses = lifter(walker.keypoints, height=height, keep_hypotheses=True)
        np.testing.assert_allclose(stature(poses.xyz, HUMAN36M17), height * 0.86, rtol=1e-5)
        scale = height * 0.86 / stature(free.xyz, HUMAN36M17)
        np.testing.assert_allclose(poses.xyz, free.xyz * scale[..., None, None], atol=1e-5)
        size = TOLD_HEIGHT_SD**2 * poses.xyz[..., :, None] * poses.xyz[..., None, :]
        np.testing.assert_allclose(poses.cov, free.cov * scale[..., None, None, None] ** 2 + size, rtol=1e-4, atol=1e-8)
        np.testing.assert_allclose(poses.root, free.root * scale[..., None], rtol=1e-4)
        assert poses.provenance["height_m"] == height


def test_no_height_without_a_stature(walker):
    lifter = Lifter(model(stature=None, unit="model units"), Unprojecting())
    nobody = walker.keypoints.frames(0, 0)
    with pytest.raises(InputError, match="height"):
        lifter(nobody, height=1.7)
    assert lifter(walker.keypoints).provenance["unit"] == "model units"


def test_a_missing_joint_is_less_certain_whatever_the_hypotheses_say(lifter, walker):
    keypoints = walker.keypoints
    knee = HUMAN36M17.index("left_knee")
    xy = keypoints.xy.copy()
    xy[:, :, knee] = np.nan
    whole, partial = (lifter(k, camera=walker.camera) for k in (keypoints, replace(keypoints, xy=xy)))
    assert np.isfinite(partial.xyz).all()
    assert (partial.std[:, 0, knee] > whole.std[:, 0, knee] + 0.05).all()
    ends = [HUMAN36M17.index(name) for name in ("left_hip", "left_ankle")]
    np.testing.assert_allclose(partial.xyz[:, 0, knee, :2], partial.xyz[:, 0, ends, :2].mean(axis=1), atol=0.02)
    others = [joint for joint in range(17) if joint != knee]
    np.testing.assert_allclose(partial.cov[:, 0, others], whole.cov[:, 0, others], atol=1e-5)


def test_two_joints_are_nobody(lifter, walker):
    xy = walker.keypoints.xy.copy()
    xy[1, 0, 2:] = np.nan
    poses = lifter(replace(walker.keypoints, xy=xy))
    for values in (poses.xyz, poses.cov, poses.root):
        assert np.isnan(values[1]).all()
        assert np.isfinite(values[[0, 2]]).all()


def test_memory_is_bounded_and_changes_nothing(lifter, walker):
    small = Lifter(model(), Unprojecting(together=1))
    for hypotheses in (1, 7):
        one, other = (each(walker.keypoints, hypotheses=hypotheses) for each in (lifter, small))
        np.testing.assert_allclose(one.xyz, other.xyz, atol=1e-6)
        np.testing.assert_allclose(one.cov, other.cov, atol=1e-6)


def test_no_more_hypotheses_than_allowed_are_evaluated_at_once(walker):
    counts = []

    class Counting(Unprojecting):
        def velocity(self, context, x, t):
            counts.append(x.shape[0] * x.shape[1])
            return super().velocity(context, x, t)

    Lifter(model(), Counting(together=5))(walker.keypoints, hypotheses=23)
    assert max(counts) <= 5
    assert sum(counts) == 3 * 23
