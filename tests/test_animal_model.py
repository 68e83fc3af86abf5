"""The packaged animal model: its unit, its size on disk, and that left is left and paws are down."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from flowlift import Camera, Keypoints2D, Lifter, Poses3D
from flowlift.animal_skeletons import ANIMAL3D26
from flowlift.datasets.animal_takes import animal_takes
from flowlift.datasets.virtual_camera import look_at
from flowlift.models import find_model

from .datasets.glb_files import about, write_fox

SIZE = (1000, 800)


@pytest.fixture(scope="module")
def lifter() -> Lifter:
    return Lifter.load("animal")


@pytest.fixture(scope="module")
def fox(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """A fox that nods, in body lengths: Y up, it looks along +Z."""
    folder = tmp_path_factory.mktemp("fox")
    write_fox(folder / "fox.glb", {"Nod": {"Spine_3": [(0.0, about(0, 0)), (0.2, about(0, 25))]}})
    (take,) = animal_takes(folder)
    return take.xyz.astype(np.float64)


def seen(xyz: np.ndarray, position: tuple[float, float, float]) -> tuple[Keypoints2D, np.ndarray]:
    """Exact keypoints from a camera at a place, and the truth in its frame."""
    rotation, translation = look_at(np.array(position), xyz.mean(axis=(0, 1)))
    points = xyz @ rotation.T + translation
    px = Camera.from_fov(60, SIZE).project(points)
    return Keypoints2D(px[:, None], np.ones((len(px), 1, 26)), ANIMAL3D26, SIZE), points - points[:, :1]


def lift(lifter: Lifter, keypoints: Keypoints2D, **options: object) -> Poses3D:
    return lifter(keypoints, camera=Camera.from_fov(60, SIZE), smooth="off", **options)


def at(poses: Poses3D, joint: str) -> np.ndarray:
    return poses.xyz[:, 0, ANIMAL3D26.index(joint)]


@pytest.mark.parametrize("position", [(3.0, 0.6, 0.5), (-3.0, 0.6, 0.5), (2.0, 0.8, 3.0)])
def test_left_is_left_paws_are_down_and_the_nose_is_in_front(
    lifter: Lifter, fox: np.ndarray, position: tuple[float, float, float]
) -> None:
    keypoints, truth = seen(fox, position)
    poses = lift(lifter, keypoints)
    joints = [ANIMAL3D26.index(name) for name in ("nose", "tail_end", "left_front_paw", "right_back_paw")]
    pairs = [(a, b) for a in joints for b in joints if a < b]
    for a, b in pairs:  # what lies far apart in truth points the same way
        true, found = truth[:, a] - truth[:, b], poses.xyz[:, 0, a] - poses.xyz[:, 0, b]
        assert ((true * found).sum(axis=1) > 0).all()
    for leg in ("left_front", "right_front", "left_back", "right_back"):
        assert (at(poses, f"{leg}_paw")[:, 1] > at(poses, f"{leg}_thigh")[:, 1]).all()


def test_the_unit_is_body_lengths_unless_the_size_is_told(lifter: Lifter, fox: np.ndarray) -> None:
    keypoints, _ = seen(fox, (3.0, 0.6, 0.5))
    poses, metres = lift(lifter, keypoints), lift(lifter, keypoints, size=0.5)
    assert (poses.provenance["unit"], metres.provenance["unit"]) == ("body lengths", "m")
    np.testing.assert_allclose(metres.xyz, poses.xyz * 0.5, atol=1e-5)
    chain = [at(poses, joint) for joint in ANIMAL3D26.size_chain]
    length = sum(np.linalg.norm(b - a, axis=1) for a, b in pairwise(chain))
    assert (np.abs(length - 1) < 0.4).all()


def test_a_mirrored_animal_is_lifted_mirrored(lifter: Lifter, fox: np.ndarray) -> None:
    keypoints, _ = seen(fox, (3.0, 0.6, 0.5))
    order = list(ANIMAL3D26.mirror)
    across = keypoints.xy[:, :, order] * np.array([-1, 1], np.float32) + np.array([SIZE[0], 0], np.float32)
    one = lift(lifter, keypoints).xyz
    other = lift(lifter, replace(keypoints, xy=across)).xyz[:, :, order] * np.array([-1, 1, 1])
    assert np.linalg.norm(one - other, axis=-1).mean() < 0.05  # the hypotheses are not the same ones


def test_missing_joints_are_inferred_and_less_sure(lifter: Lifter, fox: np.ndarray) -> None:
    keypoints, _ = seen(fox, (3.0, 0.6, 0.5))
    xy = keypoints.xy.copy()
    gone = ANIMAL3D26.indices(["left_back_paw", "tail_end"])
    xy[:, :, gone] = np.nan
    whole, partly = lift(lifter, keypoints), lift(lifter, replace(keypoints, xy=xy))
    assert np.isfinite(partly.xyz).all()
    doubt = [np.linalg.norm(poses.std[:, :, gone], axis=-1) for poses in (whole, partly)]
    assert (doubt[1] > 1.1 * doubt[0]).all()


def test_it_is_small_calibrated_and_says_what_it_is() -> None:
    model = find_model("animal")
    assert sum(file.stat().st_size for file in Path(model.folder).iterdir()) < 20e6
    assert model.uncertainty == "calibrated"
    assert "experimental" in model.source
    assert "hand-animated" in model.source
    assert "No number of it compares with Animal3D's" in model.source
