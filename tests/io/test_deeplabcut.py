"""DeepLabCut tables: CSV and h5, one animal and several."""

import contextlib
import itertools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError, MissingExtraError
from flowlift.io import load
from flowlift.skeletons import ANIMAL3D26, COCO17

SIZE = (640, 480)
MOUSE = ("snout", "Left Ear", "right-ear", "tail base")


def columns(individuals: tuple[str, ...], bodyparts: tuple[str, ...]) -> list[tuple[str, ...]]:
    scorer = ("DLC_resnet50_mouse",)
    people = [(name,) for name in individuals] or [()]
    return [(*scorer, *who, part, c) for who in people for part in bodyparts for c in ("x", "y", "likelihood")]


def table(labels: list[tuple[str, ...]], frames: int = 3) -> np.ndarray:
    values = np.arange(frames * len(labels), dtype=np.float64).reshape(frames, -1) + 0.125
    values[:, 2::3] = 0.75
    return values


def write_csv(path: Path, labels: list[tuple[str, ...]], values: np.ndarray) -> Path:
    names = (
        ("scorer", "individuals", "bodyparts", "coords") if len(labels[0]) == 4 else ("scorer", "bodyparts", "coords")
    )
    rows = [[name, *level] for name, level in zip(names, zip(*labels, strict=True), strict=True)]
    rows += [[str(i), *("" if v != v else repr(float(v)) for v in row)] for i, row in enumerate(values)]
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    return path


def write_h5(path: Path, labels: list[tuple[str, ...]], values: np.ndarray, layout: str = "table") -> Path:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    names = (
        ["scorer", "individuals", "bodyparts", "coords"] if len(labels[0]) == 4 else ["scorer", "bodyparts", "coords"]
    )
    frame = pandas.DataFrame(values, columns=pandas.MultiIndex.from_tuples(labels, names=names))
    frame.to_hdf(path, key="df_with_missing", format=layout, mode="w")
    return path


def read(path: Path, **more: Any) -> Keypoints2D:
    found = load(path, **{"image_size": SIZE, **more})
    assert isinstance(found, Keypoints2D)
    return found


WRITE = {
    "csv": lambda path, *args: write_csv(path.with_suffix(".csv"), *args),
    "table": lambda path, *args: write_h5(path.with_suffix(".h5"), *args),
    "fixed": lambda path, *args: write_h5(path.with_suffix(".h5"), *args, "fixed"),
}


@pytest.mark.parametrize("kind", WRITE)
def test_one_animal(tmp_path: Path, kind: str) -> None:
    labels = columns((), MOUSE)
    values = table(labels)
    values[1, 3:5] = np.nan
    found = read(WRITE[kind](tmp_path / "videoDLC", labels, values), fps=30.0)
    assert found.skeleton.joints == ("snout", "left_ear", "right_ear", "tail_base")
    assert found.skeleton.parents == (None, "snout", "snout", "snout")
    assert found.fps == 30.0
    assert found.xy.shape == (3, 1, 4, 2)
    np.testing.assert_allclose(found.xy[:, 0, 0], values[:, 0:2])
    np.testing.assert_allclose(found.xy[2, 0, 3], values[2, 9:11])
    assert np.isnan(found.xy[1, 0, 1]).all()
    np.testing.assert_allclose(found.score[0], 0.75)


@pytest.mark.parametrize("kind", WRITE)
def test_several_animals(tmp_path: Path, kind: str) -> None:
    labels = columns(("zoe", "adam"), MOUSE)
    values = table(labels)
    found = read(WRITE[kind](tmp_path / "videoDLC", labels, values))
    assert found.xy.shape == (3, 2, 4, 2)
    np.testing.assert_allclose(found.xy[:, 0, 0], values[:, 0:2])
    np.testing.assert_allclose(found.xy[:, 1, 0], values[:, 12:14])


@pytest.mark.parametrize("kind", WRITE)
def test_animals_and_places(tmp_path: Path, kind: str) -> None:
    """`single` holds what there is once in the picture, such as the corners of a box: nobody's joints."""
    labels = columns(("a", "b"), MOUSE) + columns(("single",), ("corner",))
    found = read(WRITE[kind](tmp_path / "videoDLC", labels, table(labels)))
    assert found.xy.shape == (3, 2, 4, 2)


@pytest.mark.parametrize("kind", WRITE)
@pytest.mark.parametrize("skeleton", [COCO17, ANIMAL3D26], ids=lambda s: s.name)
def test_a_built_in_skeleton_is_recognised(tmp_path: Path, kind: str, skeleton: Any) -> None:
    shuffled = tuple(reversed([joint.replace("_", " ").title() for joint in skeleton.joints]))
    labels = columns((), (*shuffled, "hat"))
    values = table(labels)
    found = read(WRITE[kind](tmp_path / "videoDLC", labels, values))
    assert found.skeleton == skeleton
    np.testing.assert_allclose(found.xy[:, 0, -1], values[:, 0:2])
    np.testing.assert_allclose(found.xy[:, 0, 0], values[:, -6:-4])


def test_labels_by_hand_have_no_likelihood(tmp_path: Path) -> None:
    (tmp_path / "CollectedData_me.csv").write_text(
        "scorer,,,me,me,me,me\nbodyparts,,,snout,snout,tail,tail\ncoords,,,x,y,x,y\n"
        "labeled-data,clip,img01.png,1.5,2.5,3.5,4.5\nlabeled-data,clip,img02.png,,,5.5,6.5\n"
    )
    found = read(tmp_path / "CollectedData_me.csv")
    np.testing.assert_array_equal(found.xy[:, 0, 1], [[3.5, 4.5], [5.5, 6.5]])
    assert np.isnan(found.xy[1, 0, 0]).all()
    assert np.isnan(found.score).all()


def test_the_size_is_estimated(tmp_path: Path) -> None:
    labels = columns((), MOUSE)
    path = write_csv(tmp_path / "a.csv", labels, table(labels))
    with pytest.warns(UserWarning, match="image size"):
        found = load(path)
    assert found.image_size[0] >= np.nanmax(found.xy[..., 0])


GOOD = "scorer,s,s,s\nbodyparts,a,a,a\ncoords,x,y,likelihood\n0,1,2,0.5\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "scorer\n",
        "scorer,s,s,s\n",
        "scorer,s,s,s\nbodyparts,a,a,a\n",
        "scorer,s,s,s\nbodyparts,a,a\ncoords,x,y,likelihood\n0,1,2,3\n",
        "scorer,s,s,s\nbodyparts,a,a,a\ncoords,x,y,likelihood\n",
        GOOD + "1,1,2\n",
        GOOD + "1,1,2,3,4\n",
        GOOD + "1,1,two,0.5\n",
        GOOD + "1,1,inf,0.5\n",
        GOOD.replace("coords,x,y,likelihood", "coords,x,y,z"),
        GOOD.replace("coords,x,y,likelihood", "coords,x,likelihood,x"),
        GOOD.replace("coords,x,y,likelihood", "coords,u,v,w"),
        "scorer,s,s,s,s\nbodyparts,a b,a b,a-b,a-b\ncoords,x,y,x,y\n0,1,2,3,4\n",
        "frame,time\n0,1\n",
        GOOD.replace("0,1,2", "0,\0,2"),
        GOOD + '1,"' + "9" * 200_000 + '",2,0.5\n',
    ],
    ids=range(17),
)
def test_damaged_csv(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(InputError, match=r"bad\.csv") as caught:
        read(tmp_path / "bad.csv")
    assert "\n" not in str(caught.value)


def test_a_named_skeleton_without_a_column(tmp_path: Path) -> None:
    labels = columns((), MOUSE)
    with pytest.raises(InputError, match="snout"):
        read(write_csv(tmp_path / "bad.csv", labels, table(labels)), skeleton="coco17")


@pytest.mark.parametrize("layout", ["table", "fixed"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_cut_h5(tmp_path: Path, layout: str, kept: float) -> None:
    labels = columns((), MOUSE)
    path = write_h5(tmp_path / "bad.h5", labels, table(labels, 500), layout)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InputError, match=r"bad\.h5") as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"text", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + bytes(500)])
def test_not_h5(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("tables")
    (tmp_path / "bad.h5").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.h5"):
        read(tmp_path / "bad.h5")


def test_another_table(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("tables")
    pandas.DataFrame({"a": [1.0, 2.0]}).to_hdf(tmp_path / "bad.h5", key="x", format="table")
    with pytest.raises(InputError, match=r"bad\.h5"):
        read(tmp_path / "bad.h5")


class Hostile:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.write_text, (self.trace, "executed"))


@pytest.mark.parametrize("layout", ["table", "fixed"])
@pytest.mark.parametrize(
    "name",
    ["non_index_axes", "info", "values_block_0_kind", "TITLE", "CLASS", "encoding", "pandas_type", "FILTERS", "x"],
)
def test_nothing_in_an_h5_is_executed(tmp_path: Path, layout: str, name: str) -> None:
    tables = pytest.importorskip("tables")
    labels = columns((), MOUSE)
    path = write_h5(tmp_path / "hostile.h5", labels, table(labels), layout)
    trace = tmp_path / "trace"
    bomb = np.bytes_(pickle.dumps(Hostile(trace), 0))
    assert bomb.endswith(b".")
    with tables.open_file(str(path), "a") as file:
        group = file.root.df_with_missing
        for node in (file.root, group, *group._f_iter_nodes("Leaf")):
            node._v_attrs._g_setattr(node, name, bomb)
    assert not trace.exists()
    with contextlib.suppress(InputError):  # what it needs not is passed over
        read(path)
    assert not trace.exists()


def test_no_object_in_an_h5_is_executed(tmp_path: Path) -> None:
    tables = pytest.importorskip("tables")
    labels = columns((), MOUSE)
    path = write_h5(tmp_path / "hostile.h5", labels, table(labels), "fixed")
    trace = tmp_path / "trace"
    with tables.open_file(str(path), "a") as file:
        group = file.root.df_with_missing
        for name in [n for n in group._v_children if "level" in n or "values" in n]:
            file.remove_node(group, name)
            file.create_vlarray(group, name, tables.ObjectAtom()).append(Hostile(trace))
    with pytest.raises(InputError, match=r"hostile\.h5"):
        read(path)
    assert not trace.exists()


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = columns((), MOUSE)
    path = write_h5(tmp_path / "a.h5", labels, table(labels))
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"flowlift\[dlc\]"):
        read(path)


def test_csv_needs_no_pandas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tables", "pandas"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    labels = columns((), MOUSE)
    assert len(read(write_csv(tmp_path / "a.csv", labels, table(labels)))) == 3


def test_the_two_files_of_one_clip_agree(tmp_path: Path) -> None:
    labels = columns(("a", "b"), MOUSE)
    values = table(labels, 20)
    found = [read(WRITE[kind](tmp_path / kind, labels, values)) for kind in WRITE]
    for one, other in itertools.pairwise(found):
        np.testing.assert_array_equal(one.xy, other.xy)
        np.testing.assert_array_equal(one.score, other.score)
        assert one.skeleton.joints == other.skeleton.joints


def test_the_same_column_twice_is_refused(tmp_path: Path) -> None:
    labels = [*columns((), MOUSE), *columns((), ("snout",))]
    path = write_csv(tmp_path / "twice.csv", labels, table(labels))
    with pytest.raises(InputError, match=r"twice\.csv: it has x of snout more than once"):
        read(path)


def test_frames_stand_where_their_numbers_say(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    labels = columns((), MOUSE)
    values = table(labels)
    path = write_csv(tmp_path / "gaps.csv", labels, values)
    text = path.read_text().replace("\n1,", "\n2,").replace("\n2,", "\n4,", 2).replace("\n4,", "\n2,", 1)
    path.write_text(text)
    index = pandas.Index([0, 2, 4])
    frame = pandas.DataFrame(
        values, index=index, columns=pandas.MultiIndex.from_tuples(labels, names=["scorer", "bodyparts", "coords"])
    )
    frames = [read(path)]
    for layout in ("table", "fixed"):
        frame.to_hdf(tmp_path / f"{layout}.h5", key="df_with_missing", format=layout, mode="w")
        frames.append(read(tmp_path / f"{layout}.h5"))
    for found in frames:
        assert len(found) == 5
        assert np.isnan(found.xy[[1, 3]]).all()
        np.testing.assert_allclose(found.xy[[0, 2, 4], 0, 0, 0], values[:, 0])
    path.write_text(text.replace("\n4,", "\n1,"))
    with pytest.raises(InputError, match="do not rise"):
        read(path)


def test_columns_of_several_kinds_of_numbers_keep_their_names(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    labels = columns((), MOUSE)
    frame = pandas.DataFrame(
        table(labels), columns=pandas.MultiIndex.from_tuples(labels, names=["scorer", "bodyparts", "coords"])
    )
    whole = frame.astype({labels[1]: "int64", labels[6]: "int64"})
    whole.to_hdf(tmp_path / "mixed.h5", key="df_with_missing", format="fixed", mode="w")
    frame.to_hdf(tmp_path / "plain.h5", key="df_with_missing", format="fixed", mode="w")
    np.testing.assert_allclose(read(tmp_path / "mixed.h5").xy, read(tmp_path / "plain.h5").xy, atol=0.5)


def test_a_quoted_header_is_one(tmp_path: Path) -> None:
    labels = columns((), MOUSE)
    path = write_csv(tmp_path / "plain.csv", labels, table(labels))
    quoted = tmp_path / "quoted.csv"
    lines = [",".join(f'"{cell}"' for cell in line.split(",")) for line in path.read_text().splitlines()]
    quoted.write_text("\n".join(lines) + "\n")
    np.testing.assert_array_equal(read(quoted).xy, read(path).xy)


def test_one_animal_has_no_name_to_ask_for(tmp_path: Path) -> None:
    labels = columns((), MOUSE)
    path = write_csv(tmp_path / "one.csv", labels, table(labels))
    with pytest.raises(InputError, match="one animal without a name"):
        load(f"{path}::zoe", image_size=SIZE)
