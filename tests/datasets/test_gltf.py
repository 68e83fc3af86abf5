"""Binary glTF: positions of a moving hierarchy, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.datasets.gltf import read_glb
from flowlift.errors import InputError

from .glb_files import about, fox_nodes, head_vertices, write_fox

NOD = {"Nod": {"Spine_3": [(0.0, about(0, 0)), (1.0, about(0, 60))]}}


def turned(at: np.ndarray, centre: np.ndarray, degrees: float) -> np.ndarray:
    """Places turned about the x axis through a centre."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (at - centre) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T + centre


def test_at_rest_every_node_is_in_its_place(tmp_path: Path) -> None:
    scene = read_glb(write_fox(tmp_path / "fox.glb", NOD))
    world = scene.at_rest()
    for name, (parent, at) in fox_nodes().items():
        index = scene.nodes.index(name)
        np.testing.assert_allclose(world[index, :3, 3], at, atol=1e-6)
        assert scene.parents[index] == (-1 if parent is None else scene.nodes.index(parent))
    np.testing.assert_allclose(scene.vertices.xyz, head_vertices(), atol=1e-6)
    assert {scene.nodes[node] for node in scene.vertices.node} == {"Head"}


def test_a_mesh_stands_as_it_was_bound_where_the_rest_is_bent(tmp_path: Path) -> None:
    def bent(told: dict) -> None:
        (neck,) = (node for node in told["nodes"] if node["name"] == "Spine_3")
        neck["rotation"] = about(1, 60)

    scene = read_glb(write_fox(tmp_path / "fox.glb", NOD, change=bent))
    np.testing.assert_allclose(scene.vertices.xyz, head_vertices(), atol=1e-6)
    head = scene.nodes.index("Head")
    np.testing.assert_allclose(scene.vertices.bound[head, :3, 3], fox_nodes()["Head"][1], atol=1e-6)
    assert np.abs(scene.at_rest()[head, :3, 3] - fox_nodes()["Head"][1]).max() > 0.2
    assert np.isnan(scene.vertices.bound[scene.nodes.index("mesh")]).all()


def test_what_hangs_on_a_node_turns_with_it(tmp_path: Path) -> None:
    scene = read_glb(write_fox(tmp_path / "fox.glb", NOD))
    world = scene.moving("Nod", fps=10)
    assert len(world) == 11
    nodes = fox_nodes()
    for frame, degrees in ((0, 0), (10, 60)):
        for name in ("Head", "Ear_L", "Front_Leg_Foot_R"):
            expected = turned(nodes[name][1], nodes["Spine_3"][1], degrees)
            np.testing.assert_allclose(world[frame, scene.nodes.index(name), :3, 3], expected, atol=1e-5)
        np.testing.assert_allclose(world[frame, scene.nodes.index("Hips"), :3, 3], nodes["Hips"][1], atol=1e-6)


@given(share=st.floats(0, 1))
def test_between_keys_it_turns_evenly_enough(share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("fox") / "fox.glb"
    scene = read_glb(write_fox(path, {"Nod": {"Spine_3": [(0.0, about(0, 0)), (1.0, about(0, 20))]}}))
    local = scene.local("Nod", fps=100)["rotation"][:, scene.nodes.index("Spine_3")]
    at = round(share * 100)
    np.testing.assert_allclose(local[at], about(0, 20 * at / 100), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(local, axis=1), 1, atol=1e-6)


def test_the_short_way_round(tmp_path: Path) -> None:
    other = [-value for value in about(0, 60)]  # the same rotation
    scene = read_glb(write_fox(tmp_path / "fox.glb", {"Nod": {"Spine_3": [(0.0, about(0, 50)), (1.0, other)]}}))
    local = scene.local("Nod", fps=2)["rotation"][1, scene.nodes.index("Spine_3")]
    np.testing.assert_allclose(np.abs(local), about(0, 55), atol=1e-3)


def test_stepped_keys_stay_until_the_next(tmp_path: Path) -> None:
    keys = [(0.0, about(0, 0)), (0.5, about(0, 40)), (1.0, about(0, 80))]
    scene = read_glb(write_fox(tmp_path / "fox.glb", {"Nod": {"Spine_3": keys}}, way="STEP"))
    local = scene.local("Nod", fps=4)["rotation"][:, scene.nodes.index("Spine_3")]
    np.testing.assert_allclose(local, [about(0, angle) for angle in (0, 0, 40, 40, 80)], atol=1e-6)


def damage(what: str):
    def change(told):
        if what == "matrix":
            told["nodes"][0]["matrix"] = [1.0] * 16
        elif what == "cycle":
            told["nodes"][3]["children"] = [0]
        elif what == "required":
            told["extensionsRequired"] = ["KHR_draco_mesh_compression"]
        elif what == "cubic":
            told["animations"][0]["samplers"][0]["interpolation"] = "CUBICSPLINE"
        elif what == "outside":
            told["buffers"][0]["uri"] = "/etc/passwd"
        elif what == "short":
            told["accessors"][0]["count"] = 10**9
        elif what == "no nodes":
            del told["nodes"]
        elif what == "node":
            told["animations"][0]["channels"][0]["target"]["node"] = 10**6

    return change


@pytest.mark.parametrize("what", ["matrix", "cycle", "required", "cubic", "outside", "short", "no nodes"])
def test_what_is_not_read_is_told_in_one_line(tmp_path: Path, what: str) -> None:
    path = write_fox(tmp_path / "bad.glb", NOD, change=damage(what))
    with pytest.raises(InputError, match=r"bad\.glb") as caught:
        read_glb(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_cut_files(tmp_path: Path, kept: float) -> None:
    path = write_fox(tmp_path / "cut.glb", NOD)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InputError, match=r"cut\.glb"):
        read_glb(path)


@pytest.mark.parametrize("content", [b"", b"glTF", b"x" * 100, b"glTF\x01\0\0\0" + bytes(20)])
def test_other_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.glb").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.glb"):
        read_glb(tmp_path / "bad.glb")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.glb"):
        read_glb(tmp_path / "none.glb")
