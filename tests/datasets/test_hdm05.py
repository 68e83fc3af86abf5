"""HDM05 as a data set: true sizes and places, and the very cameras that the evaluation of HDM05 uses."""

import tarfile
from pathlib import Path

import numpy as np
import pytest

from flowlift.datasets.hdm05 import Hdm05, matches, read_captures
from flowlift.datasets.labelled import DataSet
from flowlift.datasets.opening import DataSetOptions, open_dataset
from flowlift.datasets.views import VARIATIONS, view
from flowlift.errors import InputError

from .mocap_files import BODY, UP, write_amc, write_asf


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two actors, three trials of 24 frames; and an actor who does not count."""
    folder = tmp_path_factory.mktemp("captures")
    for actor, takes in {"bd": ("squat1Reps_001", "cartwheel_002"), "bk": ("sneak2StepsLStart_001",), "mm": ()}.items():
        (folder / actor).mkdir()
        write_asf(folder / actor / f"HDM_{actor}.asf")
        for take in takes:
            write_amc(folder / actor / f"HDM_{actor}_{take}_120.amc", [0.0] * 12 + [0.3] * 12)
    write_amc(folder / "mm" / "HDM_mm_sneak_001_120.amc", [0.0])
    return folder


@pytest.fixture(scope="module")
def archive(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "HDM05_some.tar.xz"
    with tarfile.open(path, "w:xz") as tar:
        tar.add(folder, arcname=".")
    return path


def test_one_clip_a_capture_with_its_true_place(folder: Path) -> None:
    data = open_dataset(folder)
    assert isinstance(data, DataSet)
    assert (data.name, data.splits, data.unit) == ("HDM05", ("test",), "m")
    clips = list(data.clips("test"))
    assert [tuple(clip.labels.values()) for clip in clips] == [("bd", "cartwheel"), ("bd", "squat"), ("bk", "sneak")]
    assert len({clip.name for clip in clips}) == 3
    for clip in clips:
        assert clip.labels.keys() == {"actor", "action"}
        assert clip.keypoints.fps == 10
        world = (clip.xyz + clip.root[:, None] - clip.camera.translation) @ clip.camera.rotation
        np.testing.assert_allclose(world, [BODY, BODY + 0.3 * UP], atol=1e-4)
        assert clip.valid.all()


@pytest.mark.parametrize("name", sorted(VARIATIONS))
def test_each_clip_is_seen_as_the_evaluation_sees_it(folder: Path, name: str) -> None:
    clips = list(open_dataset(folder, kind="hdm05", options=DataSetOptions(seed=4, keypoints=name)).clips("test"))
    for i, (clip, capture) in enumerate(zip(clips, read_captures(folder), strict=True)):
        seen = view(capture, VARIATIONS[name], np.random.default_rng([4, i]))
        np.testing.assert_array_equal(clip.keypoints.xy, seen.keypoints.xy)
        np.testing.assert_array_equal(clip.xyz, seen.truth)
        np.testing.assert_array_equal(clip.root, seen.root)
        assert (clip.camera is None) == (name == "uncalibrated"), "its intrinsics are not to be told"


def test_an_archive_holds_what_its_folder_does(folder: Path, archive: Path) -> None:
    for packed, plain in zip(open_dataset(archive).clips("test"), Hdm05(folder).clips("test"), strict=True):
        assert (packed.name, packed.labels) == (plain.name, plain.labels)
        np.testing.assert_array_equal(packed.keypoints.xy, plain.keypoints.xy)


@pytest.mark.parametrize("packing", ["gz", "bz2", "xz"])
def test_a_damaged_archive_is_refused(tmp_path: Path, packing: str) -> None:
    (tmp_path / "noise").write_bytes(np.random.default_rng(0).bytes(200_000))
    path = tmp_path / f"hdm05.tar.{packing}"
    with tarfile.open(path, f"w:{packing}") as tar:
        tar.add(tmp_path / "noise", arcname="HDM_bd.asf")
    whole, late = path.read_bytes(), 150_000
    for damaged in (whole[:late], whole[:late] + bytes(4000) + whole[late + 4000 :], whole[:20], b"no archive"):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="cannot read it as an"):
            list(open_dataset(path).clips("test"))


def test_what_is_recognised(folder: Path, tmp_path: Path) -> None:
    assert matches(folder)
    assert not matches(tmp_path)
    for name, expected in {
        "hdm05.tar": True,
        "my_HDM05_bd.tgz": True,
        "hdm05.txt": False,
        "other.tar.xz": False,
    }.items():
        (tmp_path / name).touch()
        assert matches(tmp_path / name) is expected, name


def test_what_cannot_be_asked_for(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no split 'train'; it has test"):
        next(Hdm05(folder).clips("train"))
    with pytest.raises(InputError, match="no keypoints 'cpn'; there are exact, noise"):
        open_dataset(folder, options=DataSetOptions(keypoints="cpn"))
    with pytest.raises(InputError, match="no HDM05 clip"):
        next(open_dataset(tmp_path, kind="hdm05").clips("test"))
