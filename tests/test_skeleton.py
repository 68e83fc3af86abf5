"""Skeletons: the built-in ones, laws that every one keeps, and what is refused."""

import pytest

from flowlift.errors import InputError
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BUILT_IN, HUMAN36M17

ARM = """
name = "arm"
pairs = [["left_hand", "right_hand"]]
[parents]
body = ""
left_hand = "body"
right_hand = "body"
"""


@pytest.mark.parametrize("skeleton", BUILT_IN.values(), ids=BUILT_IN)
def test_built_in_skeletons_keep_the_laws(skeleton):
    mirror = skeleton.mirror
    assert [mirror[i] for i in mirror] == list(range(len(skeleton)))
    assert sorted(skeleton.topological) == list(range(len(skeleton)))
    seen = set()
    for joint in skeleton.topological:
        parent = skeleton.parent_indices[joint]
        assert parent == -1 or parent in seen
        seen.add(joint)
    assert len(skeleton.bones) == len(skeleton) - 1
    for left, right in skeleton.pairs:
        assert left.startswith("left_")
        assert right == "right_" + left.removeprefix("left_")
    sided = [joint for joint in skeleton.joints if joint.startswith(("left_", "right_"))]
    assert len(sided) == 2 * len(skeleton.pairs)
    assert Skeleton.named(skeleton.name) is skeleton


@pytest.mark.parametrize(
    ("name", "joints", "some"),
    [
        ("human36m17", 17, {0: "hip", 3: "right_ankle", 6: "left_ankle", 10: "head", 13: "left_wrist"}),
        ("coco17", 17, {0: "nose", 5: "left_shoulder", 10: "right_wrist", 16: "right_ankle"}),
        ("body25", 25, {1: "neck", 4: "right_wrist", 8: "hip", 11: "right_ankle", 21: "left_heel", 24: "right_heel"}),
        ("body25b", 25, {0: "nose", 16: "right_ankle", 17: "neck", 18: "head_top", 19: "left_big_toe"}),
        ("coco18", 18, {1: "neck", 4: "right_wrist", 13: "left_ankle", 14: "right_eye", 17: "left_ear"}),
        (
            "mediapipe33",
            33,
            {0: "nose", 11: "left_shoulder", 16: "right_wrist", 23: "left_hip", 32: "right_foot_index"},
        ),
        ("mpi_inf_3dhp17", 17, {0: "head_top", 2: "right_shoulder", 13: "left_ankle", 14: "hip", 16: "head"}),
        ("animal3d26", 26, {0: "left_eye", 3: "left_front_paw", 7: "tail_base", 18: "neck", 25: "tail_mid"}),
    ],
)
def test_built_in_joints_stand_in_their_sources_order(name, joints, some):
    skeleton = Skeleton.named(name)
    assert len(skeleton) == joints
    assert {index: skeleton.joints[index] for index in some} == some


def test_the_tree_of_human36m_is_the_published_one():
    assert HUMAN36M17.parent_indices == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)


def test_an_unknown_name_gets_the_list():
    with pytest.raises(InputError, match="coco17"):
        Skeleton.named("coco")
    with pytest.raises(InputError, match="left_wrist"):
        HUMAN36M17.index("left_hand")


@pytest.mark.parametrize(
    ("joints", "parents", "pairs", "complaint"),
    [
        ((), (), (), "no joints"),
        (("a", "a"), (None, "a"), (), "twice"),
        (("a", "b"), (None,), (), "1 parents"),
        (("a", "b"), (None, "c"), (), "'c'"),
        (("a", "b"), (None, None), (), "exactly one"),
        (("a", "b"), ("b", "a"), (), "exactly one"),
        (("a", "b", "c"), (None, "c", "b"), (), "cycle"),
        (("a", "b"), (None, "a"), (("b", "x"),), "'x'"),
        (("a", "b", "c"), (None, "a", "a"), (("b", "c"), ("c", "a")), "two left-right pairs"),
    ],
)
def test_what_is_no_skeleton_is_refused(joints, parents, pairs, complaint):
    with pytest.raises(InputError, match=complaint):
        Skeleton("wrong", joints, parents, pairs)


def test_a_skeleton_from_toml(tmp_path):
    file = tmp_path / "arm.toml"
    file.write_text(ARM)
    arm = Skeleton.load(file)
    assert arm == Skeleton(
        "arm", ("body", "left_hand", "right_hand"), (None, "body", "body"), (("left_hand", "right_hand"),)
    )


@pytest.mark.parametrize(
    "text", ["", "[parents", "parents = 3", ARM.replace('"body"', '"torso"'), ARM.replace("pairs", "pairs = 1\nx")]
)
def test_toml_that_is_no_skeleton_is_refused(tmp_path, text):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(InputError):
        Skeleton.load(file)
    with pytest.raises(InputError, match="absent"):
        Skeleton.load(tmp_path / "absent.toml")
