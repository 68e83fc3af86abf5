"""Skeletons: the built-in ones, laws that every one keeps, and what is refused."""

import json
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.errors import InputError
from flowlift.skeleton import Skeleton
from flowlift.skeleton_words import doubts, in_words
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
        assert "left" in left.split("_")
        assert right.split("_") == ["right" if word == "left" else word for word in left.split("_")]
    sided = [joint for joint in skeleton.joints if {"left", "right"} & set(joint.split("_"))]
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
        ("ap10k17", 17, {0: "left_eye", 4: "root_of_tail", 7: "left_front_paw", 12: "left_knee", 16: "right_back_paw"}),
        (
            "animalpose20",
            20,
            {2: "left_ear_base", 4: "nose", 7: "withers", 10: "left_back_elbow", 19: "right_back_paw"},
        ),
        (
            "superanimal_quadruped39",
            39,
            {3: "mouth_end_right", 4: "mouth_end_left", 22: "tail_base", 24: "front_left_thai", 32: "back_right_thai"},
        ),
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
        (("a", " "), (None, "a"), (), "no name"),
        (("a", "b"), (None,), (), "1 parents"),
        (("a", "b"), (None, "c"), (), "'c'"),
        (("a", "b"), (None, None), (), "exactly one"),
        (("a", "b"), ("b", "a"), (), "exactly one"),
        (("a", "b", "c"), (None, "c", "b"), (), "cycle"),
        (("a", "b"), (None, "a"), (("b", "x"),), "'x'"),
        (("a", "b", "c"), (None, "a", "a"), (("b", "c"), ("c", "a")), "two left-right pairs"),
        (("a", "b", "c"), (None, "a", "a"), (("b", "b"),), "'b' is paired with itself"),
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


def written(skeleton):
    """A skeleton as TOML; JSON's strings and lists of strings are TOML's too."""
    pairs = json.dumps([list(pair) for pair in skeleton.pairs])
    parents = [
        f"{json.dumps(j)} = {json.dumps(p or '')}" for j, p in zip(skeleton.joints, skeleton.parents, strict=True)
    ]
    return "\n".join([f"name = {json.dumps(skeleton.name)}", f"pairs = {pairs}", "[parents]", *parents])


@pytest.mark.parametrize("skeleton", BUILT_IN.values(), ids=BUILT_IN)
def test_what_is_written_as_toml_comes_back(tmp_path, skeleton):
    file = tmp_path / "skeleton.toml"
    file.write_text(written(skeleton))
    assert Skeleton.load(file) == skeleton


def test_a_file_without_a_name_or_pairs_is_called_after_its_file(tmp_path):
    file = tmp_path / "worm.toml"
    file.write_text('[parents]\nhead = ""\ntail = "head"\n')
    assert Skeleton.load(file) == Skeleton("worm", ("head", "tail"), (None, "head"))


@given(data=st.data(), count=st.integers(1, 12))
def test_any_tree_is_a_skeleton_whose_parents_come_first(data, count):
    order = data.draw(st.permutations(range(count)))
    above = {order[0]: None} | {order[i]: order[data.draw(st.integers(0, i - 1))] for i in range(1, count)}
    names = [f"joint{i}" for i in range(count)]
    tree = Skeleton("tree", tuple(names), tuple(None if above[i] is None else names[above[i]] for i in range(count)))
    assert tree.root == order[0]
    assert tree.mirror == tuple(range(count))
    place = {joint: rank for rank, joint in enumerate(tree.topological)}
    assert sorted(place) == list(range(count))
    assert all(place[parent] < place[child] for parent, child in tree.bones)


@given(data=st.data(), count=st.integers(1, 12))
def test_the_body_is_as_long_as_the_longest_path_between_joints_in_the_middle(data, count):
    above = [None] + [data.draw(st.integers(0, i - 1)) for i in range(1, count)]
    two = data.draw(st.lists(st.integers(0, count - 1), unique=True).map(lambda joints: joints[: len(joints) // 2 * 2]))
    names = [f"joint{i}" for i in range(count)]
    pairs = tuple((names[a], names[b]) for a, b in zip(two[::2], two[1::2], strict=True))
    tree = Skeleton("tree", tuple(names), tuple(None if i is None else names[i] for i in above), pairs)
    middle = [i for i in range(count) if i not in two]
    paths = [
        (a, b, bones_between(above, a, b)) for a, b in combinations(middle if len(middle) > 1 else range(count), 2)
    ]
    chain = tree.size_chain
    if not paths:
        assert chain == (names[0],)
        return
    longest = max(length for _, _, length in paths)
    first = next((names[a], names[b]) for a, b, length in paths if length == longest)
    assert (chain[0], chain[-1]) == first
    assert len(chain) == longest + 1
    for one, other in pairwise(tree.indices(chain)):
        assert tree.parent_indices[one] == other or tree.parent_indices[other] == one


def bones_between(above, a, b):
    ways = []
    for joint in (a, b):
        way = [joint]
        while above[way[-1]] is not None:
            way.append(above[way[-1]])
        ways.append(way)
    return len(set(ways[0]) ^ set(ways[1]))


def test_a_chain_of_a_thousand_joints_is_measured_and_told_at_once():
    names = tuple(f"joint{i}" for i in range(1000))
    chain = Skeleton("worm", names, (None, *names[:-1]))
    assert chain.size_chain == names
    assert len(in_words(chain)) == 1004


def test_the_mirror_exchanges_every_pair_and_nothing_else():
    for left, right in HUMAN36M17.pairs:
        assert HUMAN36M17.joints[HUMAN36M17.mirror[HUMAN36M17.index(left)]] == right
    assert {HUMAN36M17.joints[i] for i, m in enumerate(HUMAN36M17.mirror) if i == m} == {
        "hip",
        "spine",
        "thorax",
        "nose",
        "head",
    }
    assert HUMAN36M17.indices(["head", "hip"]) == [10, 0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[parents",
        "parents = 3",
        "[parents]",
        ARM.replace('"body"', '"torso"'),
        ARM.replace("pairs", "pairs = 1\nx"),
        ARM.replace('["left_hand", "right_hand"]', '["left_hand"]'),
        ARM.replace('["left_hand", "right_hand"]', '["left_hand", "right_foot"]'),
        ARM.replace('body = ""', "body = 1"),
    ],
)
def test_toml_that_is_no_skeleton_is_refused(tmp_path, text):
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(InputError):
        Skeleton.load(file)
    with pytest.raises(InputError, match="absent"):
        Skeleton.load(tmp_path / "absent.toml")


def test_a_byte_order_mark_is_no_part_of_a_skeleton(tmp_path):
    (tmp_path / "arm.toml").write_text(ARM, encoding="utf-8-sig")
    assert Skeleton.load(tmp_path / "arm.toml").joints == ("body", "left_hand", "right_hand")


def test_slips_that_are_allowed_are_told():
    twice = Skeleton("coco17", ("hip", "le ar", "Le_Ar"), (None, "hip", "hip"))
    told = doubts(twice)
    assert "coco17 is the name of a built-in skeleton, and this is another one" in told
    assert "le ar and Le_Ar are the same name: case, spaces and signs do not count" in told
    assert doubts(BUILT_IN["coco17"]) == []
    for few in (1, 2):
        (told,) = doubts(Skeleton("worm", ("head", "tail")[:few], (None, "head")[:few]))
        assert told.startswith(f"worm has {few} joints; a pose needs 3")


def test_a_length_goes_from_one_joint_to_another():
    with pytest.raises(InputError, match="size goes from 'b' to itself"):
        Skeleton("wrong", ("a", "b"), (None, "a"), size=("a", "b", "b"))
