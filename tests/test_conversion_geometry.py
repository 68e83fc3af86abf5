"""BODY_25 or BODY_25B: both have 25 joints, and the geometry tells which."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.containers import Keypoints2D
from flowlift.conversion import check_geometry
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BODY25, BODY25B, COCO17

# A standing person's left half, metres: x to the left, y up, z forward.
LEFT = {
    "eye": (0.03, 1.67, 0.09),
    "ear": (0.08, 1.65, 0.0),
    "shoulder": (0.18, 1.42, 0.0),
    "elbow": (0.24, 1.14, -0.03),
    "wrist": (0.27, 0.90, 0.08),
    "hip": (0.09, 0.92, 0.0),
    "knee": (0.10, 0.50, 0.03),
    "ankle": (0.10, 0.08, -0.02),
    "big_toe": (0.09, 0.02, 0.18),
    "small_toe": (0.15, 0.02, 0.15),
    "heel": (0.10, 0.02, -0.07),
}
MIDDLE = {"nose": (0, 1.63, 0.12), "head_top": (0, 1.80, 0.0), "hip": (0, 0.92, 0)}
NECK = {"body25": (0, 1.42, 0), "body25b": (0, 1.50, 0)}
UPPER = ("nose", "eye", "ear", "neck", "head_top", "shoulder", "elbow", "wrist")
LOWER = ("hip", "knee", "ankle", "toe", "heel")
OTHER = {"body25": BODY25B, "body25b": BODY25}
BOTH = pytest.mark.parametrize("skeleton", [BODY25, BODY25B], ids=lambda skeleton: skeleton.name)


def place(skeleton: Skeleton, joint: str) -> tuple[float, float, float]:
    if joint == "neck":
        return NECK[skeleton.name]
    side, _, name = joint.partition("_")
    if side not in ("left", "right"):
        return MIDDLE[joint]
    x, y, z = LEFT[name]
    return (x if side == "left" else -x, y, z)


def clip(skeleton: Skeleton, seed: int, frames: int = 6, noise: float = 0.02) -> Keypoints2D:
    """A person, each limb out of its place by a few centimetres, who tumbles before the camera in any orientation."""
    generator = np.random.default_rng(seed)
    body = np.array([place(skeleton, joint) for joint in skeleton.joints]) - [0, 1, 0]
    turns = np.linalg.qr(generator.standard_normal((frames, 3, 3)))[0]
    turns *= np.linalg.det(turns)[:, None, None]
    points = np.einsum("fij,kj->fki", turns, body) + generator.normal(0, noise, (frames, 25, 3)) + [0.2, 0.1, 4.0]
    xy = points[..., :2] / points[..., 2:] * 900 + [640, 360]
    return Keypoints2D(xy[:, None], np.ones((frames, 1, 25)), skeleton, (1280, 720))


def without(keypoints: Keypoints2D, *, but: tuple[str, ...]) -> Keypoints2D:
    gone = [not any(joint.endswith(name) for name in but) for joint in keypoints.skeleton.joints]
    return replace(keypoints, xy=np.where(np.array(gone)[:, None], np.nan, keypoints.xy))


@BOTH
@given(seed=st.integers(0, 2**32 - 1), frames=st.integers(1, 10))
def test_a_person_in_any_orientation_is_told(skeleton: Skeleton, seed: int, frames: int) -> None:
    named = clip(skeleton, seed, frames)
    assert check_geometry(named) is None
    warning = check_geometry(replace(named, skeleton=OTHER[skeleton.name]))
    assert warning is not None
    assert warning.endswith(f"--skeleton {skeleton.name}")
    assert f"called {OTHER[skeleton.name].name}," in warning
    assert "\n" not in warning


@BOTH
@given(seed=st.integers(0, 2**32 - 1))
def test_a_right_name_is_never_doubted_for_missing_joints(skeleton: Skeleton, seed: int) -> None:
    named = clip(skeleton, seed)
    gone = np.random.default_rng(seed).random(named.score.shape) < 0.4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_geometry(replace(named, xy=np.where(gone[..., None], np.nan, named.xy))) is None
        assert check_geometry(without(named, but=UPPER)) is None
        assert check_geometry(without(named, but=LOWER)) is None


@BOTH
def test_half_a_person_tells_it_over_a_clip(skeleton: Skeleton) -> None:
    half = without(clip(skeleton, 0, frames=40), but=UPPER)
    assert check_geometry(replace(half, skeleton=OTHER[skeleton.name])) is not None


@BOTH
def test_legs_alone_mostly_tell_it_in_one_frame(skeleton: Skeleton) -> None:
    wrong = [
        replace(without(clip(skeleton, seed, frames=1), but=LOWER), skeleton=OTHER[skeleton.name]) for seed in range(40)
    ]
    assert sum(check_geometry(keypoints) is not None for keypoints in wrong) >= 36


@BOTH
def test_a_few_frames_of_nonsense_change_nothing(skeleton: Skeleton) -> None:
    named = clip(skeleton, 1, frames=20)
    xy = named.xy.copy()
    xy[::3] = np.random.default_rng(1).uniform(0, 700, xy[::3].shape)
    assert check_geometry(replace(named, xy=xy)) is None
    assert check_geometry(replace(named, xy=xy, skeleton=OTHER[skeleton.name])) is not None


@BOTH
@given(factor=st.floats(0.05, 20), angle=st.floats(0, 6.3), shift=st.floats(-5000, 5000))
def test_size_turn_and_place_do_not_matter(skeleton: Skeleton, factor: float, angle: float, shift: float) -> None:
    turn = factor * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    named = clip(skeleton, 2)
    for given_name in (skeleton, OTHER[skeleton.name]):
        moved = replace(named, xy=named.xy @ turn.T + shift, skeleton=given_name)
        assert check_geometry(moved) == check_geometry(replace(named, skeleton=given_name))


def test_nothing_is_said_where_nothing_can_be_said() -> None:
    named = clip(BODY25, 3)
    assert check_geometry(replace(named, xy=np.full_like(named.xy, np.nan))) is None
    assert check_geometry(replace(named, xy=np.full_like(named.xy, 7.0))) is None
    assert check_geometry(named.frames(0, 0)) is None
    few = replace(named, skeleton=BODY25B)
    assert check_geometry(without(few, but=("nose", "eye", "ear"))) is None
    assert check_geometry(replace(named, xy=named.xy[:, :, :17], score=named.score[:, :, :17], skeleton=COCO17)) is None


@pytest.mark.parametrize("camera", ["cam01", "cam02", "cam03", "cam04"])
def test_real_files_are_told(shared_data: Path, camera: str) -> None:
    folder = shared_data / "eval" / "pose2sim" / "openpose_body25b" / f"{camera}_json"
    people = [
        np.reshape(person["pose_keypoints_2d"], (25, 3))
        for file in sorted(folder.glob("*.json"))
        for person in json.loads(file.read_text())["people"]
    ]
    flat = np.array(people)[:, None]
    xy = np.where(flat[..., 2:] > 0, flat[..., :2], np.nan)
    right = Keypoints2D(xy, flat[..., 2].clip(0, 1), BODY25B, (1088, 1920))
    assert check_geometry(right) is None
    warning = check_geometry(replace(right, skeleton=BODY25))
    assert warning is not None
    assert warning.endswith("body25b")


@pytest.mark.parametrize("camera", ["cam01", "cam02", "cam03", "cam04"])
def test_real_points_in_the_order_of_body25_are_told(shared_data: Path, camera: str) -> None:
    folder = shared_data / "eval" / "pose2sim" / "openpose_body25b" / f"{camera}_json"
    first = json.loads(sorted(folder.glob("*.json"))[0].read_text())["people"][0]["pose_keypoints_2d"]
    flat = np.reshape(first, (25, 3))
    points = dict(zip(BODY25B.joints, np.where(flat[:, 2:] > 0, flat[:, :2], np.nan), strict=True))
    for name, sides in (("hip", ("left_hip", "right_hip")), ("neck", ("left_shoulder", "right_shoulder"))):
        points[name] = (points[sides[0]] + points[sides[1]]) / 2
    xy = np.array([points[joint] for joint in BODY25.joints])
    right = Keypoints2D(xy[None, None], np.ones((1, 1, 25)), BODY25, (1088, 1920))
    assert check_geometry(right) is None
    assert str(check_geometry(replace(right, skeleton=BODY25B))).endswith("body25")
