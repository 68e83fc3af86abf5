"""MMPose's predictions, in the three forms in which it writes them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io import keeps_people_apart, load
from flowlift.skeletons import COCO17, HALPE26


def instance(start: float, joints: int = 17, **more: Any) -> dict[str, Any]:
    return {
        "keypoints": [[start + joint, 2 * start + joint] for joint in range(joints)],
        "keypoint_scores": [0.5] * joints,
        "bbox": [[1, 2, 3, 4]],
        "bbox_score": 0.9,
        **more,
    }


def read(path: Path, content: Any, **more: Any) -> Keypoints2D:
    path.write_text(json.dumps(content))
    found = load(path, **{"image_size": (640, 480), **more})
    assert isinstance(found, Keypoints2D)
    return found


def test_frames_of_a_video(tmp_path: Path) -> None:
    frames = [
        {"frame_id": 1, "instances": [instance(10), instance(20)]},
        {"frame_id": 2, "instances": []},
        {"frame_id": 5, "instances": [instance(11)]},
    ]
    for content in (frames, {"meta_info": {}, "instance_info": frames}):
        found = read(tmp_path / "p.json", content, fps=25.0)
        assert found.skeleton == COCO17
        assert found.fps == 25
        assert found.xy.shape == (5, 2, 17, 2)
        np.testing.assert_array_equal(found.xy[[0, 4], 0, 1], [[11, 21], [12, 23]])
        assert np.isnan(found.xy[1:4]).all()
        np.testing.assert_array_equal(found.score[0], 0.5)


def test_one_image(tmp_path: Path) -> None:
    found = read(tmp_path / "p.json", [instance(10, 26), instance(20, 26)])
    assert found.skeleton == HALPE26
    assert found.xy.shape == (1, 2, 26, 2)


def test_tracks_are_people(tmp_path: Path) -> None:
    frames = [
        {"frame_id": 0, "instances": [instance(10, track_id=4), instance(20, track_id=2)]},
        {"frame_id": 1, "instances": [instance(21, track_id=2), instance(11, track_id=4)]},
    ]
    np.testing.assert_array_equal(read(tmp_path / "p.json", frames).xy[:, :, 0, 0], [[10, 20], [11, 21]])
    assert keeps_people_apart(tmp_path / "p.json")
    del frames[0]["instances"][0]["track_id"]
    read(tmp_path / "p.json", frames)
    assert not keeps_people_apart(tmp_path / "p.json")


def test_names_in_the_file(tmp_path: Path) -> None:
    about = {
        "dataset_name": "horse10",
        "keypoint_id2name": {"0": "Nose", "1": "Eye", "2": "Nearknee", "10": "Ischium", "3": "Shoulder"},
        "skeleton_links": [[0, 1], [3, 0], [2, 3], [4, 3]],
    }
    content = {"meta_info": about, "instance_info": [{"frame_id": 0, "instances": [instance(10, 5)]}]}
    found = read(tmp_path / "p.json", content)
    assert found.skeleton.name == "horse10"
    assert found.skeleton.joints == ("nose", "Eye", "Nearknee", "Shoulder", "Ischium")
    assert found.skeleton.parents == ("Shoulder", "nose", None, "Nearknee", "Shoulder")
    np.testing.assert_array_equal(found.xy[0, 0, 4], [14, 24])


def test_known_names_in_another_order(tmp_path: Path) -> None:
    joints = [*reversed(COCO17.joints), "left_big_toe"]
    about = {"keypoint_id2name": {str(i): joint for i, joint in enumerate(joints)}}
    content = {"meta_info": about, "instance_info": [{"frame_id": 0, "instances": [instance(10, 18)]}]}
    found = read(tmp_path / "p.json", content)
    assert found.skeleton == COCO17
    np.testing.assert_array_equal(found.xy[0, 0, 0], [26, 36])


def test_absent_joints(tmp_path: Path) -> None:
    one = instance(10)
    one["keypoints"][3], one["keypoint_scores"][3] = [0, 0], 0
    assert np.isnan(read(tmp_path / "p.json", [{"frame_id": 0, "instances": [one]}]).xy[0, 0, 3]).all()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([{"frame_id": 0, "instances": []}], "nobody"),
        ([{"frame_id": 0, "instances": [instance(1, keypoints=[[1, 2, 3]] * 17)]}], "3D"),
        ([{"frame_id": 0, "instances": [instance(1, keypoint_scores=[1.0])]}], "scores"),
        ([{"frame_id": 0, "instances": [instance(1, keypoints=[1.0])]}], "keypoints"),
        ([{"frame_id": 0, "instances": [{"keypoints": "x"}]}], "keypoint_scores"),
        ([{"frame_id": 0, "instances": [3]}], "instance"),
        ([{"frame_id": 0, "instances": [instance(1), instance(1, 26)]}], "joints"),
        ([{"frame_id": "a", "instances": [instance(1)]}], "frame_id"),
        ([{"frame_id": 0, "instances": [instance(1)]}, {"frame_id": 10**9, "instances": []}], "1000000000"),
        ([{"frame_id": 0, "instances": [instance(1)]}, 3], "frames"),
        ({"instance_info": []}, "nobody"),
        ({"instance_info": [3]}, "frames"),
        ({"meta_info": {"keypoint_id2name": {str(i): "a" for i in range(17)}}, "instance_info": [instance(1)]}, "'a'"),
        ({"meta_info": {"keypoint_id2name": {"x": "a"}}, "instance_info": [instance(1, 1)]}, "damaged"),
    ],
    ids=range(14),
)
def test_damage(tmp_path: Path, content: Any, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read(tmp_path / "p.json", content)
    assert "p.json" in str(caught.value)
    assert "\n" not in str(caught.value)
