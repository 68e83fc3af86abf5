"""What a user installs holds everything that the code reads at run time."""

import zipfile
from pathlib import Path

import pytest

import flowlift

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(flowlift.__file__).parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    builders = pytest.importorskip("hatchling.builders.wheel", reason="hatchling builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    built = next(builders.WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]))
    return zipfile.ZipFile(built)


def test_every_file_of_the_package_is_in_it(wheel: zipfile.ZipFile) -> None:
    inside = {name.removeprefix("flowlift/") for name in wheel.namelist()}
    here = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert here <= inside


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors", ".json", ".js", ".css", "py.typed"])
def test_it_holds_data_of_each_kind(wheel: zipfile.ZipFile, suffix: str) -> None:
    assert any(name.endswith(suffix) for name in wheel.namelist())


def test_nothing_else_is_in_it(wheel: zipfile.ZipFile) -> None:
    assert {name.split("/")[0].split("-")[0] for name in wheel.namelist()} == {"flowlift"}


def test_it_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    metadata = next(wheel.read(name).decode() for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    assert f"Version: {flowlift.__version__}" in metadata
    assert "License-Expression: Apache-2.0" in metadata
    for extra in ("mediapipe", "rtmlib", "dlc", "train", "all", "dev"):
        assert f"Provides-Extra: {extra}" in metadata
