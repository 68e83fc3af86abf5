"""Models by name and by path, and folders that are written whole."""

import shutil
from pathlib import Path

import pytest

from flowlift.errors import ModelError, OutputError
from flowlift.models import find_model, models_folder, packaged_models, registered_models
from flowlift.models.folders import export_model, made_whole


@pytest.fixture
def kept(imported: Path) -> Path:
    """A copy of the packaged model as an imported one called `mine`."""
    shutil.copytree(find_model("human").folder, imported / "mine")
    return imported


def test_a_name_is_looked_up_before_a_path(kept, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("human", "mine"):
        shutil.copytree(kept / "mine", tmp_path / name)
    assert find_model("human").folder.parent.name == "models"
    assert find_model("mine").folder == kept / "mine"
    assert find_model("./mine").folder == Path("mine")
    assert find_model(tmp_path / "human").folder == tmp_path / "human"


def test_what_is_imported_is_listed_and_hides_no_packaged_model(kept):
    shutil.copytree(kept / "mine", kept / "human")
    shutil.copytree(kept / "mine", kept / ".flowlift-1234.part")
    (kept / "empty").mkdir()
    assert registered_models() == ("mine",)
    assert find_model("human").folder != kept / "human"


def test_nothing_imported_is_no_error(imported):
    assert registered_models() == ()
    with pytest.raises(ModelError, match=r"unicorn.*human.*imported are none"):
        find_model("unicorn")


def test_the_folder_is_the_users_own(monkeypatch, tmp_path):
    monkeypatch.delenv("FLOWLIFT_MODELS", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert models_folder() == tmp_path / "flowlift" / "models"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert models_folder() == tmp_path / ".local" / "share" / "flowlift" / "models"


def test_an_exported_model_is_whole_and_found_by_its_path(tmp_path):
    model = find_model("human")
    export_model(model, tmp_path / "out" / "copy")
    copy = find_model(tmp_path / "out" / "copy")
    assert copy.name == "human"
    for name in ("model.json", "weights.safetensors", "encoder.onnx", "velocity.onnx"):
        assert (copy.folder / name).read_bytes() == (model.folder / name).read_bytes()


def test_nothing_is_exported_over_what_is_there(tmp_path):
    model = find_model("human")
    (tmp_path / "notes.txt").write_text("keep me")
    for target in (tmp_path, tmp_path / "notes.txt", model.folder):
        with pytest.raises(OutputError, match="is there already"):
            export_model(model, target)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / "empty").mkdir()
    export_model(model, tmp_path / "empty")
    assert (tmp_path / "empty" / "model.json").is_file()


def _stop_half_way(target: Path, trouble: type[BaseException]) -> None:
    with made_whole(target) as folder:
        (folder / "half").touch()
        raise trouble


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, ValueError])
def test_a_folder_is_written_whole_or_not_at_all(tmp_path, trouble):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "old").touch()
    for target in ("there", "new"):
        with pytest.raises(trouble):
            _stop_half_way(tmp_path / target, trouble)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    with made_whole(tmp_path / "there") as folder:
        (folder / "all").touch()
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["all"]
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"), made_whole(tmp_path / "file" / "model"):
        pass
    assert packaged_models() == ("animal", "human", "human-fast")
