"""Human3.6M from small files in the published shape: geometry, names, cuts, and damage."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flowlift
from flowlift.datasets.human36m import Human36M
from flowlift.datasets.labelled import DataSet, LabelledClip
from flowlift.errors import InputError
from flowlift.skeletons import HUMAN36M17

from . import human36m_files as made
from .packed import Hostile, pack

FILE_3D, FILE_2D = "data_3d_h36m.npz", "data_2d_h36m_cpn_ft_h36m_dbb.npz"


def opened(folder: Path) -> Human36M:
    return Human36M(folder, cameras=folder / "cameras.json")


def clips(folder: Path, split: str = "test") -> list[LabelledClip]:
    return list(opened(folder).clips(split))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write(tmp_path_factory.mktemp("h36m"))


def test_it_is_a_data_set(folder: Path) -> None:
    data = opened(folder)
    assert isinstance(data, DataSet)
    assert data.splits == ("train", "test")
    assert (data.name, data.keypoints, data.unit) == ("Human3.6M", "cpn_ft_h36m_dbb", "m")


def test_splits_takes_and_cameras(folder: Path) -> None:
    train, test = clips(folder, "train"), clips(folder)
    assert {clip.labels["subject"] for clip in train} == {"S1", "S5", "S6", "S7", "S8"}
    assert {clip.labels["subject"] for clip in test} == {"S9", "S11"}
    assert [clip.name for clip in test[:5]] == [*(f"S9/Directions 1/{name}" for name in made.IDS), "S9/Photo/54138969"]
    assert test[0].labels == {"subject": "S9", "action": "Directions", "trial": "1", "camera": "54138969"}
    assert test[4].labels["trial"] == "0"
    assert len(train) == 5 * 3 * 4
    assert len(test) == 2 * 3 * 4, "S11 keeps Directions 1, and loses Directions alone"
    assert all(clip.keypoints.fps == 50 and clip.valid.all() for clip in test)


def test_truth_lies_in_the_camera_frame(folder: Path) -> None:
    world = made.poses()["S9"]["Photo"][:, made.KEPT]
    for clip, view in zip(clips(folder)[4:8], made.views("S9"), strict=True):
        assert clip.root is not None
        np.testing.assert_allclose(clip.xyz + clip.root[:, None], view.seen(world), atol=1e-5)
        np.testing.assert_array_equal(clip.xyz[:, HUMAN36M17.index("hip")], 0)


def test_every_clip_projects_onto_its_keypoints(folder: Path) -> None:
    for clip in clips(folder, "train") + clips(folder):
        assert clip.root is not None
        assert clip.camera is not None
        pixels = clip.camera.project(clip.xyz + clip.root[:, None])
        np.testing.assert_allclose(pixels, clip.keypoints.xy[:, 0], atol=2e-3)
        assert clip.keypoints.image_size == clip.camera.image_size == made.SIZES[made.IDS.index(clip.labels["camera"])]


def test_normalised_intrinsics_are_the_same_cameras(folder: Path, tmp_path: Path) -> None:
    given = made.cameras()
    given["intrinsics"] = "normalised"
    for each in (camera for four in given["subjects"].values() for camera in four):
        half = each["res_w"] / 2
        each["focal_length"] = [value / half for value in each["focal_length"]]
        each["center"] = [each["center"][0] / half - 1, each["center"][1] / half - each["res_h"] / each["res_w"]]
    (tmp_path / "cameras.json").write_text(json.dumps(given), encoding="utf-8")
    normalised = next(Human36M(folder, cameras=tmp_path / "cameras.json").clips("test")).camera
    pixels = clips(folder)[0].camera
    assert normalised is not None
    assert pixels is not None
    np.testing.assert_allclose(normalised.matrix, pixels.matrix, atol=1e-9)


def test_joints_are_the_17_by_name(tmp_path: Path) -> None:
    """Published indices of some of the 32 joints: 6 left hip, 12 spine, 15 head, 25 right shoulder, 27 right wrist."""
    taken = made.poses()
    made.write(tmp_path, p3d=taken)
    clip = clips(tmp_path)[0]
    seen = made.views("S9")[0].seen(taken["S9"]["Directions 1"])
    assert clip.root is not None
    for joint, index in {"left_hip": 6, "spine": 12, "head": 15, "right_shoulder": 25, "right_wrist": 27}.items():
        np.testing.assert_allclose(clip.xyz[:, HUMAN36M17.index(joint)] + clip.root, seen[:, index], atol=1e-5)


def test_keypoints_after_the_capture_are_cut_off(folder: Path) -> None:
    data = opened(folder)
    assert {len(clip.keypoints) for clip in data.clips("test")} == {3}
    assert {len(keypoints) for keypoints in data.keypoint_clips("test")} == {5}


def test_keypoints_without_cameras(folder: Path) -> None:
    data = Human36M(folder)
    listed = list(data.keypoint_clips("test"))
    assert [each.image_size for each in listed[:4]] == list(made.SIZES)
    for clip, alone in zip(clips(folder), listed, strict=True):
        np.testing.assert_array_equal(clip.keypoints.xy, alone.xy[:3])
        assert clip.keypoints.source == alone.source
    again = flowlift.load(folder / listed[6].source, image_size=(1000, 1000))
    np.testing.assert_array_equal(again.xy, listed[6].xy)
    with pytest.raises(InputError, match=r"no cameras.*JSON"):
        data.clips("test")


def test_releases_that_name_a_take_differently_meet(tmp_path: Path) -> None:
    p3d = made.poses()
    p2d = made.keypoints(p3d)
    for subject in made.SUBJECTS:
        p2d[subject]["TakingPhoto"] = p2d[subject].pop("Photo")
        p2d[subject]["Walking_1"] = p2d[subject].pop("Walking 1")
    found = clips(made.write(tmp_path, p3d=p3d, p2d=p2d))
    assert {(clip.labels["action"], clip.labels["trial"]) for clip in found} == {
        *(("Directions", "1"), ("Photo", "0"), ("Walking", "1")),
    }


def test_missing_keypoints_stay_missing(tmp_path: Path) -> None:
    p2d = made.keypoints(made.poses())
    p2d["S9"]["Photo"][0][1, 4] = np.nan
    missing = np.isnan(clips(made.write(tmp_path, p2d=p2d))[4].keypoints.xy[:, 0, :, 0])
    assert np.argwhere(missing).tolist() == [[1, 4]]


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    data = opened(tmp_path / "nowhere")
    unread = data.clips("test")
    with pytest.raises(InputError, match=r"data_3d_h36m\.npz: there is no such file"):
        next(unread)


def test_unknown_split(folder: Path) -> None:
    with pytest.raises(InputError, match="no split 'val'; it has train, test"):
        opened(folder).clips("val")
    with pytest.raises(InputError, match="no split"):
        Human36M(folder).keypoint_clips("val")


Change = Callable[[dict[str, Any]], Any]


def change(name: str, value: Any, *path: str | int) -> Change:
    """Put a value into a table, deep down; or take its member away (`value` is None)."""

    def changed(table: Any) -> None:
        for key in path:
            table = table[key]
        if value is None:
            del table[name]
        else:
            table[name] = value

    return changed


ZEROS = np.zeros((3, 32, 3), np.float32)
POSE_DAMAGE: list[tuple[Change, str]] = [
    (change("S9", None), r"'S9' is missing; it has S1, S5, S6, S7, S8, S11"),
    (change("S9", 3), r"S9: a table \(dict\) is expected, got int"),
    (change("S9", {}), "S9: it has no takes"),
    (change("Photo", ZEROS[:, :17], "S9"), r"S9/Photo: expected \(frame, 32, 3\), got \(3, 17, 3\)"),
    (change("Photo", ZEROS[:0], "S9"), r"S9/Photo: expected \(frame, 32, 3\), got \(0, 32, 3\)"),
    (change("Photo", ZEROS[0], "S9"), r"S9/Photo: expected"),
    (change("Photo", "text", "S9"), r"S9/Photo: expected numbers \(frame, 32, 3\), got str"),
    (change("Photo", ZEROS.astype(bool), "S9"), r"S9/Photo: expected numbers.*bool"),
    (change("Photo", ZEROS + 1j, "S9"), r"S9/Photo: expected numbers.*complex"),
    (change("Photo", [[1], [1, 2]], "S9"), r"S9/Photo: expected numbers"),
    (change("Photo", ZEROS * np.nan, "S9"), r"S9/Photo: .*not finite"),
    (change("Photo", ZEROS.astype(np.float64) + 1e300, "S9"), r"S9/Photo: .*not finite"),
    (change("Juggling", ZEROS, "S9"), r"S9: no action of Human3\.6M is called 'Juggling'"),
    (change("TakingPhoto", ZEROS, "S9"), r"S9/Photo and S9/TakingPhoto are the same take"),
]


@pytest.mark.parametrize(("damage", "said"), POSE_DAMAGE, ids=range(len(POSE_DAMAGE)))
def test_damaged_poses(tmp_path: Path, damage: Change, said: str) -> None:
    p3d = made.poses()
    p2d = made.keypoints(p3d)
    damage(p3d)
    refused(made.write(tmp_path, p3d=p3d, p2d=p2d), rf"data_3d_h36m\.npz: {said}")


EMPTY = np.zeros((5, 17, 2), np.float32)
KEYPOINT_DAMAGE: list[tuple[Change, str]] = [
    (change("S9", None), r"'S9' is missing"),
    (change("Photo", None, "S9"), r"S9/Photo is missing, which data_3d_h36m\.npz has"),
    (change("Photo", [EMPTY] * 3, "S9"), r"S9/Photo: cameras: a list of 4 is expected, got 3"),
    (change("Photo", EMPTY[0, 0, 0], "S9"), r"S9/Photo: cameras: a list of 4 is expected"),
    (
        change(1, EMPTY[:, :16], "S9", "Photo"),
        r"S9/Photo: camera 55011271: expected \(frame, 17, 2\), got \(5, 16, 2\)",
    ),
    (change(1, EMPTY[:2], "S9", "Photo"), r"S9/Photo: camera 55011271: keypoints of 2 frames, but the capture has 3"),
    (change(1, EMPTY + np.inf, "S9", "Photo"), r"S9/Photo: camera 55011271: .*not finite"),
    (change(1, "text", "S9", "Photo"), r"S9/Photo: camera 55011271: expected numbers"),
]


@pytest.mark.parametrize(("damage", "said"), KEYPOINT_DAMAGE, ids=range(len(KEYPOINT_DAMAGE)))
def test_damaged_keypoints(tmp_path: Path, damage: Change, said: str) -> None:
    p2d = made.keypoints(made.poses())
    damage(p2d)
    refused(made.write(tmp_path, p2d=p2d), rf"data_2d_h36m_cpn_ft_h36m_dbb\.npz: {said}")


COCO = [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]]


@pytest.mark.parametrize(
    "metadata", [3, *({"keypoints_symmetry": value} for value in (COCO, 3, ["a", "b"], [[1], {}]))]
)
def test_keypoints_of_other_joints(tmp_path: Path, metadata: Any) -> None:
    refused(made.write(tmp_path, metadata=metadata), r"data_2d_h36m_cpn_ft_h36m_dbb\.npz: metadata")


S9_FIRST = ("subjects", "S9", 0)
CAMERA_DAMAGE: list[tuple[Change, str]] = [
    (change("intrinsics", None), "'intrinsics' is missing"),
    (change("intrinsics", "metres"), "intrinsics must be one of pixels, normalised, got 'metres'"),
    (change("subjects", None), "'subjects' is missing"),
    (change("S9", None, "subjects"), "subjects: 'S9' is missing"),
    (change("S9", [{}] * 3, "subjects"), "S9: a list of 4 is expected, got 3"),
    (change("S9", [3] * 4, "subjects"), "S9: camera 54138969: a table"),
    (change("id", "60457274", *S9_FIRST), "S9: camera 54138969: its id is '60457274'; the order must be 54138969,"),
    (change("orientation", None, *S9_FIRST), "S9: camera 54138969: 'orientation' is missing"),
    (change("orientation", [0, 0, 0, 0], *S9_FIRST), "S9: camera 54138969: a quaternion must be"),
    (change("orientation", [1, 0, 0], *S9_FIRST), r"camera 54138969: orientation: expected \(4,\), got \(3,\)"),
    (change("translation", [1, 2, "x"], *S9_FIRST), "camera 54138969: translation: expected numbers"),
    (change("focal_length", [0, 0], *S9_FIRST), "camera 54138969: camera: matrix"),
    (change("center", [np.nan, 0], *S9_FIRST), "camera 54138969: center: .*not finite"),
    (change("radial_distortion", [1, 2], *S9_FIRST), "radial_distortion: expected"),
    (change("tangential_distortion", None, *S9_FIRST), "'tangential_distortion' is missing"),
    (change("res_w", 0, *S9_FIRST), "camera 54138969: camera: image size"),
]


@pytest.mark.parametrize(("damage", "said"), CAMERA_DAMAGE, ids=range(len(CAMERA_DAMAGE)))
def test_damaged_cameras(folder: Path, tmp_path: Path, damage: Change, said: str) -> None:
    given = made.cameras()
    damage(given)
    (tmp_path / "cameras.json").write_text(json.dumps(given), encoding="utf-8")
    with pytest.raises(InputError, match=rf"cameras\.json: .*{said}"):
        next(Human36M(folder, cameras=tmp_path / "cameras.json").clips("test"))


def test_cameras_that_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"intrinsics":', encoding="utf-8")
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    (tmp_path / "folder.json").mkdir()
    for name in ("bad.json", "list.json", "none.json", "folder.json"):
        with pytest.raises(InputError, match=rf"{name}: \w"):
            next(Human36M(folder, cameras=tmp_path / name).clips("test"))


@pytest.mark.parametrize("name", [FILE_3D, FILE_2D])
def test_damaged_archives(tmp_path: Path, name: str) -> None:
    path = made.write(tmp_path) / name
    whole = path.read_bytes()
    for kept in (0, 10, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:kept])
        refused(tmp_path, f"{name}: ")
    path.unlink()
    refused(tmp_path, f"{name}: there is no such file")
    np.savez(path, other=np.zeros(3))
    refused(tmp_path, f"{name}: positions_[23]d is missing")
    np.savez(path, positions_3d=np.zeros(3), positions_2d=np.zeros(3))
    refused(tmp_path, f"{name}: positions_[23]d: it is not an object array")
    np.savez(path, positions_3d=np.array([{}, {}]), positions_2d=np.array([{}, {}]))
    refused(tmp_path, f"{name}: positions_[23]d: one object is expected")
    pack(path, positions_3d=[3], positions_2d=[3])
    refused(tmp_path, f"{name}: positions_[23]d: a table")


@pytest.mark.parametrize("where", ["table", "take", "metadata"])
def test_hostile_pickles_do_nothing(tmp_path: Path, where: str) -> None:
    trace = tmp_path / "trace"
    evil = Hostile(trace)
    made.write(tmp_path)
    tables = {"table": evil, "take": {"S9": {"Photo": evil}}, "metadata": {}}
    about = evil if where == "metadata" else {}
    pack(tmp_path / FILE_2D, positions_2d=tables[where], metadata=about)
    refused(tmp_path, rf"{FILE_2D}: \w+: it holds an object")
    pack(tmp_path / FILE_3D, positions_3d=evil if where == "metadata" else tables[where])
    refused(tmp_path, rf"{FILE_3D}: positions_3d: it holds an object")
    assert not trace.exists()


def refused(folder: Path, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        clips(folder)
    assert "\n" not in str(caught.value)
