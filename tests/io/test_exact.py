"""What is saved comes back: every field, to the bit, whatever is missing."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError
from flowlift.io import load, save
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BUILT_IN

TINY = Skeleton("tiny", ("root", "left_ear", "right_ear"), (None, "root", "root"), (("left_ear", "right_ear"),))
SUFFIXES = (".npz", ".json")

floats32 = st.floats(width=32, allow_infinity=False)
scores32 = st.floats(0, 1, width=32) | st.just(float("nan"))
skeletons = st.sampled_from([TINY, BUILT_IN["human36m17"]])
rates = st.none() | st.floats(0.1, 1000)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
provenances = st.dictionaries(
    texts,
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
)


def array(draw: Any, *shape: int, elements: st.SearchStrategy[float] = floats32) -> np.ndarray:
    return draw(arrays.arrays(np.float32, shape, elements=elements))


def times(draw: Any, frames: int) -> np.ndarray | None:
    rising = arrays.arrays(np.float64, (frames,), elements=st.floats(0, 1e6), unique=True).map(np.sort)
    return draw(st.none() | rising)


@st.composite
def keypoints(draw: Any, shape: tuple[int, int] | None = None) -> Keypoints2D:
    skeleton = draw(skeletons)
    frames, people = shape or (draw(st.integers(0, 3)), draw(st.integers(0, 3)))
    return Keypoints2D(
        array(draw, frames, people, len(skeleton), 2),
        array(draw, frames, people, len(skeleton), elements=scores32),
        skeleton,
        draw(st.tuples(st.integers(1, 9000), st.integers(1, 9000))),
        fps=draw(rates),
        source=draw(texts),
        times=times(draw, frames),
    )


@st.composite
def cameras(draw: Any) -> Camera:
    distortion = draw(st.lists(st.floats(-1, 1), max_size=8))
    placed = {"rotation": np.diag([1, -1, -1]), "translation": draw(st.tuples(*[st.floats(-9, 9)] * 3))}
    focal = draw(st.floats(1, 1e5))
    return Camera.from_matrix(
        [[focal, 0, 400.5], [0, focal * 1.1, 300.25], [0, 0, 1]],
        (800, 600),
        distortion,
        **(placed if draw(st.booleans()) else {}),
        assumed=draw(st.booleans()),
    )


@st.composite
def poses(draw: Any) -> Poses3D:
    skeleton = draw(skeletons)
    frames, people, joints = draw(st.integers(0, 3)), draw(st.integers(0, 3)), len(skeleton)
    few = draw(st.integers(0, 2))
    return Poses3D(
        array(draw, frames, people, joints, 3),
        array(draw, frames, people, 3) if draw(st.booleans()) else None,
        array(draw, frames, people, joints, 3, 3),
        skeleton,
        fps=draw(rates),
        camera=draw(st.none() | cameras()),
        provenance=draw(provenances),
        hypotheses=array(draw, frames, people, few, joints, 3) if draw(st.booleans()) else None,
        keypoints=draw(st.none() | keypoints((frames, people))),
        times=times(draw, frames),
    )


def assert_same(got: Any, want: Any) -> None:
    assert type(got) is type(want)
    for name in want.__dataclass_fields__:
        a, b = getattr(got, name), getattr(want, name)
        if isinstance(b, np.ndarray):
            assert a.dtype == b.dtype, name
            np.testing.assert_array_equal(a, b, err_msg=name)
        elif isinstance(b, Camera | Keypoints2D):
            assert_same(a, b)
        else:
            assert a == b, name


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(given_=keypoints())
def test_keypoints(tmp_path_factory: pytest.TempPathFactory, suffix: str, given_: Keypoints2D) -> None:
    path = tmp_path_factory.mktemp("io") / f"clip{suffix}"
    assert save(given_, path) == path
    assert_same(load(path), given_)


@pytest.mark.parametrize("suffix", SUFFIXES)
@given(given_=poses())
def test_poses(tmp_path_factory: pytest.TempPathFactory, suffix: str, given_: Poses3D) -> None:
    path = tmp_path_factory.mktemp("io") / f"clip{suffix}"
    save(given_, path)
    assert_same(load(path), given_)


def some_poses(frames: int = 4, people: int = 1, root: bool = True, **more: Any) -> Poses3D:
    rng = np.random.default_rng(0)
    skeleton = BUILT_IN["human36m17"]
    xyz = rng.normal(size=(frames, people, 17, 3)).astype(np.float32)
    xyz -= xyz[:, :, :1]
    place = rng.normal(size=(frames, people, 3)) + np.array([0, 0, 4]) if root else None
    return Poses3D(xyz, place, np.broadcast_to(np.eye(3) / 100, (*xyz.shape, 3)), skeleton, fps=50.0, **more)


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (save(some_poses(), tmp_path / f"{name}.npz").read_bytes() for name in "ab")
    assert first == second


def test_npz_needs_no_pickles(tmp_path: Path) -> None:
    path = save(some_poses(provenance={"seed": 1}), tmp_path / "poses.npz")
    with np.load(path, allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)
        assert file["xyz"].shape == (4, 1, 17, 3)


def test_json_is_strict(tmp_path: Path) -> None:
    xy = np.full((1, 1, 3, 2), np.nan)
    path = save(Keypoints2D(xy, xy[..., 0], TINY, (9, 9)), tmp_path / "nobody.json")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    json.loads(path.read_text(encoding="ascii"), parse_constant=refuse)


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.6, 0.99])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_is_cut_off(tmp_path: Path, suffix: str, fraction: float) -> None:
    path = save(some_poses(), tmp_path / f"poses{suffix}")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * fraction)])
    with pytest.raises(InputError, match=r"poses\.") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_a_damaged_byte_is_noticed(tmp_path: Path) -> None:
    path = save(some_poses(), tmp_path / "poses.npz")
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("xyz.npy")
    whole = bytearray(path.read_bytes())
    whole[info.header_offset + 200] ^= 0xFF
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"poses\.npz"):
        load(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_given_fills_what_the_file_lacks(tmp_path: Path, suffix: str) -> None:
    xy = np.zeros((3, 1, 3, 2))
    path = save(Keypoints2D(xy, xy[..., 0], TINY, (9, 9)), tmp_path / f"clip{suffix}")
    assert load(path).fps is None
    assert load(path, fps=25.0).fps == 25.0
