"""OpenPose folders: one file a frame, gaps, people who come and go, BODY_25 or BODY_25B."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io import is_keypoint_source, load
from flowlift.skeletons import BODY25, BODY25B, COCO18

SIZE = (1920, 1080)


def person(joints: int, offset: float = 0.0) -> list[float]:
    return [value for j in range(joints) for value in (100.0 + offset + j, 200.0 + offset + j, 0.5)]


def write(path: Path, *people: Sequence[float]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    entries = [{"person_id": [-1], "pose_keypoints_2d": list(p), "face_keypoints_2d": []} for p in people]
    path.write_text(json.dumps({"version": 1.3, "people": entries}))
    return path


def read(path: Path, **more: object) -> Keypoints2D:
    found = load(path, **{"image_size": SIZE, **more})
    assert isinstance(found, Keypoints2D)
    return found


def test_frames_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 2):
        write(tmp_path / f"cam2.{number}_keypoints.json", person(18, number))
    found = read(tmp_path)
    assert found.skeleton == COCO18
    assert len(found) == 9
    np.testing.assert_allclose(found.xy[[0, 7, 8], 0, 0], [[102, 202], [109, 209], [110, 210]])
    assert np.isnan(found.xy[1:7]).all()
    np.testing.assert_allclose(found.score[0], 0.5)


def test_the_number_is_the_last_in_the_name(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / f"clip7_{number:012d}_keypoints.json", person(18, number))
    np.testing.assert_allclose(read(tmp_path).xy[:, 0, 0, 0], [100, 101, 102])


def test_people_are_kept_in_the_files_order(tmp_path: Path) -> None:
    write(tmp_path / "0_keypoints.json", person(18), person(18, 50))
    write(tmp_path / "1_keypoints.json")
    write(tmp_path / "2_keypoints.json", person(18, 7))
    found = read(tmp_path)
    assert found.xy.shape == (3, 2, 18, 2)
    np.testing.assert_allclose(found.xy[0, :, 0, 0], [100, 150])
    np.testing.assert_allclose(found.xy[2, 0, 0, 0], 107)
    assert np.isnan(found.xy[1]).all()
    assert np.isnan(found.xy[2, 1]).all()


def test_zeros_are_missing(tmp_path: Path) -> None:
    values = person(18)
    values[3:6] = [0, 0, 0]
    found = read(write(tmp_path / "one.json", values))
    assert np.isnan(found.xy[0, 0, 1]).all()
    assert np.isfinite(found.xy[0, 0, [0, 2]]).all()


def test_one_frame(tmp_path: Path) -> None:
    found = read(write(tmp_path / "frame_000007_keypoints.json", person(18)), fps=30.0)
    assert found.xy.shape == (1, 1, 18, 2)
    assert found.fps == 30.0
    assert found.image_size == SIZE


def test_the_estimated_image_holds_every_keypoint(tmp_path: Path) -> None:
    values = person(18)
    values[0:2] = [2000.0, 1300.0]
    path = write(tmp_path / "one.json", values)
    with pytest.warns(UserWarning, match="image size"):
        found = load(path)
    assert found.image_size[0] >= 2000
    assert found.image_size[1] >= 1300


def test_another_skeleton_can_be_named(tmp_path: Path) -> None:
    assert read(write(tmp_path / "one.json", person(17)), skeleton="coco17").skeleton.name == "coco17"


@pytest.mark.parametrize(("joints", "skeleton"), [(22, None), (17, None), (25, "coco18"), (18, "body25b")])
def test_joint_counts_that_do_not_fit(tmp_path: Path, joints: int, skeleton: str | None) -> None:
    path = write(tmp_path / "one.json", person(joints))
    with pytest.raises(InputError, match=rf"one\.json: .*\b{joints}\b"):
        read(path, skeleton=skeleton)


def test_a_file_that_is_refused_is_not_warned_of(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match="22"):
            load(write(tmp_path / "one.json", person(22)))


def test_an_unknown_skeleton(tmp_path: Path) -> None:
    path = write(tmp_path / "one.json", person(18))
    with pytest.raises(InputError, match="unicorn"):
        read(path, skeleton="unicorn")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "not JSON",
        '{"people": 3}',
        '{"people": [{}]}',
        '{"people": [{"pose_keypoints_2d": [1, 2]}]}',
        '{"people": [{"pose_keypoints_2d": "abc"}]}',
        '{"people": [{"pose_keypoints_2d": [["a"]]}]}',
        '{"people": [7]}',
        "[" * 100_000,
        '{"people": [{"pose_keypoints_2d": [' + "1e999," * 53 + "1]}]}",
    ],
    ids=range(11),
)
@pytest.mark.parametrize("place", ["first", "later", "alone"])
def test_damaged_frames_are_named(tmp_path: Path, text: str, place: str) -> None:
    write(tmp_path / "clip" / "frame_0001_keypoints.json", person(18))
    bad = tmp_path / "clip" / f"frame_000{0 if place == 'first' else 2}_keypoints.json"
    bad.write_text(text)
    with pytest.raises(InputError, match="clip") as caught:
        read(bad if place == "alone" else tmp_path / "clip")
    assert "\n" not in str(caught.value)


def test_two_clips_in_one_folder(tmp_path: Path) -> None:
    for camera in ("a", "b"):
        write(tmp_path / f"{camera}_0001.json", person(18))
    with pytest.raises(InputError, match="number"):
        read(tmp_path)


def test_numbers_that_are_no_frame_numbers(tmp_path: Path) -> None:
    for number in (3, 1_700_000_000_000):
        write(tmp_path / f"{number}.json", person(18))
    with pytest.raises(InputError, match="1700000000000"):
        read(tmp_path)


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "0.json", person(18))
    (tmp_path / "._0.json").write_bytes(b"\0\5\x16\7")
    assert len(read(tmp_path)) == 1


def test_which_folders_are_keypoints(tmp_path: Path) -> None:
    assert not is_keypoint_source(tmp_path)
    write(tmp_path / "0.json", person(18))
    assert is_keypoint_source(tmp_path)


@pytest.mark.parametrize("camera", [1, 2, 4])
def test_real_body25b_is_told_from_body25(shared_data: Path, camera: int) -> None:
    folder = shared_data / "eval" / "pose2sim" / "openpose_body25b" / f"cam0{camera}_json"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*lists people in any order")
        named = read(folder, skeleton="body25b", image_size=(1088, 1920))
    assert named.skeleton == BODY25B
    assert named.people >= 1
    with pytest.warns(UserWarning, match="body25b"):
        guessed = read(folder, image_size=(1088, 1920))
    assert guessed.skeleton == BODY25B
    np.testing.assert_array_equal(guessed.xy, named.xy)
    with pytest.warns(UserWarning, match="body25b"):
        assert read(folder, skeleton="body25", image_size=(1088, 1920)).skeleton == BODY25


def test_a_real_frames_numbers(shared_data: Path) -> None:
    folder = shared_data / "eval" / "pose2sim" / "openpose_body25b" / "cam01_json"
    found = read(folder, skeleton="body25b", image_size=(1088, 1920))
    files = sorted(folder.glob("*.json"))
    assert len(found) == len(files)
    flat = np.array(json.loads(files[1].read_text())["people"][0]["pose_keypoints_2d"]).reshape(25, 3)
    seen = flat[:, 2] > 0
    np.testing.assert_allclose(found.xy[1, 0, seen], flat[seen, :2], rtol=1e-6)
    np.testing.assert_allclose(found.score[1, 0, seen], flat[seen, 2], rtol=1e-6)


def test_a_real_folder_without_a_size(shared_data: Path) -> None:
    folder = shared_data / "eval" / "pose2sim" / "openpose_body25b" / "cam01_json"
    with pytest.warns(UserWarning, match="image size"):
        found = load(folder, skeleton="body25b")
    assert np.nanmax(found.xy[..., 0]) <= found.image_size[0]
    assert np.nanmax(found.xy[..., 1]) <= found.image_size[1]
