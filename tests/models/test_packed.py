"""A model in one file: it lifts as its folder does; what is no model is refused, and nothing is left behind."""

import gc
import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from flowlift import Lifter
from flowlift.demo import synthesize
from flowlift.errors import ModelError, OutputError
from flowlift.models import find_model, packed
from flowlift.models.packed import pack_model


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "human.flowlift"
    pack_model(find_model("human"), path)
    return path


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Where models are unpacked in these tests."""
    place = tmp_path / "unpacked"
    place.mkdir()
    monkeypatch.setattr(packed.tempfile, "tempdir", str(place))
    return place


def with_member(file: Path, path: Path, name: str, content: bytes = b"x", **about) -> Path:
    path.write_bytes(file.read_bytes())
    entry = zipfile.ZipInfo(name)
    entry.external_attr = about.get("mode", 0o644) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, content)
    return path


def test_a_packed_model_lifts_as_its_folder_does_and_is_cleared_away(file, temporary):
    clip = synthesize(seconds=0.2)
    lifter = Lifter.load(file)
    found = lifter(clip.keypoints, clip.camera, hypotheses=2)
    np.testing.assert_array_equal(found.xyz, Lifter.load("human")(clip.keypoints, clip.camera, hypotheses=2).xyz)
    assert list(temporary.iterdir())
    del lifter
    gc.collect()
    assert not list(temporary.iterdir())


def test_the_same_model_gives_the_same_bytes(file, tmp_path):
    pack_model(find_model(file), tmp_path / "again.flowlift")
    assert (tmp_path / "again.flowlift").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "model.json/../../evil", "..\\evil", "sub/model.json", "run.py"]
)
def test_names_that_no_model_has_are_refused(file, tmp_path, temporary, name):
    bad = with_member(file, tmp_path / "bad.flowlift", name)
    with pytest.raises(ModelError, match=r"bad\.flowlift: no model: it holds"):
        find_model(bad)
    assert not list(temporary.iterdir())
    assert not (tmp_path / "evil").exists()


def test_links_are_plain_files(file, tmp_path, temporary):
    secret = tmp_path / "secret"
    secret.write_text("{}")
    bad = tmp_path / "bad.flowlift"
    entry = zipfile.ZipInfo("model.json")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr(entry, str(secret))
    with pytest.raises(ModelError, match="damaged"):
        find_model(bad)
    assert not list(temporary.iterdir())


def test_a_file_twice_is_refused(file, tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        bad = with_member(file, tmp_path / "bad.flowlift", "model.json")
    with pytest.raises(ModelError, match="holds a file twice"):
        find_model(bad)


def test_what_unpacks_to_too_much_is_refused_whatever_it_says(tmp_path, temporary, monkeypatch):
    monkeypatch.setitem(packed.LARGEST, "velocity.onnx", 10_000)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", "{}")
        archive.writestr("velocity.onnx", bytes(1_000_000))
    (tmp_path / "bomb.flowlift").write_bytes(content.getvalue())
    with pytest.raises(ModelError, match=r"velocity\.onnx is larger than 10,000 bytes"):
        find_model(tmp_path / "bomb.flowlift")
    assert not list(temporary.iterdir())


def test_damage_is_told_in_one_line(file, tmp_path, temporary):
    whole = file.read_bytes()
    for name, content in {
        "empty": b"",
        "junk": b"junk" * 100,
        "cut": whole[: len(whole) // 2],
        "flipped": whole[:2000] + bytes([whole[2000] ^ 255]) + whole[2001:],
    }.items():
        (tmp_path / f"{name}.flowlift").write_bytes(content)
        with pytest.raises(ModelError, match=rf"{name}\.flowlift") as told:
            Lifter.load(tmp_path / f"{name}.flowlift")
        assert "\n" not in str(told.value)
        assert str(temporary) not in str(told.value)
    gc.collect()
    assert not list(temporary.iterdir())


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "folder.flowlift").mkdir()
    for path in (tmp_path / "folder.flowlift", tmp_path / "absent" / "a.flowlift"):
        with pytest.raises(OutputError):
            pack_model(find_model("human"), path)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".flowlift")] == []
