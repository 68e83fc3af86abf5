"""Animal3D in its published shape: one picture a clip, the 2D that was asked for, 3D from the tail's base."""

import json
from pathlib import Path

import numpy as np
import pytest

from flowlift.datasets.animal3d import Animal3D
from flowlift.datasets.labelled import DataSet
from flowlift.datasets.opening import DataSetOptions, open_dataset
from flowlift.errors import InputError
from flowlift.skeletons import ANIMAL3D26


def record(seed: int, **change: object) -> dict:
    generator = np.random.default_rng(seed)
    made = {
        "img_path": f"images/dog_{seed}.jpg",
        "height": 400,
        "width": 600,
        "bbox": [10, 10, 300, 200],
        "keypoint_2d": np.c_[generator.uniform(0, 400, (26, 2)), np.ones(26)].tolist(),
        "keypoint_3d": generator.normal(0, 1, (26, 3)).tolist(),
        "reproj_kp_2d": generator.uniform(0, 400, (26, 2)).tolist(),
        "supercategory": "dog" if seed % 2 else "horse",
        "pose": [0.0] * 105,
    }
    return {key: value for key, value in (made | change).items() if value != "gone"}


def write(folder: Path, *records: dict, split: str = "test") -> Path:
    (folder / f"{split}.json").write_text(json.dumps({"data": list(records)}))
    return folder


def test_pictures_become_clips_of_one_frame(tmp_path):
    data = open_dataset(write(tmp_path, record(0), record(1)))
    assert isinstance(data, DataSet)
    assert (data.name, data.unit, data.splits) == ("Animal3D", "model units", ("test",))
    first, second = data.clips("test")
    assert (first.labels["species"], second.labels["species"]) == ("horse", "dog")
    assert first.keypoints.image_size == (600, 400)
    truth = np.array(record(0)["keypoint_3d"])
    np.testing.assert_allclose(first.xyz[0], truth - truth[ANIMAL3D26.root], atol=1e-6)
    assert (first.xyz[0, ANIMAL3D26.index("tail_base")] == 0).all()
    assert first.camera is None
    assert first.root is None


@pytest.mark.parametrize(("keypoints", "key"), [("published", "reproj_kp_2d"), ("keypoint_2d", "keypoint_2d")])
def test_the_2d_is_what_was_asked_for(tmp_path, keypoints, key):
    data = open_dataset(write(tmp_path, record(0)), options=DataSetOptions(keypoints=keypoints))
    clip = next(data.clips("test"))
    np.testing.assert_allclose(clip.keypoints.xy[0, 0], np.array(record(0)[key])[:, :2], atol=1e-3)
    assert key in data.keypoints


def test_published_falls_back_to_the_labelled_2d(tmp_path):
    held = record(0, reproj_kp_2d="gone")
    clip = next(Animal3D(write(tmp_path, held)).clips("test"))
    np.testing.assert_allclose(clip.keypoints.xy[0, 0], np.array(held["keypoint_2d"])[:, :2], atol=1e-3)
    with pytest.raises(InputError, match="'reproj_kp_2d' is missing"):
        next(Animal3D(tmp_path, "reproj_kp_2d").clips("test"))


def test_pictures_without_3d_are_counted(tmp_path):
    write(tmp_path, record(0), record(1, keypoint_3d="gone"), record(2, keypoint_3d=None))
    with pytest.warns(UserWarning, match="2 pictures without 3D"):
        assert len(list(Animal3D(tmp_path).clips("test"))) == 1


def test_the_kind_names_the_data_set(tmp_path):
    write(tmp_path, record(0))
    assert open_dataset(tmp_path, kind="ctrlani3d").name == "CtrlAni3D"
    assert open_dataset(tmp_path, kind="animal3d").name == "Animal3D"
    assert [clip.name for clip in Animal3D(tmp_path / "test.json").clips("test")] == ["images/dog_0.jpg"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"keypoint_3d": [[0, 0, 0]] * 25}, r"data\[1\]: keypoint_3d"),
        ({"keypoint_3d": "text"}, r"data\[1\]: keypoint_3d"),
        ({"reproj_kp_2d": [[0, 0]] * 39}, "reproj_kp_2d"),
        ({"reproj_kp_2d": [[0]] * 26}, "reproj_kp_2d"),
        ({"width": "gone"}, "'width' is missing"),
        ({"height": 0}, "size"),
        ({"keypoint_2d": "gone", "reproj_kp_2d": "gone"}, "keypoint_2d"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, change, named):
    write(tmp_path, record(0), record(1, **change))
    with pytest.raises(InputError, match=named) as caught:
        list(Animal3D(tmp_path).clips("test"))
    assert "test.json" in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", '{"data": 3}', '{"data": []}', '{"data": [3]}', b"\xff\xfe{"])
def test_files_that_are_damaged(tmp_path, text):
    file = tmp_path / "test.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=r"test\.json"):
        list(Animal3D(tmp_path).clips("test"))


def test_joints_that_are_unknown_are_missing(tmp_path):
    held = record(0)
    held["keypoint_3d"][3] = [float("nan")] * 3
    clip = next(Animal3D(write(tmp_path, held)).clips("test"))
    assert np.isnan(clip.xyz[0, 3]).all()
    assert clip.valid.all()
