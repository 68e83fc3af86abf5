"""Quadrupeds drawn at random: their bones, their ground, their sides."""

import numpy as np
import pytest
from jaxtyping import Float64

from flowlift.datasets.drawn_animals import POSES, draw_poses, drawn_animals
from flowlift.datasets.quadruped_postures import POSTURES
from flowlift.datasets.quadruped_proportions import Proportions, draw_proportions
from flowlift.skeletons import ANIMAL3D26

SIDES = ("left", "right")
COUNT = 40


def at(xyz: Float64[np.ndarray, "pose 26 3"], joint: str) -> Float64[np.ndarray, "pose 3"]:
    return xyz[:, ANIMAL3D26.index(joint)]


def drawn(posture: str, seed: int) -> tuple[Proportions, Float64[np.ndarray, "pose 26 3"]]:
    rng = np.random.default_rng(seed)
    body = draw_proportions(rng)
    return body, draw_poses(body, POSTURES[posture], COUNT, rng)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("posture", POSTURES)
def test_bones_are_as_long_as_the_body_has_them(posture: str, seed: int) -> None:
    body, xyz = drawn(posture, seed)
    assert np.isfinite(xyz).all()
    np.testing.assert_array_equal(at(xyz, "tail_base"), 0)
    np.testing.assert_allclose(np.linalg.norm(at(xyz, "neck"), axis=-1) * body.size, 1)
    for side in SIDES:
        front = [at(xyz, f"{side}_{joint}") for joint in ("shoulder", "front_thigh", "front_knee", "front_paw")]
        hind = [at(xyz, f"{side}_{joint}") for joint in ("back_thigh", "back_knee", "back_paw")]
        for bones, lengths in ((front, body.front), (hind, body.hind[1:])):
            lying = np.linalg.norm(np.diff(bones, axis=0), axis=-1) * body.size
            np.testing.assert_allclose(lying, np.broadcast_to(lengths[:, None], lying.shape))
        eye, corner = (at(xyz, f"{side}_{joint}") for joint in ("eye", "mouth_corner"))
        apart = np.linalg.norm(eye - corner, axis=-1) * body.size
        np.testing.assert_allclose(apart, body.skull * np.linalg.norm(body.eye - body.corner))


@pytest.mark.parametrize("posture", ["stand", "walk", "trot", "pace", "sit", "crouch"])
def test_who_stands_has_front_and_hind_on_one_ground_below_the_trunk(posture: str) -> None:
    level = []
    for seed in range(10):
        _, xyz = drawn(posture, seed)
        lowest = {
            end: np.min([at(xyz, f"{side}_{end}_{joint}")[:, 1] for side in SIDES for joint in ("paw", "knee")], axis=0)
            for end in ("front", "back")
        }
        assert (lowest["front"] < at(xyz, "neck")[:, 1]).all()
        level.append(np.abs(lowest["front"] - lowest["back"]))
    assert np.median(level) < 0.05


def test_left_is_left_of_who_looks_ahead() -> None:
    for seed in range(5):
        _, xyz = drawn("stand", seed)
        for joint in ("shoulder", "front_thigh", "back_thigh", "eye", "mouth_corner"):
            across = at(xyz, f"left_{joint}") - at(xyz, f"right_{joint}")
            assert np.median(across[:, 0]) > 0, joint


def test_who_sits_folds_the_hind_legs_and_who_lies_is_low() -> None:
    def height(posture: str) -> float:
        return float(np.median([-drawn(posture, seed)[1][..., 1].min(axis=1) for seed in range(10)]))

    def rise(posture: str) -> float:
        return float(np.mean([at(drawn(posture, seed)[1], "neck")[:, 1] for seed in range(10)]))

    assert height("sit") < height("lie") < height("stand") / 2
    assert rise("sit") > 0.3 > rise("stand")


def test_animals_are_the_same_however_many_there_are_and_differ_from_one_another() -> None:
    few, many = drawn_animals(2), drawn_animals(4)
    for one, other in zip(few, many, strict=False):
        np.testing.assert_array_equal(one, other)
    assert all(poses.shape == (POSES, 26, 3) and poses.dtype == np.float32 for poses in many)
    legs = [
        np.linalg.norm(at(poses, "left_front_paw") - at(poses, "left_front_knee"), axis=-1).mean() for poses in many
    ]
    assert len(set(np.round(legs, 3))) == 4
    assert drawn_animals(0) == []
