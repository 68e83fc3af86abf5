"""What is written: tables, TRC, pages; whole or not at all."""

import csv
import errno
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError, OutputError
from flowlift.io import WRITERS, load, save
from flowlift.skeletons import BUILT_IN, HUMAN36M17

SUFFIXES = tuple(WRITERS)


def poses(frames: int = 4, people: int = 1, root: bool = True, **more: Any) -> Poses3D:
    rng = np.random.default_rng(0)
    xyz = rng.normal(size=(frames, people, 17, 3))
    xyz -= xyz[:, :, :1]
    place = rng.normal(size=(frames, people, 3)) + np.array([0, 0, 4]) if root else None
    spread = np.diag([1, 4, 9]) / 1e4
    return Poses3D(xyz, place, np.broadcast_to(spread, (*xyz.shape, 3)), HUMAN36M17, **{"fps": 50.0, **more})


def keypoints(frames: int = 3) -> Keypoints2D:
    rng = np.random.default_rng(1)
    xy = rng.uniform(0, 400, (frames, 2, 17, 2))
    xy[1, 0, 3] = np.nan
    return Keypoints2D(xy, rng.uniform(0, 1, (frames, 2, 17)), BUILT_IN["coco17"], (640, 480), fps=25.0)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def number(cell: str) -> float:
    return float(cell) if cell else math.nan


def test_the_table_of_poses(tmp_path: Path) -> None:
    given = poses(people=2)
    table = rows(save(given, tmp_path / "poses.csv"))
    assert list(table[0]) == ["frame", "time", "person", "joint", "x", "y", "z", "sd_x", "sd_y", "sd_z"]
    assert len(table) == 4 * 2 * 17
    place = np.array([[number(row[c]) for c in "xyz"] for row in table]).reshape(4, 2, 17, 3)
    np.testing.assert_allclose(place, given.absolute, atol=2e-5)
    sd = np.array([[number(row[f"sd_{c}"]) for c in "xyz"] for row in table])
    np.testing.assert_allclose(sd, np.broadcast_to([0.01, 0.02, 0.03], sd.shape), atol=1e-5)
    assert [row["joint"] for row in table[:17]] == list(HUMAN36M17.joints)
    assert [int(row["frame"]) for row in table[:: 2 * 17]] == [0, 1, 2, 3]
    np.testing.assert_allclose([float(row["time"]) for row in table[:: 2 * 17]], [0, 0.02, 0.04, 0.06])
    assert [row["person"] for row in table[: 2 * 17 : 17]] == ["0", "1"]


def test_the_table_without_a_root(tmp_path: Path) -> None:
    given = poses(root=False)
    table = rows(save(given, tmp_path / "poses.csv"))
    place = np.array([[number(row[c]) for c in "xyz"] for row in table]).reshape(4, 1, 17, 3)
    np.testing.assert_allclose(place, given.xyz, atol=2e-5)


def test_the_table_of_keypoints(tmp_path: Path) -> None:
    given = keypoints()
    table = rows(save(given, tmp_path / "keypoints.csv"))
    assert list(table[0]) == ["frame", "time", "person", "joint", "x", "y", "score"]
    xy = np.array([[number(row[c]) for c in "xy"] for row in table]).reshape(3, 2, 17, 2)
    np.testing.assert_allclose(xy, given.xy, atol=1e-3)
    np.testing.assert_allclose([number(row["score"]) for row in table], given.score.ravel(), atol=1e-3)
    assert table[2 * 17 + 3]["x"] == ""


def test_no_time_is_made_up(tmp_path: Path) -> None:
    table = rows(save(poses(fps=None), tmp_path / "poses.csv"))
    assert {row["time"] for row in table} == {""}


def test_missing_values_are_empty(tmp_path: Path) -> None:
    xyz = poses().xyz.copy()
    xyz[2, 0] = np.nan
    given = Poses3D(xyz, poses().root, poses().cov * np.nan, HUMAN36M17, fps=50.0)
    for suffix in (".csv", ".trc"):
        text = save(given, tmp_path / f"poses{suffix}").read_text()
        assert "nan" not in text.lower()
    assert rows(tmp_path / "poses.csv")[2 * 17]["x"] == ""


@pytest.mark.parametrize("suffix", [".trc", ".c3d", ".bvh", ".glb"])
def test_nobody_is_not_written_and_said(tmp_path: Path, suffix: str) -> None:
    nobody = Poses3D(np.zeros((3, 0, 17, 3)), None, np.zeros((3, 0, 17, 3, 3)), HUMAN36M17, fps=30.0)
    with pytest.raises(OutputError, match=rf"x\{suffix}: "):
        save(nobody, tmp_path / f"x{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("root", [True, False])
def test_trc_comes_back(tmp_path: Path, root: bool) -> None:
    given = poses(root=root, times=np.array([0.0, 0.1, 0.15, 0.3]))
    found = load(save(given, tmp_path / "poses.trc"))
    assert isinstance(found, Poses3D)
    assert found.skeleton == HUMAN36M17
    assert found.fps == 10.0  # the mean of its times
    np.testing.assert_allclose(found.frame_times, given.frame_times, atol=1e-6)
    np.testing.assert_allclose(found.absolute, given.absolute if root else given.xyz, atol=2e-6)
    np.testing.assert_allclose(found.xyz, given.xyz, atol=2e-6)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_trc_knows_the_skeleton_again(tmp_path: Path, name: str) -> None:
    skeleton = BUILT_IN[name]
    xyz = np.random.default_rng(0).normal(size=(2, 1, len(skeleton), 3))
    xyz -= xyz[:, :, skeleton.root][:, :, None]
    given = Poses3D(xyz, None, np.zeros((*xyz.shape, 3)), skeleton, fps=30.0)
    found = load(save(given, tmp_path / "poses.trc"))
    assert found.skeleton == skeleton
    np.testing.assert_allclose(found.xyz, given.xyz, atol=2e-6)


def test_trc_as_opensim_wants_it(tmp_path: Path) -> None:
    given = poses()
    lines = [line.split("\t") for line in save(given, tmp_path / "poses.trc").read_text().splitlines()]
    assert lines[0] == ["PathFileType", "4", "(X/Y/Z)", "poses.trc"]
    assert lines[1][:5] == ["DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units"]
    assert lines[2][:5] == ["50", "50", "4", "17", "m"]
    assert lines[3][:2] == ["Frame#", "Time"]
    assert lines[3][2 : 2 + 3 * 5 : 3] == ["Hip", "RHip", "RKnee", "RAnkle", "LHip"]
    assert lines[4][:5] == ["", "", "X1", "Y1", "Z1"]
    data = [line for line in lines[5:] if any(line)]
    assert len(data) == 4
    assert all(len(line) == 2 + 3 * 17 for line in data)
    assert data[0][0] == "1"
    x, y, z = map(float, data[0][2:5])
    np.testing.assert_allclose([x, -y, -z], given.absolute[0, 0, 0], atol=1e-6)


def test_each_person_has_a_trc(tmp_path: Path) -> None:
    given = poses(people=2)
    save(given, tmp_path / "poses.trc")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["poses_person0.trc", "poses_person1.trc"]
    for person in (0, 1):
        found = load(tmp_path / f"poses_person{person}.trc")
        np.testing.assert_allclose(found.absolute[:, 0], given.absolute[:, person], atol=2e-6)


def test_the_real_trc(shared_data: Path) -> None:
    path = shared_data / "eval" / "pose2sim" / "S00_P00_T01_BalancingTrial_0-100.trc"
    found = load(path)
    assert isinstance(found, Poses3D)
    assert found.xyz.shape == (100, 1, 21, 3)
    assert found.fps == 60.0
    knee = found.skeleton.joints.index("RKnee") if "RKnee" in found.skeleton.joints else 1
    np.testing.assert_allclose(found.absolute[0, 0, knee], [-0.0396264, -0.4930974, 1.4485228], atol=1e-6)


GOOD_TRC = (
    "PathFileType\t4\t(X/Y/Z)\tgood.trc\n"
    "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n"
    "60\t60\t1\t2\tmm\t60\t1\t1\nFrame#\tTime\tA\t\t\tB\t\t\n\t\tX1\tY1\tZ1\tX2\tY2\tZ2\n\n"
    "1\t0.0\t1000\t2000\t3000\t4000\t5000\t6000\n"
)


def test_units_and_rate_of_a_trc(tmp_path: Path) -> None:
    (tmp_path / "good.trc").write_text(GOOD_TRC)
    found = load(tmp_path / "good.trc")
    np.testing.assert_allclose(found.absolute[0, 0], [[1, -2, -3], [4, -5, -6]])
    assert found.skeleton.joints == ("A", "B")
    assert np.isnan(found.cov).all()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PathFileType\n",
        GOOD_TRC[:200],
        GOOD_TRC.replace("mm", "miles"),
        GOOD_TRC.replace("3000", "three"),
        GOOD_TRC.replace("\tB", "\tA"),
        GOOD_TRC.replace("60\t60", "0\t0"),
        GOOD_TRC[: GOOD_TRC.index("1\t0.0")],
        GOOD_TRC.replace("3000", "inf"),
    ],
    ids=range(9),
)
def test_damaged_trc(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.trc").write_text(text)
    with pytest.raises(InputError, match=r"bad\.trc") as caught:
        load(tmp_path / "bad.trc")
    assert "\n" not in str(caught.value)


PIXELS = (
    "PathFileType\t4\t(X/Y/Z)\tme_Sports2D_px_person00.trc\n"
    "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames\n"
    "60\t60\t3\t3\tm\t60\t0\t3\nFrame#\tTime\tNose\t\t\tRBigToe\t\t\tHip\t\t\t\n\t\tX1\tY1\tZ1\tX2\tY2\tZ2\tX3\tY3\tZ3\n"
    "0\t0.0\t410.5\t220.25\t0.0\t400.0\t900.0\t0.0\t405.0\t500.0\t0.0\n"
    "1\t0.016667\t411.5\t221.25\t0.0\t\t\t\t0.0\t0.0\t0.0\n"
    "2\t0.033333\t412.5\t222.25\t0.0\t402.0\t902.0\t0.0\t406.0\t501.0\t0.0\n"
)


@pytest.mark.parametrize("unit", ["m", "px"])
def test_a_trc_in_pixels_is_keypoints(tmp_path: Path, unit: str) -> None:
    (tmp_path / "me_Sports2D_px_person00.trc").write_text(PIXELS.replace("\tm\t", f"\t{unit}\t"))
    found = load(tmp_path / "me_Sports2D_px_person00.trc", image_size=(1920, 1080))
    assert isinstance(found, Keypoints2D)
    assert found.skeleton.joints == ("nose", "right_big_toe", "hip")
    assert (found.fps, found.image_size) == (60.0, (1920, 1080))
    np.testing.assert_allclose(found.xy[:, 0, 0], [[410.5, 220.25], [411.5, 221.25], [412.5, 222.25]])
    assert np.isnan(found.xy[1, 0, 1:]).all()
    assert np.isnan(found.score).all()
    with pytest.warns(UserWarning, match="image size"):
        load(tmp_path / "me_Sports2D_px_person00.trc")


def test_metres_in_one_plane_are_metres(tmp_path: Path) -> None:
    """Sports2D's other files: also flat, but a person's size."""
    (tmp_path / "flat.trc").write_text(GOOD_TRC.replace("3000", "0").replace("6000", "0"))
    assert isinstance(load(tmp_path / "flat.trc"), Poses3D)


def test_html_is_a_page(tmp_path: Path) -> None:
    text = save(poses(), tmp_path / "poses.html").read_text(encoding="utf-8")
    assert text.lstrip().lower().startswith("<!doctype html>")


@pytest.mark.parametrize("suffix", [".trc", ".html", ".bvh", ".glb", ".c3d"])
def test_keypoints_are_no_poses(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(OutputError, match=r"clip\."):
        save(keypoints(), tmp_path / f"clip{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"poses\.xlsx.*\.npz.*") as caught:
        save(poses(), tmp_path / "poses.xlsx")
    assert all(suffix in str(caught.value) for suffix in WRITERS)
    assert list(tmp_path.iterdir()) == []


def test_suffixes_of_any_case_and_new_folders(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        path = save(poses(), tmp_path / "deep" / "er" / f"poses{suffix.upper()}")
        assert path.is_file()
    assert len(list((tmp_path / "deep" / "er").iterdir())) == len(SUFFIXES)


def test_files_have_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    for suffix in SUFFIXES:
        path = save(poses(), tmp_path / f"poses{suffix}")
        assert path.stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_long_names(tmp_path: Path, suffix: str) -> None:
    """A name as long as a file system takes: what is written beside it must fit too."""
    if suffix == ".html":
        pytest.skip("the viewer writes its own file")
    path = save(poses(), tmp_path / ("n" * (255 - len(suffix)) + suffix))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


class Stop(BaseException):
    """Stands for Ctrl-C; pytest itself listens to KeyboardInterrupt."""


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("old", [b"an older result", None])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), Stop()], ids=["full", "ctrl-c"])
def test_nothing_is_left_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, old: bytes | None, error: BaseException
) -> None:
    path = tmp_path / f"poses{suffix}"
    if old is not None:
        path.write_bytes(old)

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(os, "replace", fail)
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError if isinstance(error, OSError) else Stop) as caught:
        save(poses(), path)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([] if old is None else [old])
    if isinstance(error, OSError):
        assert str(path) in str(caught.value)
        assert "No space left" in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_places_that_cannot_be_written(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / "file").touch()
    for place in (tmp_path / f"folder{suffix}", tmp_path / "file" / f"poses{suffix}", Path(f"/proc/poses{suffix}")):
        with pytest.raises(OutputError) as caught:
            save(poses(), place)
        assert str(place) in str(caught.value)
        assert "\n" not in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", f"folder{suffix}"]


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".json", ".trc", ".html", ".bvh", ".c3d", ".parquet"])
def test_a_full_disk(tmp_path: Path, suffix: str) -> None:
    """A limit on file sizes, in a child process, fails writing half-way as a full disk does."""
    code = f"""
import resource, sys
from pathlib import Path
import numpy as np
from flowlift.containers import Poses3D
from flowlift.errors import OutputError
from flowlift.io import save
from flowlift.skeletons import HUMAN36M17
xyz = np.random.default_rng(0).normal(size=(400, 1, 17, 3))
poses = Poses3D(xyz, xyz[:, :, 0], np.zeros((*xyz.shape, 3)), HUMAN36M17, fps=50.0)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    save(poses, Path({str(tmp_path)!r}) / "poses{suffix}")
except OutputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
    assert f"poses{suffix}" in done.stdout
    assert list(tmp_path.iterdir()) == []
