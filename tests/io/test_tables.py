"""Parquet, DeepLabCut's tables and movement's netCDF, read back by pandas, pyarrow and xarray."""

import json
from pathlib import Path

import numpy as np
import pytest

from flowlift.containers import Keypoints2D, Poses3D
from flowlift.datasets.recording import read_recordings
from flowlift.errors import MissingExtraError
from flowlift.io import load, save

from .made_poses import made_poses, without

pandas = pytest.importorskip("pandas")


@pytest.fixture(params=[1, 2], ids=["one", "two"])
def poses(request: pytest.FixtureRequest) -> Poses3D:
    return without(without(made_poses(people=request.param), 1, 0), 2, 0, 4)


def test_parquet_is_the_tidy_table(tmp_path: Path, poses: Poses3D) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pandas.read_parquet(save(poses, tmp_path / "walk.parquet"))
    save(poses, tmp_path / "walk.csv")
    told = pandas.read_csv(tmp_path / "walk.csv")
    assert list(table.columns) == [*told.columns, "bridged"]
    assert not table["bridged"].any()
    for name in told.columns:
        if name == "joint":
            assert list(table[name]) == list(told[name])
        else:
            np.testing.assert_allclose(table[name], told[name], atol=1e-5)
    place = table[["x", "y", "z"]].to_numpy().reshape(*poses.xyz.shape)
    np.testing.assert_array_equal(place, poses.absolute)
    about = json.loads(parquet.read_schema(tmp_path / "walk.parquet").metadata[b"flowlift"])
    assert about["skeleton"]["joints"] == list(poses.skeleton.joints)
    assert about["provenance"]["seed"] == 3


def test_parquet_knows_what_is_missing(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    untimed = Keypoints2D(made_poses().keypoints.xy, made_poses().keypoints.score, made_poses().skeleton, (640, 480))
    found = parquet.read_table(save(untimed, tmp_path / "seen.parquet"))
    assert found.column_names == ["frame", "time", "person", "joint", "x", "y", "score"]
    assert found["time"].null_count == len(found)
    found = parquet.read_table(save(without(made_poses(), 0, 0, 0), tmp_path / "walk.parquet"))
    assert found["x"].null_count == found["z"].null_count == 1


@pytest.mark.parametrize("name", ["walk.dlc.csv", "walk.h5"])
def test_deeplabcut_in_3d(tmp_path: Path, poses: Poses3D, name: str) -> None:
    path, levels = save(poses, tmp_path / name), 3 if poses.people == 1 else 4
    if name.endswith("csv"):
        table = pandas.read_csv(path, header=list(range(levels)), index_col=0)
    else:
        pytest.importorskip("tables")
        table = pandas.read_hdf(path, "df_with_missing")
    expected = ["scorer", "individuals", "bodyparts", "coords"]
    assert list(table.columns.names) == (expected if levels == 4 else [expected[0], *expected[2:]])
    assert list(table.columns[0][-2:]) == ["hip", "x"]
    assert list(table.index) == list(range(len(poses)))
    for person in range(poses.people):
        column = ("flowlift", *([f"person{person}"] if levels == 4 else []), "left_knee")
        joint = poses.skeleton.index("left_knee")
        np.testing.assert_allclose(
            table[[(*column, axis) for axis in "xyz"]].to_numpy(), poses.absolute[:, person, joint], rtol=1e-6
        )


@pytest.mark.parametrize("name", ["seen.dlc.csv", "seen.h5"])
def test_deeplabcut_in_2d_comes_back(tmp_path: Path, poses: Poses3D, name: str) -> None:
    pytest.importorskip("tables")
    found = load(save(poses.keypoints, tmp_path / name), image_size=(640, 480))
    assert isinstance(found, Keypoints2D)
    assert found.skeleton == poses.skeleton
    np.testing.assert_allclose(found.xy, poses.keypoints.xy, rtol=1e-6)
    np.testing.assert_allclose(found.score, poses.keypoints.score, rtol=1e-6)


def test_netcdf_is_movement_s_dataset(tmp_path: Path, poses: Poses3D) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    dataset = poses.to_xarray()
    with xarray.open_dataset(save(poses, tmp_path / "walk.nc"), engine="h5netcdf") as found:
        assert found.identical(dataset) or found.equals(dataset)
        assert found.attrs["ds_type"] == "poses"
        assert found.attrs["source_software"] == "flowlift"
        assert found.attrs["fps"] == 25
        assert found.attrs["time_unit"] == "seconds"
        assert found.position.dims == ("time", "space", "keypoints", "individuals")
        assert found.confidence.dims == ("time", "keypoints", "individuals")
        last = f"person{poses.people - 1}"
        knee = found.position.sel(keypoints="left_knee", individuals=last)
        np.testing.assert_array_equal(knee.sel(space=["x", "y", "z"]), poses.absolute[:, -1, 5])
        np.testing.assert_array_equal(found.confidence.sel(individuals=last), poses.keypoints.score[:, -1])
        np.testing.assert_allclose(found.time, np.arange(6) / 25)
        spread = found.standard_deviation.sel(individuals=last, space="z")
        np.testing.assert_array_equal(spread, poses.std[:, -1, :, 2])


def test_movement_takes_it(poses: Poses3D) -> None:
    validators = pytest.importorskip("movement.validators.datasets")
    validators.ValidPosesInputs.validate(poses.to_xarray())


def test_netcdf_of_keypoints_and_of_untimed_poses(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    poses = made_poses(fps=None, keypoints=None)
    with xarray.open_dataset(save(poses, tmp_path / "walk.nc"), engine="h5netcdf") as found:
        assert found.attrs["time_unit"] == "frames"
        assert list(found.time.values) == list(range(6))
        assert np.isnan(found.confidence).all()
    with xarray.open_dataset(save(made_poses().keypoints, tmp_path / "seen.nc"), engine="h5netcdf") as found:
        assert list(found.space.values) == ["x", "y"]
        np.testing.assert_array_equal(found.position.values[:, 1, 3, 0], made_poses().keypoints.xy[:, 0, 3, 1])


@pytest.mark.parametrize(
    ("suffix", "packages", "extra"),
    [
        (".parquet", ("pyarrow", "pyarrow.parquet"), "parquet"),
        (".nc", ("h5netcdf",), "movement"),
        (".nc", ("xarray",), "movement"),
        (".h5", ("pandas",), "dlc"),
        (".h5", ("tables",), "dlc"),
    ],
)
def test_without_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, packages: tuple[str, ...], extra: str
) -> None:
    for package in packages:
        monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"flowlift\[{extra}\]"):
        save(made_poses(), tmp_path / f"walk{suffix}")
    assert not list(tmp_path.iterdir())


def test_many_people_fit_into_deeplabcut_s_h5(tmp_path: Path) -> None:
    pytest.importorskip("tables")
    one = made_poses(people=1)
    many = Poses3D(np.repeat(one.xyz, 60, axis=1), None, np.repeat(one.cov, 60, axis=1), one.skeleton, one.fps)
    (first, *others) = read_recordings(save(many, tmp_path / "many.h5"))
    assert len(others) == 59
    np.testing.assert_allclose(first.xyz, one.xyz[:, 0], atol=1e-5)
