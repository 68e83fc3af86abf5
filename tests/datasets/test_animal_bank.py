"""Animated animals on Animal3D's joints: left is left, the nose is in front, paws are down; and the bank of them."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from flowlift.cli import main
from flowlift.datasets.animal_bank import bank_of_takes, distinct, facing_one_way, in_words, load_animal_bank
from flowlift.datasets.animal_takes import AnimalTake, animal_takes
from flowlift.errors import InputError
from flowlift.skeletons import ANIMAL3D26

from .glb_files import about, write_fox

NOD = {"Nod": {"Spine_3": [(0.0, about(0, 0)), (1.0, about(0, 60))]}}
STILL = {"Still": {"Hips": [(0.0, about(0, 0)), (0.5, about(0, 0))]}}


def at(pose: np.ndarray, joint: str) -> np.ndarray:
    return pose[..., ANIMAL3D26.index(joint), :]


def check_anatomy(poses: np.ndarray) -> None:
    """Of an animal that stands: Y up, it looks along +Z. Joint by joint."""
    for joint in ANIMAL3D26.joints:
        place = at(poses, joint)
        if np.isnan(place).all():
            continue
        if "left" in joint:
            assert (place[:, 0] > 0).all(), joint
        elif "right" in joint:
            assert (place[:, 0] < 0).all(), joint
        else:
            assert (np.abs(place[:, 0]) < 0.1).all(), joint
    for side in ("left", "right"):
        for end, above in (("front", "shoulder"), ("back", None)):
            thigh, knee, paw = (at(poses, f"{side}_{end}_{part}")[:, 1] for part in ("thigh", "knee", "paw"))
            assert (thigh > knee).all()
            assert (knee > paw).all()
            if above:
                assert (at(poses, f"{side}_{above}")[:, 1] > thigh).all()
        assert (at(poses, f"{side}_front_paw")[:, 2] > at(poses, f"{side}_back_paw")[:, 2]).all()
        eye, corner = at(poses, f"{side}_eye"), at(poses, f"{side}_mouth_corner")
        assert (eye[:, 1] > corner[:, 1]).all()
        assert (at(poses, "nose")[:, 2] > eye[:, 2]).all()
        assert (at(poses, "nose")[:, 2] > corner[:, 2]).all()
        ear = at(poses, f"{side}_ear")
        assert np.isnan(ear).all() or (ear[:, 2] < eye[:, 2]).all()
    assert (at(poses, "nose")[:, 2] > at(poses, "neck")[:, 2]).all()
    assert (at(poses, "neck")[:, 2] > 0).all()  # the tail base is the origin
    assert (at(poses, "nose")[:, 1] > at(poses, "mouth_mid")[:, 1]).all()
    assert (at(poses, "tail_end")[:, 2] < 0).all()


def test_a_small_fox_has_every_joint_in_its_place(tmp_path: Path) -> None:
    write_fox(tmp_path / "fox.glb", STILL)
    (take,) = animal_takes(tmp_path)
    assert (take.body, take.animation) == ("fox", "Still")
    assert not np.isnan(take.xyz).any()
    check_anatomy(take.xyz)
    np.testing.assert_array_equal(at(take.xyz, "tail_base"), 0)
    chain = [at(take.xyz[0], joint) for joint in ANIMAL3D26.size_chain]
    length = sum(np.linalg.norm(b - a) for a, b in pairwise(chain))
    np.testing.assert_allclose(length, 1, atol=1e-5)


def test_the_face_moves_with_the_head(tmp_path: Path) -> None:
    write_fox(tmp_path / "fox.glb", NOD)
    (take,) = animal_takes(tmp_path)
    face = ["nose", "left_eye", "right_eye", "mouth_mid", "left_mouth_corner", "left_ear"]
    away = [np.linalg.norm(at(take.xyz, joint) - at(take.xyz, "neck"), axis=1) for joint in face]
    for joint, distance in zip(face, away, strict=True):
        np.testing.assert_allclose(distance, distance[0], rtol=1e-4, err_msg=joint)
    assert at(take.xyz, "nose")[-1, 1] < at(take.xyz, "nose")[0, 1] - 0.1  # it nods downwards


def test_a_face_is_even_where_the_rest_looks_aside(tmp_path: Path) -> None:
    def aside(told: dict) -> None:
        (neck,) = (node for node in told["nodes"] if node["name"] == "Spine_3")
        neck["rotation"] = about(1, 40)

    write_fox(tmp_path / "straight" / "fox.glb", STILL)
    write_fox(tmp_path / "aside" / "fox.glb", STILL, change=aside)
    straight, looks = (next(animal_takes(tmp_path / name)).xyz[0] for name in ("straight", "aside"))
    face = ANIMAL3D26.indices(["neck", "nose", "left_eye", "right_eye", "left_mouth_corner", "right_mouth_corner"])
    apart = [np.linalg.norm(pose[face, None] - pose[None, face], axis=-1) for pose in (straight, looks)]
    np.testing.assert_allclose(apart[0], apart[1], atol=2e-3)
    assert at(looks, "nose")[0] > 0.1


def test_a_body_without_animations_moves_as_the_one_beside_it(tmp_path: Path) -> None:
    write_fox(tmp_path / "a" / "fox.glb", NOD)
    write_fox(tmp_path / "a" / "long.glb", {}, longer=1.5)
    write_fox(tmp_path / "a" / "same.glb", {})
    takes = list(animal_takes(tmp_path))
    assert [take.body for take in takes] == ["fox", "long"]  # one body in two files counts once
    fox, longer = (take.xyz for take in takes)
    assert len(fox) == len(longer)
    paws = [at(xyz[0], "left_front_paw")[2] - at(xyz[0], "left_back_paw")[2] for xyz in (fox, longer)]
    assert paws[1] > 0
    check_anatomy(longer[:1])
    assert at(longer, "nose")[-1, 1] < at(longer, "nose")[0, 1] - 0.1


def test_nothing_to_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no animated animal"):
        list(animal_takes(tmp_path))
    write_fox(tmp_path / "fox.glb", {})
    with pytest.raises(InputError, match="no animated animal"):
        list(animal_takes(tmp_path))


def some_take(body: str, seed: int, frames: int = 40) -> AnimalTake:
    rng = np.random.default_rng(seed)
    xyz = rng.standard_normal((frames, 26, 3)).astype(np.float32)
    xyz[:, ANIMAL3D26.root] = 0
    return AnimalTake(body, "Walk", xyz)


def test_distinct_poses_ignore_the_heading_and_keep_what_differs() -> None:
    xyz = some_take("a", 0).xyz
    c, s = np.cos(1.0), np.sin(1.0)
    turned = xyz @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]], np.float32)
    assert len(distinct(np.concatenate([xyz, turned, xyz]))) == len(xyz)
    facing = facing_one_way(np.concatenate([xyz, turned]))
    np.testing.assert_allclose(facing[:40], facing[40:], atol=1e-5)
    neck = at(facing, "neck")
    np.testing.assert_allclose(neck[:, 0], 0, atol=1e-5)
    assert (neck[:, 2] >= 0).all()


def test_held_out_bodies_are_never_trained_on() -> None:
    takes = [some_take(body, seed) for seed, body in enumerate(("cow", "horse", "white horse"))]
    bank = bank_of_takes(takes, held_out=("horse",), drawn=0)
    assert (len(bank.train), len(bank.val)) == (40, 80)
    assert list(bank.bodies(held_out=True)) == ["horse", "white horse"]
    np.testing.assert_array_equal(bank.bodies(held_out=True)["white horse"], takes[2].xyz)
    for names in (("o",), ("zebra",)):
        with pytest.raises(InputError, match="no pose is left"):
            bank_of_takes(takes, held_out=names)


def test_drawn_animals_are_trained_on_after_those_that_were_animated() -> None:
    takes = [some_take(body, seed) for seed, body in enumerate(("cow", "horse"))]
    bank, without = (bank_of_takes(takes, held_out=("horse",), drawn=count) for count in (3, 0))
    np.testing.assert_array_equal(bank.animated, without.train)
    np.testing.assert_array_equal(bank.val, without.val)
    assert list(bank.bodies(held_out=False)) == ["cow", "drawn 1", "drawn 2", "drawn 3"]
    assert in_words(bank)[-1] == f"3 drawn animals, {len(bank.train) - len(without.train):,} poses"


def test_the_command_builds_shows_and_repeats_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_fox(tmp_path / "in" / "fox.glb", NOD)
    write_fox(tmp_path / "in" / "long.glb", {}, longer=1.5)
    for name in ("one", "other"):
        command = ["data", "build", str(tmp_path / "in"), "-o", str(tmp_path / f"{name}.npz"), "--held-out", "long"]
        assert main([*command, "--drawn", "14"]) == 0
    told = capsys.readouterr().out
    assert "long: 1 animations" in told
    assert "held out" in told
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()
    bank = load_animal_bank(tmp_path / "one.npz")
    assert bank is not None
    assert len(bank.bodies(held_out=False)["fox"]) == len(bank.animated) < len(bank.train)
    assert main(["data", "show", str(tmp_path / "one.npz"), "-o", str(tmp_path / "pictures"), "--rows", "1"]) == 0
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["train.png", "val.png"]
    assert main(["data", "build", str(tmp_path / "in"), "-o", str(tmp_path / "x.npz"), "--held-out", "zebra"]) == 2
    assert "there are fox, long" in capsys.readouterr().err
    for told in (["--drawn", "-1"], ["--drawn", "3", "--skeleton", "animal3d26"]):
        assert main(["data", "build", str(tmp_path / "in"), "-o", str(tmp_path / "x.npz"), *told]) == 2
        assert "beside a folder of animated ones" in capsys.readouterr().err
    assert not (tmp_path / "x.npz").exists()


def test_every_rig_at_hand_has_its_joints_in_their_places(shared_data: Path) -> None:
    folder = shared_data / "animals"
    if not folder.is_dir():
        pytest.skip(f"no animals at {folder}")
    bodies = set()
    for take in animal_takes(folder):
        if take.animation in ("Idle", "Idle_2", "Rest Pose", "Rest_Pose"):
            bodies.add(take.body)
            check_anatomy(facing_one_way(take.xyz[:1]))
            unknown = {ANIMAL3D26.joints[j] for j in np.flatnonzero(np.isnan(take.xyz[0, :, 0]))}
            assert unknown <= {"left_ear", "right_ear"}
    assert len(bodies) == 18


def test_eyes_of_every_body_at_hand_are_no_further_apart_than_its_head_is_broad(shared_data: Path) -> None:
    folder = shared_data / "animals"
    if not folder.is_dir():
        pytest.skip(f"no animals at {folder}")
    for take in animal_takes(folder):
        eyes, mouth = (
            np.linalg.norm(at(take.xyz[0], f"left_{name}") - at(take.xyz[0], f"right_{name}"))
            for name in ("eye", "mouth_corner")
        )
        assert 0.07 < eyes < 0.2, take.body
        assert 0.03 < mouth < 0.22, take.body
