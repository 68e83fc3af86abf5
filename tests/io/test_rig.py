"""BVH and glTF bring every joint where it was, by forward kinematics in readers that are not ours; the turns follow the
rule: no twist about a bone, and a body that does as its rest pose does is not turned."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlift.animal_skeletons import ANIMALS
from flowlift.containers import Poses3D
from flowlift.datasets.bvh import read_bvh
from flowlift.errors import OutputError
from flowlift.io import save
from flowlift.io.bvh import euler_zxy
from flowlift.io.positions import y_up
from flowlift.io.quaternions import quaternions
from flowlift.io.rest_pose import rest_offsets
from flowlift.io.rig import rig_of, rigs
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BUILT_IN, HUMAN36M17

from .made_poses import made_poses, without

LONE = Skeleton("lone", ("ball",), (None,))
ODD = Skeleton("odd", ("snout", "left ear", "right ear"), (None, "snout", "snout"))
SKELETONS = [*BUILT_IN.values(), LONE, ODD]
MILLIMETRE = 1e-3

seeds = st.integers(0, 2**32 - 1)


def from_bvh(path: Path, skeleton: Skeleton) -> np.ndarray:
    """(frame, joint, 3) as bvhio finds it."""
    bvhio = pytest.importorskip("bvhio")
    root = bvhio.readAsHierarchy(str(path))
    frames = int(path.read_text().partition("Frames:")[2].split()[0])
    found = np.empty((frames, len(skeleton), 3))
    names = {"_".join(joint.split()): index for index, joint in enumerate(skeleton.joints)}
    for frame in range(frames):
        root.loadPose(frame)
        for joint, *_ in root.layout():
            if joint.Name in names:
                found[frame, names[joint.Name]] = list(joint.PositionWorld)
    return found


def from_glb(path: Path, skin: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(frame,) seconds and (frame, joint, 3) of one skin, by pygltflib and forward kinematics."""
    pygltflib = pytest.importorskip("pygltflib")
    document = pygltflib.GLTF2().load(str(path))

    def array(number: int) -> np.ndarray:
        accessor = document.accessors[number]
        view = document.bufferViews[accessor.bufferView]
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor.type]
        start = view.byteOffset + (accessor.byteOffset or 0)
        data = document.binary_blob()[start : start + 4 * width * accessor.count]
        return np.frombuffer(data, np.float32).reshape(accessor.count, width).astype(np.float64)

    animation, moves, times = document.animations[0], {}, np.empty(0)
    for channel in animation.channels:
        sampler = animation.samplers[channel.sampler]
        times = array(sampler.input)[:, 0]
        moves[channel.target.node, channel.target.path] = array(sampler.output)
    joints = document.skins[skin].joints
    parents = {child: joint for joint in joints for child in document.nodes[joint].children or []}
    world: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def place(joint: int) -> tuple[np.ndarray, np.ndarray]:
        if joint not in world:
            x, y, z, w = moves[joint, "rotation"].T
            turn = np.array(
                [
                    [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                    [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                    [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
                ]
            ).transpose(2, 0, 1)
            shift = moves[joint, "translation"]
            if joint in parents:
                above, origin = place(parents[joint])
                shift, turn = origin + np.einsum("fij,fj->fi", above, shift), above @ turn
            world[joint] = turn, shift
        return world[joint]

    return times, np.stack([place(joint)[1] for joint in joints], axis=1)


@pytest.mark.parametrize("skeleton", SKELETONS, ids=lambda skeleton: skeleton.name)
def test_bvh_brings_the_joints_back(tmp_path: Path, skeleton: Skeleton) -> None:
    poses = made_poses(skeleton=skeleton, frames=3)
    path = save(poses, tmp_path / "walk.bvh")
    want = y_up(poses)[:, 0]
    np.testing.assert_allclose(from_bvh(path, skeleton), want, atol=MILLIMETRE / 10)
    ours = read_bvh(path)
    assert ours.fps == pytest.approx(25)
    found = np.stack([ours.joint("_".join(joint.split())) for joint in skeleton.joints], axis=1)
    np.testing.assert_allclose(found, want, atol=MILLIMETRE / 10)


@pytest.mark.parametrize("skeleton", SKELETONS, ids=lambda skeleton: skeleton.name)
def test_gltf_brings_the_joints_back(tmp_path: Path, skeleton: Skeleton) -> None:
    poses = made_poses(skeleton=skeleton, times=np.array([1.0, 1.1, 1.25, 1.3, 1.5, 2.0]))
    times, found = from_glb(save(poses, tmp_path / "walk.glb"))
    np.testing.assert_allclose(times, [0, 0.1, 0.25, 0.3, 0.5, 1.0], atol=1e-6)
    np.testing.assert_allclose(found, y_up(poses)[:, 0], atol=MILLIMETRE / 10)


@settings(max_examples=15)
@given(seed=seeds)
def test_any_motion_comes_back(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    folder, poses = tmp_path_factory.mktemp("rig"), made_poses(seed, frames=4)
    save(poses, folder / "walk.bvh")
    found = read_bvh(folder / "walk.bvh")
    back = np.stack([found.joint(joint) for joint in HUMAN36M17.joints], axis=1)
    np.testing.assert_allclose(back, y_up(poses)[:, 0], atol=MILLIMETRE / 10)
    np.testing.assert_allclose(from_glb(save(poses, folder / "walk.glb"))[1], back, atol=MILLIMETRE / 10)


def test_several_people(tmp_path: Path) -> None:
    poses = made_poses(people=3)
    xyz = poses.xyz.copy()
    xyz[:, 1] = np.nan  # a track without a frame
    poses = Poses3D(xyz, poses.root, poses.cov, HUMAN36M17, fps=25.0)
    save(poses, tmp_path / "walk.bvh")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["walk_person0.bvh", "walk_person2.bvh"]
    path = save(poses, tmp_path / "walk.glb")
    for skin, person in enumerate((0, 2)):
        want = y_up(poses)[:, person]
        found = from_bvh(tmp_path / f"walk_person{person}.bvh", HUMAN36M17)
        np.testing.assert_allclose(found, want, atol=MILLIMETRE / 10)
        np.testing.assert_allclose(from_glb(path, skin)[1], want, atol=MILLIMETRE / 10)
    nobody = Poses3D(xyz * np.nan, None, poses.cov, HUMAN36M17)
    for suffix in (".bvh", ".glb"):
        with pytest.raises(OutputError, match="nobody"):
            save(nobody, tmp_path / f"nobody{suffix}")


def test_gaps_are_crossed_in_a_straight_line() -> None:
    poses = made_poses(frames=5)
    gaps = without(without(without(poses, 2, 0), 0, 0, 16), 4, 0, 0)
    rig = rigs(gaps)[0]
    place, want = forward(rig), y_up(poses)[:, 0]
    np.testing.assert_allclose(place[2], (want[1] + want[3]) / 2, atol=1e-6)
    np.testing.assert_allclose(place[0, 16], want[1, 16], atol=1e-6)
    np.testing.assert_allclose(place[4, 0], want[3, 0], atol=1e-6)
    np.testing.assert_allclose(place[[1, 3]], want[[1, 3]], atol=1e-6)


def test_joints_that_are_never_seen_stay_with_their_parents() -> None:
    poses = made_poses(frames=3)
    xyz = poses.xyz.copy()
    xyz[:, :, [0, 3, 16]] = np.nan
    place = forward(rigs(Poses3D(xyz, poses.root, poses.cov, HUMAN36M17))[0])
    assert np.isfinite(place).all()
    np.testing.assert_allclose(place[:, [3, 16]], place[:, [2, 15]], atol=1e-9)


def forward(rig: object) -> np.ndarray:
    """Joint positions of a rig, written out."""
    skeleton, whole, place = rig.skeleton, {}, {}
    for joint in skeleton.topological:
        parent = skeleton.parent_indices[joint]
        above = whole.get(parent, np.broadcast_to(np.eye(3), rig.turn[:, joint].shape))
        place[joint] = place.get(parent, 0) + np.einsum("fij,fj->fi", above, rig.shift[:, joint])
        whole[joint] = above @ rig.turn[:, joint]
    return np.stack([place[joint] for joint in range(len(skeleton))], axis=1)


@pytest.mark.parametrize("skeleton", BUILT_IN.values(), ids=lambda skeleton: skeleton.name)
def test_the_rest_pose_is_not_turned(skeleton: Skeleton) -> None:
    place = standing(skeleton)
    rig = rig_of(skeleton, np.stack([place, place]))
    np.testing.assert_allclose(rig.turn, np.broadcast_to(np.eye(3), rig.turn.shape), atol=1e-6)
    np.testing.assert_allclose(rig.shift[:, 1:], np.stack([rig.rest] * 2)[:, 1:], atol=1e-6)


def standing(skeleton: Skeleton) -> np.ndarray:
    """A body at rest (joint, 3) whose bones are 0.1, 0.12, 0.14 ... long."""
    offsets = rest_offsets(skeleton, np.arange(3.0 * len(skeleton)).reshape(1, -1, 3) ** 2)
    place = np.zeros((len(skeleton), 3))
    for joint in skeleton.topological[1:]:
        along = offsets[joint] / np.linalg.norm(offsets[joint])
        place[joint] = place[skeleton.parent_indices[joint]] + (0.1 + 0.02 * joint) * along
    return place


def test_a_figure_at_rest_is_upright_and_its_left_is_left() -> None:
    place = standing(HUMAN36M17)
    at = dict(zip(HUMAN36M17.joints, place, strict=True))
    assert at["head"][1] > at["thorax"][1] > at["hip"][1] > at["left_knee"][1] > at["left_ankle"][1]
    assert at["left_wrist"][0] > at["left_shoulder"][0] > at["right_shoulder"][0] > at["right_wrist"][0]
    assert at["nose"][2] > at["thorax"][2]


@pytest.mark.parametrize("skeleton", ANIMALS, ids=lambda skeleton: skeleton.name)
def test_an_animal_at_rest_stands(skeleton: Skeleton) -> None:
    at = dict(zip(skeleton.joints, standing(skeleton), strict=True))
    tail = next(at[joint] for joint in ("tail_base", "root_of_tail") if joint in at)
    assert at["nose"][2] > tail[2] + 0.1
    paws = [joint for joint in skeleton.joints if "paw" in joint]
    assert len(paws) == 4
    assert all(at[paw][1] < tail[1] for paw in paws)
    assert all((at[paw][0] > 0) == ("left" in paw) for paw in paws)


def test_a_body_that_turns_as_a_whole_turns_its_root_alone() -> None:
    place = standing(HUMAN36M17)
    c, s = np.cos(2.0), np.sin(2.0)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    rig = rig_of(HUMAN36M17, np.stack([place, place @ turn.T]))
    np.testing.assert_allclose(rig.turn[1, HUMAN36M17.root], turn, atol=1e-6)
    others = [joint for joint in range(17) if joint != HUMAN36M17.root]
    np.testing.assert_allclose(rig.turn[1, others], np.broadcast_to(np.eye(3), (16, 3, 3)), atol=1e-6)


@settings(max_examples=25)
@given(seed=seeds)
def test_a_joint_with_one_child_swings_and_does_not_twist(seed: int) -> None:
    place = y_up(made_poses(seed, frames=2))[:, 0]
    rig = rig_of(HUMAN36M17, place)
    for joint, child in (("left_elbow", "left_wrist"), ("right_knee", "right_ankle"), ("spine", "thorax")):
        at, below = HUMAN36M17.index(joint), HUMAN36M17.index(child)
        along = rig.rest[below] / np.linalg.norm(rig.rest[below])
        turn = rig.turn[:, at]
        skew = turn - turn.swapaxes(1, 2)  # holds the axis of the rotation: across the bone, where there is no twist
        axis = np.stack([skew[:, 2, 1], skew[:, 0, 2], skew[:, 1, 0]], axis=-1)
        np.testing.assert_allclose(axis @ along, 0, atol=1e-4)
        where = rig.shift[:, below]  # turned as it is, the joint sees its child where it rests
        np.testing.assert_allclose(where / np.linalg.norm(where, axis=-1, keepdims=True), [along, along], atol=1e-3)


def test_rest_bones_are_as_long_as_the_clip_s() -> None:
    poses = made_poses(frames=9)
    rig, place = rigs(poses)[0], y_up(poses)[:, 0]
    for parent, child in HUMAN36M17.bones:
        length = np.median(np.linalg.norm(place[:, child] - place[:, parent], axis=-1))
        assert np.linalg.norm(rig.rest[child]) == pytest.approx(length, rel=1e-6)


@given(seed=seeds, lock=st.sampled_from([None, 90.0, -90.0]))
def test_angles_make_the_rotation_again(seed: int, lock: float | None) -> None:
    angles = np.radians(np.random.default_rng(seed).uniform(-180, 180, 3))
    angles[1] = angles[1] if lock is None else np.radians(lock)
    turn = product(angles)
    z, x, y = np.radians(euler_zxy(turn[None, None])[0, 0])
    np.testing.assert_allclose(product((z, x, y)), turn, atol=1e-6)


def product(angles: object) -> np.ndarray:
    (cz, cx, cy), (sz, sx, sy) = np.cos(angles), np.sin(angles)
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return about_z @ about_x @ about_y


def test_quaternions_do_not_jump() -> None:
    angle = np.linspace(0, 4 * np.pi, 200)
    turn = np.array([product((a, 0.3, 0.2)) for a in angle])
    found = quaternions(turn)
    assert np.abs(np.diff(found, axis=0)).max() < 0.05
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1)


def test_a_glb_is_made_as_the_standard_says(tmp_path: Path) -> None:
    data = save(made_poses(people=2), tmp_path / "walk.glb").read_bytes()
    assert data[:8] == b"glTF\x02\0\0\0"
    assert int.from_bytes(data[8:12], "little") == len(data)
    size = int.from_bytes(data[12:16], "little")
    assert data[16:20] == b"JSON"
    document = json.loads(data[20 : 20 + size])
    assert data[24 + size : 28 + size] == b"BIN\0"
    assert size % 4 == 0
    buffer = document["buffers"][0]["byteLength"]
    assert int.from_bytes(data[20 + size : 24 + size], "little") == buffer == len(data) - 28 - size
    for view in document["bufferViews"]:
        assert view["byteOffset"] % 4 == 0
        assert view["byteOffset"] + view["byteLength"] <= buffer
    assert [skin["name"] for skin in document["skins"]] == ["person0", "person1"]
    for mesh in document["meshes"]:
        for primitive in mesh["primitives"]:
            position = document["accessors"][primitive["attributes"]["POSITION"]]
            assert position["count"] % 3 == 0
            assert all(low <= high for low, high in zip(position["min"], position["max"], strict=True))
    assert document["extras"]["provenance"]["seed"] == 3
