"""Animals' joints, one by one and by name, between skeletons whose indices agree nowhere."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.animal_skeletons import ANIMAL3D26, ANIMALPOSE20, ANIMALS, AP10K17, SUPERANIMAL_QUADRUPED39
from flowlift.containers import Keypoints2D
from flowlift.conversion import convert
from flowlift.errors import InputError, UnknownJointsError
from flowlift.joint_names import animal_edges, joints_by_name, named_pairs
from flowlift.joint_words import words_of
from flowlift.skeleton import Skeleton
from flowlift.skeletons import HUMAN36M17

# What each joint of Animal3D is on the left; the right is its mirror image, the tail and the nose have one line.
ORIGINS = {
    "superanimal_quadruped39": {
        "left_eye": "left_eye",
        "left_ear": "left_earbase",
        "left_mouth_corner": "mouth_end_left",
        "mouth_mid": "mouth_end_left mouth_end_right",
        "nose": "nose",
        "neck": "neck_base",
        "left_shoulder": "back_base front_left_thai",
        "left_front_thigh": "front_left_thai",
        "left_front_knee": "front_left_knee",
        "left_front_paw": "front_left_paw",
        "left_back_thigh": "back_left_thai",
        "left_back_knee": "back_left_knee",
        "left_back_paw": "back_left_paw",
        "tail_base": "tail_base",
        "tail_mid": "tail_base tail_end",
        "tail_end": "tail_end",
    },
    "ap10k17": {
        "left_eye": "left_eye",
        "nose": "nose",
        "neck": "neck",
        "left_front_thigh": "left_shoulder",
        "left_front_paw": "left_front_paw",
        "left_back_thigh": "left_hip",
        "left_back_knee": "left_knee",
        "left_back_paw": "left_back_paw",
        "tail_base": "root_of_tail",
    },
    "animalpose20": {
        "left_eye": "left_eye",
        "left_ear": "left_ear_base",
        "nose": "nose",
        "left_shoulder": "withers left_front_elbow",
        "left_front_thigh": "left_front_elbow",
        "left_front_knee": "left_front_knee",
        "left_front_paw": "left_front_paw",
        "left_back_thigh": "left_back_elbow",
        "left_back_knee": "left_back_knee",
        "left_back_paw": "left_back_paw",
        "tail_base": "tail_base",
    },
}


def swapped(name: str) -> str:
    """The same joint on the other side."""
    return name.replace("left", "*").replace("right", "left").replace("*", "right")


def origins_of(source: Skeleton, joint: str) -> list[str]:
    table = ORIGINS[source.name]
    return table.get(joint, "").split() or swapped(table.get(swapped(joint), "")).split()


def some_keypoints(skeleton: Skeleton, seed: int = 0) -> Keypoints2D:
    generator = np.random.default_rng(seed)
    xy = generator.uniform(0, 1000, (3, 2, len(skeleton), 2))
    return Keypoints2D(xy, generator.uniform(0.1, 1, xy.shape[:3]), skeleton, (1000, 1000))


@pytest.mark.parametrize("source", [SUPERANIMAL_QUADRUPED39, AP10K17, ANIMALPOSE20], ids=lambda s: s.name)
@pytest.mark.parametrize("joint", ANIMAL3D26.joints)
def test_every_joint_comes_from_where_its_definition_says(source: Skeleton, joint: str) -> None:
    seen = some_keypoints(source)
    found = convert(seen, ANIMAL3D26)
    place = ANIMAL3D26.index(joint)
    origins = origins_of(source, joint)
    if not origins:
        assert np.isnan(found.xy[:, :, place]).all()
        return
    columns = source.indices(origins)
    np.testing.assert_allclose(found.xy[:, :, place], seen.xy[:, :, columns].mean(axis=2), rtol=1e-5)
    np.testing.assert_array_equal(found.score[:, :, place], seen.score[:, :, columns].min(axis=2))


def test_superanimal_agrees_with_its_golden_values(parity) -> None:
    xy = parity["superanimal_xy"][:, None]
    seen = Keypoints2D(xy, np.ones(xy.shape[:3]), SUPERANIMAL_QUADRUPED39, (1000, 1000))
    np.testing.assert_allclose(convert(seen, ANIMAL3D26).xy[:, 0], parity["superanimal_animal3d"], rtol=1e-6, atol=1e-4)


@given(seed=st.integers(0, 1000), source=st.sampled_from(ANIMALS))
def test_flipping_and_converting_can_be_exchanged(seed: int, source: Skeleton) -> None:
    def flipped(keypoints: Keypoints2D) -> Keypoints2D:
        order = list(keypoints.skeleton.mirror)
        xy = keypoints.xy[:, :, order] * np.array([-1, 1], dtype=np.float32)
        return replace(keypoints, xy=xy, score=keypoints.score[:, :, order])

    seen = some_keypoints(source, seed)
    np.testing.assert_allclose(convert(flipped(seen), ANIMAL3D26).xy, flipped(convert(seen, ANIMAL3D26)).xy, rtol=1e-5)


@pytest.mark.parametrize("joint", [j for j in ANIMAL3D26.joints if "left" in j])
def test_a_flip_exchanges_a_joint_with_the_one_across(joint: str) -> None:
    assert ANIMAL3D26.joints[ANIMAL3D26.mirror[ANIMAL3D26.index(joint)]] == swapped(joint)


SPELLINGS = {
    "left front paw": "L_F_Paw left_front_paw LeftFrontHoof forepaw_left lfrontpaw LF_foot fl_paw frontLeftFoot LFpaw",
    "right back paw": "R_B_Paw rhindpaw RightHindFoot back_right_paw hindpaw-R RH_hoof br_toe rear.right.paw",
    "right ear base": "R_EarBase right_earbase rightEarBase EarBase_R",
    "left eye": "L_Eye leye LeftEye eye_l left-eye LEye",
    "right ear": "rear R_ear rightear right_pinna",
    "tail base": "tailbase Tail_Base root_of_tail tailset base-of-tail TailStart",
    "nose": "snout Nose muzzle",
    "left hock back": "LH_hock hindlimb_L_ankle left.hind.tarsus",
}


@pytest.mark.parametrize(("words", "name"), [(w, name) for w, names in SPELLINGS.items() for name in names.split()])
def test_spellings_mean_the_same(words: str, name: str) -> None:
    assert words_of(name) == set(words.split())


NAMED = {
    # A dog in a laboratory's words, a horse in a vet's, and a mouse on which only some joints are marked.
    "dog": {
        "nose": "Snout",
        "left_eye": "LEye",
        "right_eye": "REye",
        "left_ear": "L_EarBase",
        "right_ear": "R_EarBase",
        "neck": "Neck",
        "tail_base": "TailBase",
        "tail_end": "TailTip",
        "left_shoulder": "LF_Shoulder",
        "left_front_thigh": "LF_Elbow",
        "left_front_knee": "LF_Wrist",
        "left_front_paw": "LF_Paw",
        "right_front_paw": "RF_Paw",
        "left_back_thigh": "LH_Stifle",
        "left_back_knee": "LH_Hock",
        "left_back_paw": "LH_Paw",
        "right_back_paw": "RH_Paw",
    },
    "horse": {
        "nose": "nostril",
        "right_front_thigh": "elbow right",
        "right_front_knee": "carpus right",
        "right_front_paw": "fore hoof right",
        "right_back_thigh": "stifle right",
        "right_back_knee": "tarsus right",
        "right_back_paw": "hind hoof right",
        "tail_base": "tail head start",
    },
    "knees": {  # with a hock named, the knee is the stifle
        "left_back_thigh": "left knee",
        "left_back_knee": "left hock",
        "left_back_paw": "left hind foot",
        "right_back_thigh": "right hip",  # without one, it is what bends
        "right_back_knee": "right knee",
        "right_back_paw": "right hind foot",
    },
}


@pytest.mark.parametrize("who", ["dog", "knees"])
def test_joints_are_found_by_other_names(who: str) -> None:
    table = NAMED[who]
    names = [*reversed(table.values()), "food bowl", "marker 7"]
    found = joints_by_name(names, ANIMAL3D26)
    single = {joint: next(iter(rule)) for joint, rule in found.items() if len(rule) == 1}
    assert single == table


def test_a_horse_without_a_tail_joint_still_maps() -> None:
    table = {joint: name for joint, name in NAMED["horse"].items() if joint != "tail_base"}
    found = joints_by_name([*NAMED["horse"].values()], ANIMAL3D26)
    assert {joint: next(iter(rule)) for joint, rule in found.items()} == table  # "tail head start" is nobody's word


@pytest.mark.parametrize("skeleton", ANIMALS, ids=lambda s: s.name)
def test_animal3d_by_name_and_by_definition_agree_on_left_and_right(skeleton: Skeleton) -> None:
    for joint, rule in joints_by_name(skeleton.joints, ANIMAL3D26).items():
        for side in ("left", "right"):
            if side in joint:
                assert all(side in name or "back_base" in name or "withers" in name for name in rule), (joint, rule)


def test_keypoints_of_any_program_convert_by_their_names() -> None:
    names = tuple(NAMED["dog"].values())
    seen = some_keypoints(Skeleton("sleap", names, (None, *[names[0]] * (len(names) - 1))))
    found = convert(seen, ANIMAL3D26)
    for joint, name in NAMED["dog"].items():
        np.testing.assert_array_equal(
            found.xy[:, :, ANIMAL3D26.index(joint)], seen.xy[:, :, names.index(name)], err_msg=joint
        )


def test_people_are_found_by_other_names_too() -> None:
    names = ("LShoulder", "LElbow", "LHand", "RShoulder", "RElbow", "RHand", "L hip", "L knee", "L foot", "head")
    found = joints_by_name(names, HUMAN36M17)
    assert {joint: next(iter(rule)) for joint, rule in found.items()} == {
        "left_hip": "L hip",
        "left_knee": "L knee",
        "left_ankle": "L foot",
        "left_shoulder": "LShoulder",
        "left_elbow": "LElbow",
        "left_wrist": "LHand",
        "right_shoulder": "RShoulder",
        "right_elbow": "RElbow",
        "right_wrist": "RHand",
    }


def test_names_that_say_nothing_are_refused() -> None:
    names = tuple(f"point{i}" for i in range(30))
    with pytest.raises(UnknownJointsError, match="at least 6"):
        convert(some_keypoints(Skeleton("deeplabcut", names, (None, *names[:1] * 29))), ANIMAL3D26)
    assert issubclass(UnknownJointsError, InputError)


def test_an_animals_joints_are_linked_as_an_animals() -> None:
    names = list(NAMED["dog"].values())
    edges = {child: parent for parent, child in animal_edges(names)}
    assert edges["LF_Paw"] == "LF_Wrist"
    assert edges["LF_Elbow"] == "LF_Shoulder"
    assert edges["RF_Paw"] == "Neck"  # what lies between is not there
    assert edges["LH_Stifle"] == edges["Neck"] == edges["TailTip"] == "TailBase"
    assert "TailBase" not in edges
    assert animal_edges(["snout", "tailbase", "corner1", "corner2"]) == []


def test_sides_are_paired_whatever_they_are_called() -> None:
    names = ["LEye", "Snout", "REye", "LF_Paw", "RF_Paw", "left a", "right a", "R_Ear"]
    assert named_pairs(names) == [("LEye", "REye"), ("LF_Paw", "RF_Paw"), ("left a", "right a")]
