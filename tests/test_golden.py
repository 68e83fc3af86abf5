"""Files in each version of flowlift's own formats, as they were written once, are read; newer ones are refused."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

import flowlift
from flowlift.batch.manifest import FORMAT as MANIFEST_FORMAT
from flowlift.batch.manifest import rows_of
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError, ModelError
from flowlift.format_version import check_format
from flowlift.io.packing import FORMAT
from flowlift.models import FORMAT as MODEL_FORMAT
from flowlift.models import find_model
from flowlift.verify import verify

from .golden.write import keypoints

GOLDEN = Path(__file__).parent / "golden"
RESULTS = sorted(path for path in GOLDEN.glob("flowlift-*/poses*.*"))
INPUTS = sorted(path for path in GOLDEN.glob("flowlift-*/keypoints*.*"))
MODELS = sorted(GOLDEN.glob("flowlift-model-*/*.flowlift"))


def where(path: Path) -> str:
    return str(path.relative_to(GOLDEN))


def test_there_is_a_file_of_each_version_there_ever_was() -> None:
    for name in (FORMAT, MODEL_FORMAT, MANIFEST_FORMAT):
        for number in range(1, int(name.rpartition("-")[2]) + 1):
            assert any((GOLDEN / f"{name.rpartition('-')[0]}-{number}").iterdir())


@pytest.mark.parametrize("path", INPUTS, ids=where)
def test_keypoints_are_read(path: Path) -> None:
    found, made = flowlift.load(path), keypoints()
    assert isinstance(found, Keypoints2D)
    np.testing.assert_array_equal(found.xy, made.xy)
    np.testing.assert_array_equal(found.score, made.score)
    np.testing.assert_array_equal(found.frame_times, made.frame_times)
    assert (found.skeleton, found.image_size, found.fps, found.source) == (made.skeleton, (1280, 720), 25.0, "figure")


@pytest.mark.parametrize("path", RESULTS, ids=where)
def test_poses_are_read_and_are_what_their_model_makes_of_their_2d(path: Path) -> None:
    found = flowlift.load(path)
    assert isinstance(found, Poses3D)
    assert found.hypotheses is not None
    assert found.keypoints is not None
    assert (found.xyz.shape, found.hypotheses.shape) == ((4, 2, 17, 3), (4, 2, 2, 17, 3))
    np.testing.assert_array_equal(found.keypoints.xy, keypoints().xy)
    assert (found.provenance["model"], found.provenance["seed"]) == ("golden", 5)
    if found.provenance.get("model_sha256"):
        states = {finding.what: finding.state for finding in verify(path, model=MODELS[0])}
        assert (states["content"], states["version"]) == ("same", "same")
        again = flowlift.Lifter.load(MODELS[0])(found.keypoints, found.camera, hypotheses=2, seed=5)
        np.testing.assert_allclose(again.xyz, found.xyz, atol=1e-4)  # where bodies stand is found better now


@pytest.mark.parametrize("path", MODELS, ids=where)
def test_models_are_read(path: Path) -> None:
    model = find_model(path)
    assert (model.name, len(model.skeleton), model.steps) == ("golden", 17, 3)


@pytest.mark.parametrize("kind", ["keypoints", "poses"])
def test_a_result_of_a_newer_version_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.json"
    held = json.loads((GOLDEN / FORMAT / f"{kind}.json").read_text())
    path.write_text(json.dumps(held | {"format": "flowlift-99"}))
    with pytest.raises(InputError, match=rf"a\.json: .*'flowlift-99', of a newer flowlift.*{FORMAT}.*pip install"):
        flowlift.load(path)
    with np.load(GOLDEN / FORMAT / f"{kind}.npz") as file:
        arrays = {name: file[name] for name in file.files}
    about = json.loads(str(arrays["about"])) | {"format": "flowlift-99"}
    np.savez(tmp_path / "a.npz", **arrays | {"about": np.array(json.dumps(about))})
    with pytest.raises(InputError, match=r"a\.npz: .*of a newer flowlift"):
        flowlift.load(tmp_path / "a.npz")


def test_a_model_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.flowlift"
    with zipfile.ZipFile(MODELS[0]) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "model.json":
                content = json.dumps(json.loads(content) | {"format": "flowlift-model-99"}).encode()
            new.writestr(name, content)
    with pytest.raises(ModelError, match=r"a\.flowlift.*'flowlift-model-99', of a newer flowlift"):
        find_model(path)


@pytest.mark.parametrize("given", ["flowlift-0", "flowlift-model-1", "flowlift", "other-9", "flowlift-9x", None, 3])
def test_what_is_no_version_is_not_called_newer(given: object) -> None:
    with pytest.raises(InputError) as caught:
        check_format(given, "flowlift-1")
    assert "newer" not in str(caught.value)


def test_files_of_before_checksums_are_read(tmp_path: Path) -> None:
    """The first files of this format tell no checksum: they are read, and what cannot be checked is said."""
    path = shutil.copy(GOLDEN / FORMAT / "poses-without-sums.npz", tmp_path / "a.npz")
    states = {finding.what: finding.state for finding in verify(path)}
    assert states == dict.fromkeys(("content", "source", "model", "poses"), "not checked") | {"version": "same"}


@pytest.mark.parametrize("name", ["manifest", "without-format"])
def test_manifests_are_read(name: str) -> None:
    rows = rows_of((GOLDEN / "flowlift-manifest-1" / f"{name}.jsonl").read_bytes())
    assert [(row.clip, row.state, row.frames, row.attempts) for row in rows.values()] == [
        ("a/one", "done", 30, 1),
        ("two", "failed", 0, 2),
    ]
    assert rows["a/one"].files == {"a/one.npz": (1234, "ab" * 32)}
    assert rows["two"].error == "two.mp4: nobody to lift"


def test_a_manifest_of_a_newer_version_is_refused() -> None:
    content = (GOLDEN / MANIFEST_FORMAT / "manifest.jsonl").read_bytes()
    with pytest.raises(InputError, match=r"'flowlift-manifest-2', of a newer flowlift"):
        rows_of(content.replace(b"manifest-1", b"manifest-2"))
