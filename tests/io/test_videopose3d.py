"""VideoPose3D's npz, and the unpickler that it needs."""

import collections
import io
import pickle
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io import is_keypoint_source, load, restricted
from flowlift.skeletons import COCO17, HUMAN36M17

COCO_PAIRS = [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]]
H36M_PAIRS = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]


def clip(frames: int = 5, joints: int = 17, offset: float = 0.0) -> np.ndarray:
    return (np.arange(frames * joints * 2, dtype=np.float32) + offset).reshape(frames, joints, 2)


def write(path: Path, positions: Any, metadata: Any) -> Path:
    np.savez_compressed(path, positions_2d=np.array(positions, dtype=object), metadata=np.array(metadata, dtype=object))
    return path


def custom(path: Path, *videos: str, joints: int = 17) -> Path:
    metadata = {
        "layout_name": "coco",
        "num_joints": 17,
        "keypoints_symmetry": COCO_PAIRS,
        "video_metadata": {video: {"w": 1920, "h": 1080} for video in videos},
    }
    positions = {video: {"custom": [clip(joints=joints, offset=i)]} for i, video in enumerate(videos)}
    return write(path, positions, metadata)


def read(path: str | Path, **more: Any) -> Keypoints2D:
    found = load(path, **more)
    assert isinstance(found, Keypoints2D)
    return found


def test_one_custom_clip(tmp_path: Path) -> None:
    found = read(custom(tmp_path / "data_2d_custom_me.npz", "walk.mp4"), fps=50.0)
    assert found.skeleton == COCO17
    assert found.image_size == (1920, 1080)
    assert found.fps == 50.0
    np.testing.assert_array_equal(found.xy[:, 0], clip())
    assert np.isnan(found.score).all()


def test_several_clips(tmp_path: Path) -> None:
    path = custom(tmp_path / "data.npz", "walk.mp4", "run.mp4")
    with pytest.raises(InputError, match=r"walk\.mp4/custom/0.*run\.mp4/custom/0"):
        read(path)
    with pytest.raises(InputError, match=r"swim.*walk\.mp4/custom/0"):
        read(f"{path}::swim")
    assert is_keypoint_source(f"{path}::run.mp4/custom/0")
    np.testing.assert_array_equal(read(f"{path}::run.mp4/custom/0").xy[:, 0], clip(offset=1))


def test_human36m(tmp_path: Path) -> None:
    positions = {"S9": {"Walking 1": [clip(offset=i) for i in range(4)]}}
    path = write(tmp_path / "data_2d_h36m_gt.npz", positions, {"num_joints": 17, "keypoints_symmetry": H36M_PAIRS})
    found = read(f"{path}::S9/Walking 1/2", image_size=(1000, 1000))
    assert found.skeleton == HUMAN36M17
    np.testing.assert_array_equal(found.xy[:, 0], clip(offset=2))
    with pytest.warns(UserWarning, match="image size"):
        read(f"{path}::S9/Walking 1/2")


@pytest.mark.parametrize(
    ("positions", "metadata"),
    [
        ([], {}),
        ({}, {}),
        ({"a": 3}, {}),
        ({"a": {"custom": 3}}, {}),
        ({"a": {"custom": [3]}}, {}),
        ({"a": {"custom": [clip(joints=16)]}}, {"layout_name": "coco"}),
        ({"a": {"custom": [clip()[0]]}}, {}),
        ({"a": {"custom": [np.array([["x"]])]}}, {}),
        ({"a": {"custom": [clip() + np.inf]}}, {"layout_name": "coco", "keypoints_symmetry": COCO_PAIRS}),
        ({"a": {"custom": [clip()]}}, 3),
        ({"a": {"custom": [clip()]}}, {"video_metadata": {"a": 3}}),
        ({"a": {"custom": [clip()]}}, {"video_metadata": {"a": {"w": -1, "h": 4}}}),
        ({"a": {"custom": [clip()]}}, {"video_metadata": {"a": {"w": "wide", "h": 4}}}),
    ],
    ids=range(13),
)
def test_damage(tmp_path: Path, positions: Any, metadata: Any) -> None:
    path = write(tmp_path / "bad.npz", positions, metadata)
    with pytest.raises(InputError, match=r"bad\.npz") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    whole = custom(tmp_path / "bad.npz", "walk.mp4").read_bytes()
    for kept in (0, 10, len(whole) // 2, len(whole) - 3):
        (tmp_path / "bad.npz").write_bytes(whole[:kept])
        with pytest.raises(InputError, match=r"bad\.npz"):
            read(tmp_path / "bad.npz")


def test_another_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", a=np.zeros(3))
    with pytest.raises(InputError, match=r"bad\.npz.*VideoPose3D"):
        read(tmp_path / "bad.npz")


PLAIN: list[Any] = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(3, dtype=">i2"),
    np.array(["a", "bc"]),
    np.array([b"a", b"bc"]),
    np.array([True, False]),
    np.zeros((0, 17, 2)),
    np.float64(0.1),
    np.int16(-3),
    np.bool_(True),
    {"a": [1, 2.5, None, True, "text", b"bytes", (1, 2), {3}, frozenset({4}), 1 + 2j, 2**80]},
    collections.OrderedDict(a=1),
    bytearray(b"abc"),
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", PLAIN, ids=range(len(PLAIN)))
def test_plain_values_come_through(value: Any, protocol: int) -> None:
    got = restricted.load(io.BytesIO(pickle.dumps(value, protocol)))
    if isinstance(value, np.ndarray):
        assert got.dtype == value.dtype
    np.testing.assert_equal(got, value)


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_in_containers_in_arrays(protocol: int) -> None:
    value = np.array({"a": {"custom": [clip()]}}, dtype=object)
    got = restricted.load(io.BytesIO(pickle.dumps(value, protocol)))
    np.testing.assert_array_equal(got.item()["a"]["custom"][0], clip())


def test_numpy_2_names_are_known() -> None:
    data = pickle.dumps(clip(), 2).replace(b"numpy.core.multiarray", b"numpy._core.multiarray")
    np.testing.assert_array_equal(restricted.load(io.BytesIO(data)), clip())


class Reduced:
    def __init__(self, *reduction: Any) -> None:
        self.reduction = reduction

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduction


def hostile(trace: Path) -> list[Any]:
    import builtins
    import os

    return [
        Reduced(os.system, (f"touch {trace}",)),
        Reduced(subprocess.call, (["touch", str(trace)],)),
        Reduced(builtins.eval, (f"open({str(trace)!r}, 'w')",)),
        Reduced(builtins.exec, (f"open({str(trace)!r}, 'w')",)),
        Reduced(builtins.getattr, (trace, "touch")),
        Reduced(Path.touch, (trace,)),
        Reduced(np.save, (str(trace), 1)),
        Reduced(np.load, (str(trace),)),
        Reduced(np.fromfile, (str(trace),)),
        Reduced(np.memmap, (str(trace), "u1", "w+", 0, 8)),
    ]


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("which", range(10))
def test_hostile_pickles_do_nothing(tmp_path: Path, which: int, protocol: int) -> None:
    trace = tmp_path / "trace"
    for value in (hostile(trace)[which], np.array([hostile(trace)[which], 1], dtype=object)):
        with pytest.raises(InputError):
            restricted.load(io.BytesIO(pickle.dumps(value, protocol)))
    np.savez(tmp_path / "bad.npz", positions_2d=np.array(hostile(trace)[which], dtype=object))
    with pytest.raises(InputError, match=r"bad\.npz"):
        read(tmp_path / "bad.npz")
    assert not trace.exists()


GLOBALS = ["os\nsystem", "numpy\nload", "numpy.core.multiarray\nfromfile", "builtins\ngetattr", "numpy\n__builtins__"]
GLOBALS += ["numpy\ncore.multiarray.os", "flowlift.io\nsave", "copyreg\n_reconstructor", "functools\npartial"]


@pytest.mark.parametrize("name", GLOBALS, ids=lambda name: name.replace("\n", "."))
def test_no_other_name_is_found(name: str) -> None:
    with pytest.raises(InputError):
        restricted.load(io.BytesIO(f"c{name}\n.".encode()))


@pytest.mark.parametrize(
    "code",
    [
        b"",
        b"garbage",
        b"\x80\x04.",
        b"\x80\x63.",
        b"(" * 100_000,
        pickle.dumps(clip())[:-20],
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I99999999999\ntS'f8'\ntR.",
        b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'f8'\nI0\nI1\ntRS'x'\ntR.",
        b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb(",
    ],
    ids=range(9),
)
def test_damaged_pickles(code: bytes) -> None:
    with pytest.raises(InputError) as caught:
        restricted.load(io.BytesIO(code))
    assert "\n" not in str(caught.value)


def test_lists_that_hold_themselves() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InputError):
        restricted.load(io.BytesIO(pickle.dumps(endless)))
