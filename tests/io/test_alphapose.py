"""AlphaPose's results: identities, gaps, its bodies of 17, 26 and 136 joints."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io import keeps_people_apart, load
from flowlift.skeletons import COCO17, HALPE26


def flat(start: float, joints: int = 17, score: float = 0.75) -> list[float]:
    return [value for joint in range(joints) for value in (start + joint, 2 * start + joint, score)]


def person(image: str, start: float, joints: int = 17, **more: Any) -> dict[str, Any]:
    return {
        "image_id": image,
        "category_id": 1,
        "keypoints": flat(start, joints),
        "score": 2.9,
        "box": [1, 2, 3, 4],
        **more,
    }


def read(path: Path, content: Any, **more: Any) -> Keypoints2D:
    path.write_text(json.dumps(content))
    found = load(path, **{"image_size": (640, 480), **more})
    assert isinstance(found, Keypoints2D)
    return found


@pytest.mark.parametrize(
    ("joints", "skeleton"), [(17, COCO17), (26, HALPE26), (133, COCO17), (136, HALPE26)], ids=lambda each: str(each)[:3]
)
def test_bodies_by_their_number_of_joints(tmp_path: Path, joints: int, skeleton: Any) -> None:
    found = read(tmp_path / "alphapose-results.json", [person("0.jpg", 10, joints)])
    assert found.skeleton == skeleton
    np.testing.assert_allclose(found.xy[0, 0, -1], [10 + len(skeleton) - 1, 20 + len(skeleton) - 1])
    np.testing.assert_allclose(found.score, 0.75)


def test_identities_and_gaps(tmp_path: Path) -> None:
    people = [
        person("frame_0009.jpg", 10, idx=[7.0]),
        person("frame_0009.jpg", 20, idx=[3.0]),
        person("frame_0012.jpg", 21, idx=[3.0]),
        person("frame_0012.jpg", 30, idx=4),
        person("frame_0013.jpg", 11, idx=7),
    ]
    found = read(tmp_path / "r.json", people, fps=30.0)
    assert found.xy.shape == (5, 3, 17, 2)
    starts = found.xy[:, :, 0, 0]
    nobody = np.nan
    np.testing.assert_array_equal(
        starts, [[10, 20, nobody], [nobody] * 3, [nobody] * 3, [nobody, 21, 30], [11, nobody, nobody]]
    )


def test_identities_that_tell_nothing(tmp_path: Path) -> None:
    people = [person(f"{frame}.jpg", 10 * i + frame, idx=[0.0]) for frame in (0, 1) for i in (1, 2)]
    np.testing.assert_array_equal(read(tmp_path / "r.json", people).xy[:, :, 0, 0], [[10, 20], [11, 21]])


@pytest.mark.parametrize(
    ("people", "apart"),
    [
        ([person("0.jpg", 1, idx=1), person("0.jpg", 2, idx=2), person("1.jpg", 2, idx=2)], True),
        ([person("0.jpg", 1, idx=1), person("0.jpg", 2, idx=1)], False),
        ([person("0.jpg", 1, idx=1), person("1.jpg", 2)], False),
        ([person("0.jpg", 1)], False),
    ],
)
def test_whether_people_are_kept_apart(tmp_path: Path, people: Any, apart: bool) -> None:
    (tmp_path / "r.json").write_text(json.dumps(people))
    assert keeps_people_apart(tmp_path / "r.json") is apart


def test_no_score_is_missing(tmp_path: Path) -> None:
    entry = person("0.jpg", 10)
    entry["keypoints"][:3] = [5.0, 6.0, 0.0]
    found = read(tmp_path / "r.json", [entry])
    assert np.isnan(found.xy[0, 0, 0]).all()
    assert np.isfinite(found.xy[0, 0, 1:]).all()


def test_joints_that_are_not_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"r\.json.*21 joints.*--skeleton"):
        read(tmp_path / "r.json", [person("0.jpg", 10, 21)])
    assert read(tmp_path / "r.json", [person("0.jpg", 10, 25)], skeleton="body25b").skeleton.name == "body25b"
    with pytest.raises(InputError, match="17 joints"):
        read(tmp_path / "r.json", [person("0.jpg", 10)], skeleton="body25b")


@pytest.mark.parametrize(
    "content",
    [
        [person("0.jpg", 1), 3],
        [person("0.jpg", 1), person("1.jpg", 1, 26)],
        [person("0.jpg", 1, keypoints=[1, 2])],
        [person("0.jpg", 1, keypoints="abc")],
        [person("0.jpg", 1, keypoints=None)],
        [person("0.jpg", 1, keypoints=[])],
        [person("0.jpg", 1), person("999999999.jpg", 1)],
        [{**person("0.jpg", 1), "keypoints": [float("inf")] * 51}],
        [person("0.jpg", 1), {"image_id": "1.jpg"}],
    ],
    ids=range(9),
)
def test_damage(tmp_path: Path, content: Any) -> None:
    with pytest.raises(InputError, match=r"r\.json") as caught:
        read(tmp_path / "r.json", content)
    assert "\n" not in str(caught.value)


def test_plain_numbers_count_a_video_s_frames(tmp_path: Path) -> None:
    late = read(tmp_path / "r.json", [person(f"{frame}.jpg", frame) for frame in (3, 4)])
    np.testing.assert_array_equal(late.xy[:, 0, 0, 0], [np.nan, np.nan, 3, 4])  # images are counted from 1
    begins = read(tmp_path / "r.json", [person(f"{frame}.jpg", frame) for frame in (0, 2)])
    np.testing.assert_array_equal(begins.xy[:, 0, 0, 0], [0, np.nan, 2])
