"""Several people through the whole job: followed, lifted, and as many kept as asked for."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flowlift
from flowlift.cli import main
from flowlift.clips import open_keypoints
from flowlift.concatenate import concatenate_poses
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError
from flowlift.io import keeps_people_apart
from flowlift.people import how_many, keep_people
from flowlift.skeletons import COCO17, COCO18, HUMAN36M17

from .crowds import observed, walkers


def body(frames: int, at: float, size: float) -> np.ndarray:
    """A person (frame, 17, 2) of about `size` px, walking right."""
    shape = np.random.default_rng(5).uniform(-0.5, 0.5, (17, 2)) * size
    return np.array([at, 360]) + shape + np.arange(frames)[:, None, None] * np.array([1.5, 0])


def clip(*people: np.ndarray) -> Keypoints2D:
    xy = np.stack(people, axis=1)
    return Keypoints2D(xy, np.where(np.isfinite(xy[..., 0]), 0.9, np.nan), HUMAN36M17, (1280, 720), fps=30.0)


def flat(keypoints: Keypoints2D) -> Poses3D:
    xyz = np.concatenate([keypoints.xy, 0 * keypoints.xy[..., :1]], axis=-1)
    return Poses3D(xyz, xyz[:, :, 0], np.zeros((*xyz.shape, 3)), HUMAN36M17, fps=30.0, keypoints=keypoints)


def crowd() -> Keypoints2D:
    """Small for long, large for long, huge for a moment."""
    huge = body(60, 900, 600)
    huge[:50] = np.nan
    return clip(body(60, 200, 100), body(60, 500, 300), huge)


@pytest.mark.parametrize(("count", "kept"), [(1, [1]), (2, [1, 2]), (3, [0, 1, 2])])
def test_who_fills_the_clip_most_is_kept(count: int, kept: list[int]) -> None:
    whole = flat(crowd())
    (some,) = keep_people([whole], count)
    np.testing.assert_array_equal(some.xyz, whole.xyz[:, kept])
    np.testing.assert_array_equal(some.keypoints.score, whole.keypoints.score[:, kept])
    np.testing.assert_array_equal(some.root, whole.root[:, kept])


@given(cut=st.integers(1, 59), count=st.integers(1, 3))
def test_choosing_does_not_depend_on_the_chunks(cut: int, count: int) -> None:
    keypoints = crowd()
    first = keypoints.frames(0, cut)
    if cut <= 50:  # who has not come yet is not there
        first = replace(first, xy=first.xy[:, :2], score=first.score[:, :2])
    parts = [flat(first), flat(keypoints.frames(cut, 60))]
    chosen = concatenate_poses(keep_people(parts, count))
    np.testing.assert_array_equal(chosen.xyz, keep_people([flat(keypoints)], count)[0].xyz)


@pytest.mark.parametrize("people", [0, -1, "none", "1.5", "", True])
def test_other_numbers_of_people_are_refused(people: int | str) -> None:
    with pytest.raises(InputError, match="people must be"):
        how_many(people)


def write_openpose(keypoints: Keypoints2D, folder: Path, seed: int) -> None:
    """One JSON file a frame, people in another order in each."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for frame in range(len(keypoints)):
        people = []
        for person in rng.permutation(keypoints.people):
            joints = np.concatenate([keypoints.xy[frame, person], keypoints.score[frame, person, :, None]], axis=-1)
            if np.isfinite(joints).any():
                people.append({"pose_keypoints_2d": np.nan_to_num(joints).ravel().tolist()})
        (folder / f"clip_{frame:012d}_keypoints.json").write_text(json.dumps({"people": people}))


@pytest.fixture
def two_in_a_folder(tmp_path: Path) -> Path:
    """An OpenPose folder of two walkers whose order changes, one of them away for a while."""
    seen = observed(walkers(2.0, 30.0, (0.0, 0.3)), 30.0, seed=2, shuffle=False).keypoints
    wide = np.full((*seen.xy.shape[:2], len(COCO18), 2), np.nan, dtype=np.float32)
    shared = [joint for joint in COCO18.joints if joint in HUMAN36M17.joints]
    wide[:, :, COCO18.indices(shared)] = seen.xy[:, :, HUMAN36M17.indices(shared)]
    wide[20:35, 1] = np.nan
    openpose = Keypoints2D(wide, np.where(np.isfinite(wide[..., 0]), 0.9, np.nan), COCO18, seen.image_size, fps=30.0)
    write_openpose(openpose, tmp_path / "shuffled", seed=0)
    return tmp_path / "shuffled"


def test_a_folder_in_any_order_becomes_people(two_in_a_folder: Path) -> None:
    poses = flowlift.lift(two_in_a_folder, fps=30.0, image_size=(1280, 720), hypotheses=2)
    assert poses.people == 2
    there = np.isfinite(poses.xyz[..., 0]).all(axis=-1)
    assert there[:, 0].sum() >= 58
    assert 40 <= there[:, 1].sum() <= 45
    moved = np.linalg.norm(np.diff(poses.root, axis=0), axis=-1)
    assert np.nanmax(moved) < 0.6, "m a frame: nobody leaps"


@pytest.mark.parametrize(("people", "columns"), [("all", 2), ("largest", 1), ("1", 1), ("2", 2), ("7", 2)])
def test_people_on_the_command_line(two_in_a_folder: Path, tmp_path: Path, people: str, columns: int) -> None:
    told = ["--fps", "30", "--image-size", "1280x720", "--hypotheses", "1", "--people", people]
    assert main(["lift", str(two_in_a_folder), "-o", f"{tmp_path}/poses.npz", *told]) == 0
    assert flowlift.load(tmp_path / "poses.npz").people == columns
    if people == "all":
        assert main(["lift", str(two_in_a_folder), "-o", f"{tmp_path}/one.trc", *told]) == 0
        assert {path.name for path in tmp_path.glob("*.trc")} == {"one_person0.trc", "one_person1.trc"}


def test_wrong_people_on_the_command_line(two_in_a_folder: Path, tmp_path: Path, capsys) -> None:
    assert main(["lift", str(two_in_a_folder), "-o", f"{tmp_path}/poses.npz", "--people", "some"]) == 2
    said = capsys.readouterr().err
    assert "people must be" in said
    assert said.count("\n") == 1


def coco_results(keypoints: Keypoints2D, path: Path) -> Path:
    entries = [
        {"image_id": frame, "category_id": 1, "keypoints": np.nan_to_num(np.dstack([xy, score[..., None]])[0]).ravel()}
        for frame in range(len(keypoints))
        for xy, score in zip(keypoints.xy[frame][:, None], keypoints.score[frame][:, None], strict=True)
    ]
    path.write_text(json.dumps([{**entry, "keypoints": entry["keypoints"].tolist()} for entry in entries]))
    return path


def test_pictures_that_do_not_follow_one_another_stay_as_listed(tmp_path: Path) -> None:
    places = np.random.default_rng(1).uniform(0, 3000, (40, 1, 2))
    coco = replace(clip(body(40, 300, 200) + places), skeleton=COCO17)
    path = coco_results(coco, tmp_path / "results.json")
    loaded = flowlift.load(path, image_size=(4000, 4000))
    with pytest.warns(UserWarning, match="do not follow"):
        opened = open_keypoints(path, loaded, None, None, lambda *_: None, ordered=False)
    np.testing.assert_array_equal(next(opened.chunks).keypoints.xy, loaded.xy)


def test_files_that_keep_people_apart_are_left_alone(tmp_path: Path) -> None:
    jumping = body(40, 300, 200)
    jumping[20:] += 700
    flowlift.save(clip(jumping), tmp_path / "told.npz")
    assert flowlift.lift(tmp_path / "told.npz", hypotheses=1).people == 1


@pytest.mark.parametrize(
    ("tracks", "ordered"), [((None, None), False), ((0, 0), False), ((4, 7), True), ((4, None), False)]
)
def test_alphapose_and_mmpose_say_whether_they_track(
    tmp_path: Path, tracks: tuple[int | None, int | None], ordered: bool
) -> None:
    people = [{"keypoints": [1.0, 2.0, 0.9] * 17, "score": 1.0, "box": [0, 0, 1, 1]} for _ in tracks]
    told = [{**each, **({} if track is None else {"idx": track})} for each, track in zip(people, tracks, strict=True)]
    alphapose = [{**each, "image_id": f"{frame}.jpg", "category_id": 1} for frame in range(3) for each in told]
    instances = [
        {
            "keypoints": [[1.0, 2.0]] * 17,
            "keypoint_scores": [0.9] * 17,
            **({} if track is None else {"track_id": track}),
        }
        for track in tracks
    ]
    mmpose = {"meta_info": {}, "instance_info": [{"frame_id": frame, "instances": instances} for frame in range(3)]}
    for name, content in (("alphapose", alphapose), ("mmpose", mmpose)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        assert keeps_people_apart(tmp_path / f"{name}.json") is ordered, name


@pytest.mark.slow
def test_a_detector_s_one_track_of_two_people_is_split(shared_data: Path) -> None:
    """MediaPipe's one person is the man on the roof, then the woman until she leaves, then the man, who has landed."""
    pytest.importorskip("mediapipe")
    poses = flowlift.lift(shared_data / "samples" / "sports2d_demo.mp4", hypotheses=1)
    assert poses.people == 2
    seen = np.isfinite(poses.xyz[..., 0]).all(axis=-1)
    man, woman = (np.flatnonzero(seen[:, person]) for person in range(2))
    assert man[0] < 10
    assert not ((man > 169) & (man < 201)).any()
    assert len(woman) >= 28
    assert woman[0] > 169
    assert woman[-1] < 202
    assert np.nanmax(poses.keypoints.xy[171:201, 1, :, 0]) < 420, "px: she is at the left"
