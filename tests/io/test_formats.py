"""Which file is read by what, and what is said of the others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io import is_keypoint_source, load, save
from flowlift.skeletons import BUILT_IN, HUMAN36M17

from .made_poses import made_poses


def clip() -> Keypoints2D:
    xy = np.zeros((2, 1, 17, 2))
    return Keypoints2D(xy, xy[..., 0], BUILT_IN["coco17"], (640, 480))


@pytest.mark.parametrize("name", ["nowhere.npz", "nowhere.json", "nowhere.xyz", "nowhere"])
def test_missing_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=rf"{name}: .*no such file"):
        load(tmp_path / name)


@pytest.mark.parametrize("name", ["notes.xyz", "notes", "notes.json", "notes.csv", "notes.npz"])
def test_unknown_files_get_the_list(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"a": 1}')
    with pytest.raises(InputError) as caught:
        load(tmp_path / name)
    assert name in str(caught.value)
    expected = {"notes.json": "OpenPose", "notes.csv": "DeepLabCut", "notes.npz": "VideoPose3D"}.get(name, "OpenPose")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".npz", ".json", ".csv", ".h5", ".trc"])
def test_empty_files(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"nothing{suffix}").touch()
    with pytest.raises(InputError, match=rf"nothing\{suffix}.*empty"):
        load(tmp_path / f"nothing{suffix}")


@pytest.mark.parametrize("text", ['{"annotations": [', "{", "[1, 2", "\xff\xfe", "[" * 200_000, "1" * 10_000])
def test_what_is_no_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.json").write_bytes(text.encode("latin1"))
    with pytest.raises(InputError, match=r"bad\.json") as caught:
        load(tmp_path / "bad.json")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_cut_json_says_so(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"people": [')
    with pytest.raises(InputError, match="JSON"):
        load(tmp_path / "bad.json")


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=str(tmp_path)):
        load(tmp_path)
    assert not is_keypoint_source(tmp_path)


def test_a_folder_of_images(tmp_path: Path) -> None:
    (tmp_path / "0001.png").touch()
    assert not is_keypoint_source(tmp_path)
    (tmp_path / "notes.json").write_text("{}")
    assert not is_keypoint_source(tmp_path)


@pytest.mark.parametrize("name", ["a.npz", "a.json", "a.csv", "a.h5", "a.trc", "A.NPZ"])
def test_keypoint_files(tmp_path: Path, name: str) -> None:
    assert is_keypoint_source(tmp_path / name)
    assert is_keypoint_source(str(tmp_path / name))


@pytest.mark.parametrize("name", ["a.mp4", "a.png", "a.jpg", "a.mov", "a", "a.xyz"])
def test_other_files(tmp_path: Path, name: str) -> None:
    assert not is_keypoint_source(tmp_path / name)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"image_size": (-640, 480)}, "-640"),
        ({"image_size": (640, 0)}, "size"),
        ({"fps": 0.0}, "fps|frame rate"),
        ({"fps": float("nan")}, "fps|frame rate"),
        ({"fps": -25.0}, "fps|frame rate"),
        ({"skeleton": "unicorn"}, "unicorn"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, more: dict[str, object], expected: str) -> None:
    path = save(clip(), tmp_path / "clip.npz")
    with pytest.raises(InputError, match=expected):
        load(path, **more)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_a_skeleton_is_another_order_of_the_joints_that_a_file_names(tmp_path: Path, suffix: str) -> None:
    order = np.random.default_rng(3).permutation(17)
    mixed = replace(
        HUMAN36M17,
        name="mixed",
        joints=tuple(HUMAN36M17.joints[i] for i in order),
        parents=tuple(HUMAN36M17.parents[i] for i in order),
    )
    poses = made_poses(skeleton=mixed)
    found = load(save(poses, tmp_path / f"poses{suffix}"), skeleton="human36m17")
    assert found.skeleton == HUMAN36M17
    np.testing.assert_array_equal(found.xyz[:, :, order], poses.xyz)
    np.testing.assert_array_equal(found.cov[:, :, order], poses.cov)
    seen = load(save(poses.keypoints, tmp_path / f"seen{suffix}"), skeleton="human36m17")
    np.testing.assert_array_equal(seen.xy[:, :, order], poses.keypoints.xy)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_joints_that_a_file_names_are_not_called_something_else(tmp_path: Path, suffix: str) -> None:
    for given in (made_poses(), made_poses().keypoints):
        path = save(given, tmp_path / f"walk{suffix}")
        with pytest.raises(InputError, match="nothing is called left_eye"):
            load(path, skeleton="coco17")


def test_names_with_two_colons(tmp_path: Path) -> None:
    path = save(clip(), tmp_path / "a::b.npz")
    assert len(load(path)) == 2
    assert is_keypoint_source(path)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    import os

    path = save(clip(), tmp_path / "clip.npz")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read anything")
    with pytest.raises(InputError, match=r"clip\.npz.*ermission"):
        load(path)
