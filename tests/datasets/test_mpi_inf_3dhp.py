"""MPI-INF-3DHP from small files in the published shape: units, frames that count, names, and damage."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.datasets.labelled import DataSet, LabelledClip
from flowlift.datasets.mpi_inf_3dhp import MpiInf3dhp
from flowlift.errors import InputError
from flowlift.skeletons import MPI_INF_3DHP17

from . import mpi_inf_3dhp_files as made
from .packed import Hostile, pack

FILES = {"train": "data_train_3dhp.npz", "test": "data_test_3dhp.npz"}


def clips(folder: Path, split: str = "test") -> list[LabelledClip]:
    return list(MpiInf3dhp(folder, annotation="univ_annot3").clips(split))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write(tmp_path_factory.mktemp("3dhp"))


def test_it_is_a_data_set_named_by_its_annotation(folder: Path) -> None:
    data = MpiInf3dhp(folder, annotation="univ_annot3")
    assert isinstance(data, DataSet)
    assert (data.name, data.unit, data.splits) == ("MPI-INF-3DHP (univ_annot3)", "m", ("train", "test"))
    assert MpiInf3dhp(folder, annotation="annot3").name == "MPI-INF-3DHP (annot3)"


@pytest.mark.parametrize("annotation", ["", "annot2", "univ"])
def test_the_annotation_must_be_said(folder: Path, annotation: str) -> None:
    with pytest.raises(InputError, match="univ_annot3 or annot3"):
        MpiInf3dhp(folder, annotation=annotation)


def test_the_joints_are_the_published_ones() -> None:
    """Head top, neck, right arm, left arm, right leg, left leg, pelvis (14), spine, head."""
    joints = MPI_INF_3DHP17.joints
    assert joints[14] == "hip"
    assert MPI_INF_3DHP17.root == 14
    order = "head_top neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist right_hip"
    order += " right_knee right_ankle left_hip left_knee left_ankle hip spine head"
    assert " ".join(joints) == order


def test_test_clips(folder: Path) -> None:
    found = clips(folder)
    assert [clip.name for clip in found] == list(made.TESTS)
    assert found[0].labels == {"subject": "TS1", "sequence": "TS1", "camera": "studio"}
    assert found[5].labels["camera"] == "outdoor"
    assert [clip.keypoints.image_size for clip in found] == [(2048, 2048)] * 4 + [(1920, 1080)] * 2
    for clip in found:
        assert clip.valid.tolist() == [False, True, True, True]


def test_train_clips(folder: Path) -> None:
    found = clips(folder, "train")
    assert [clip.name for clip in found[:2]] == ["S2 Seq1/0", "S2 Seq1/1"]
    assert [clip.labels["sequence"] for clip in found[::8]] == ["S2 Seq1", "S2 Seq2", "S10 Seq1"]
    assert [clip.labels["camera"] for clip in found[:8]] == list(made.CAMERAS)
    assert {clip.labels["subject"] for clip in found} == {"S2", "S10"}
    assert [clip.keypoints.fps for clip in found[::8]] == [25, 50, 25]
    for clip in found:
        assert clip.camera is None
        assert clip.valid.all()
        assert clip.keypoints.image_size == (2048, 2048)


@pytest.mark.parametrize("split", ["train", "test"])
def test_truth_is_metres_about_joint_14(folder: Path, split: str) -> None:
    clip = clips(folder, split)[0]
    given = made.poses(0 if split == "train" else 5)
    assert clip.root is not None
    np.testing.assert_array_equal(clip.xyz[:, 14], 0)
    np.testing.assert_allclose(clip.root, given[:, 14] / 1000, rtol=1e-6)
    np.testing.assert_allclose(clip.xyz + clip.root[:, None], given / 1000, rtol=1e-5)


def test_test_clips_project_onto_their_keypoints(folder: Path) -> None:
    for clip in clips(folder):
        assert clip.root is not None
        assert clip.camera is not None
        pixels = clip.camera.project(clip.xyz + clip.root[:, None])
        np.testing.assert_allclose(pixels, clip.keypoints.xy[:, 0], atol=2e-3)


@pytest.mark.parametrize("shape", [(4,), (4, 1), (1, 4)])
@pytest.mark.parametrize("kind", [bool, np.uint8, np.float64])
def test_valid_in_any_arrangement(tmp_path: Path, shape: tuple[int, ...], kind: type) -> None:
    data = made.tested()
    data["TS1"]["valid"] = np.array([1, 0, 0, 1]).astype(kind).reshape(shape)
    assert clips(made.write(tmp_path, of_test=data))[0].valid.tolist() == [True, False, False, True]


def test_unknown_poses_where_nothing_counts(tmp_path: Path) -> None:
    data = made.tested()
    data["TS1"]["data_3d"][0] = np.nan
    clip = clips(made.write(tmp_path, of_test=data))[0]
    assert np.isnan(clip.xyz[0]).all()
    assert np.isfinite(clip.xyz[1:]).all()


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    for split, name in FILES.items():
        unread = MpiInf3dhp(tmp_path, annotation="annot3").clips(split)
        with pytest.raises(InputError, match=rf"{name}: there is no such file"):
            next(unread)
    with pytest.raises(InputError, match=r"MPI-INF-3DHP \(annot3\) has no split 'val'; it has train, test"):
        MpiInf3dhp(tmp_path, annotation="annot3").clips("val")


FRAMES = made.poses(0)
TEST_DAMAGE: list[tuple[str | None, Any, str]] = [
    (None, 3, r"TS1: a table \(dict\) is expected, got int"),
    ("valid", None, "TS1: 'valid' is missing; it has data_2d, data_3d"),
    ("valid", np.ones(3), "TS1: valid: expected 4 frames, got 3"),
    ("valid", np.full(4, 2), "TS1: valid: expected an array of 0 or 1"),
    ("valid", [1, 1, 1, 1], "TS1: valid: expected an array of 0 or 1"),
    ("valid", np.array(["a"] * 4), "TS1: valid: expected an array of 0 or 1"),
    ("data_3d", None, "TS1: 'data_3d' is missing"),
    ("data_3d", FRAMES[:, :16], r"TS1: data_3d: expected \(frame, 17, 3\), got \(4, 16, 3\)"),
    ("data_3d", FRAMES[:0], r"TS1: data_3d: expected \(frame, 17, 3\), got \(0, 17, 3\)"),
    ("data_3d", FRAMES * np.nan, "TS1: data_3d: frames that are evaluated hold values that are not finite"),
    ("data_3d", FRAMES * np.inf, "TS1: data_3d: .*not finite"),
    ("data_3d", "text", r"TS1: data_3d: expected numbers"),
    ("data_2d", None, "TS1: 'data_2d' is missing"),
    ("data_2d", FRAMES, r"TS1: data_2d: expected \(4, 17, 2\), got \(4, 17, 3\)"),
    ("data_2d", FRAMES[:3, :, :2], r"TS1: data_2d: expected \(4, 17, 2\), got \(3, 17, 2\)"),
    ("data_2d", FRAMES[..., :2] * np.inf, "TS1: data_2d: .*not finite"),
]


@pytest.mark.parametrize(("key", "value", "said"), TEST_DAMAGE, ids=range(len(TEST_DAMAGE)))
def test_damaged_test_sequences(tmp_path: Path, key: str | None, value: Any, said: str) -> None:
    data = made.tested()
    if key is None:
        data["TS1"] = value
    elif value is None:
        del data["TS1"][key]
    else:
        data["TS1"][key] = value
    refused(made.write(tmp_path, of_test=data), "test", said)


@pytest.mark.parametrize("missing", made.TESTS)
def test_no_test_sequence_may_be_missing(tmp_path: Path, missing: str) -> None:
    """Results over some of them would not compare."""
    data = made.tested()
    del data[missing]
    refused(made.write(tmp_path, of_test=data), "test", f"data: '{missing}' is missing")


TRAIN_DAMAGE: list[tuple[Any, str]] = [
    ({}, "it holds no sequences"),
    ({"Walking": 3}, "sequences are called such as 'S1 Seq2', got 'Walking'"),
    ({1: 3}, "sequences are called such as 'S1 Seq2', got 1"),
    ({"S1 Seq1": 3}, "S1 Seq1: a list of 2 is expected, got int"),
    ({"S1 Seq1": [{}]}, "S1 Seq1: a list of 2 is expected, got 1"),
    ({"S1 Seq1": [3, 25]}, "S1 Seq1: cameras: a table"),
    ({"S1 Seq1": [{"0": made.annotated(0)}, 0]}, "S1 Seq1: fps must be positive, got 0"),
    ({"S1 Seq1": [{"0": made.annotated(0)}, "fast"]}, "S1 Seq1: fps: expected numbers"),
    ({"S1 Seq1": [{"0": made.annotated(0)}, np.nan]}, "S1 Seq1: fps: .*not finite"),
    ({"S1 Seq1": [{"0": {}}, 25]}, "S1 Seq1: camera 0: 'data_3d' is missing; it has nothing"),
    ({"S1 Seq1": [{"0": {"data_3d": FRAMES}}, 25]}, "S1 Seq1: camera 0: 'data_2d' is missing"),
    ({"S1 Seq1": [{"0": {**made.annotated(0), "data_3d": FRAMES * np.nan}}, 25]}, "S1 Seq1: camera 0: data_3d: frames"),
]


@pytest.mark.parametrize(("data", "said"), TRAIN_DAMAGE, ids=range(len(TRAIN_DAMAGE)))
def test_damaged_train_sequences(tmp_path: Path, data: Any, said: str) -> None:
    refused(made.write(tmp_path, of_train=data), "train", said)


@pytest.mark.parametrize("split", ["train", "test"])
def test_damaged_archives(tmp_path: Path, split: str) -> None:
    path = made.write(tmp_path) / FILES[split]
    whole = path.read_bytes()
    for kept in (0, 10, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:kept])
        refused(tmp_path, split, "damaged")
    np.savez(path, other=np.zeros(3))
    refused(tmp_path, split, "data is missing")
    np.savez(path, data=np.zeros(3))
    refused(tmp_path, split, "data: it is not an object array")
    pack(path, data=[3])
    refused(tmp_path, split, "data: a table")


@pytest.mark.parametrize("split", ["train", "test"])
def test_hostile_pickles_do_nothing(tmp_path: Path, split: str) -> None:
    trace = tmp_path / "trace"
    evil = Hostile(trace)
    path = tmp_path / FILES[split]
    for table in (evil, {"S1 Seq1": [{"0": evil}, 25]}, {"TS1": {"valid": evil}}):
        pack(path, data=table)
        refused(tmp_path, split, "data: it holds an object")
    assert not trace.exists()


def refused(folder: Path, split: str, said: str) -> None:
    with pytest.raises(InputError, match=rf"{FILES[split]}: {said}") as caught:
        clips(folder, split)
    assert "\n" not in str(caught.value)
