"""COCO keypoints: data sets, and lists of results."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.io import keeps_people_apart, load
from flowlift.skeletons import COCO17, HALPE26


def flat(offset: float = 0.0, third: float = 2.0) -> list[float]:
    return [value for j in range(17) for value in (10.0 + j + offset, 20.0 + j, third)]


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def read(path: Path, **more: object) -> Keypoints2D:
    found = load(path, **more)
    assert isinstance(found, Keypoints2D)
    return found


def data_set() -> dict[str, Any]:
    hidden = flat()
    hidden[0:3] = [0, 0, 0]
    return {
        "images": [{"id": i, "width": 640, "height": 480, "file_name": f"{i}.jpg"} for i in (7, 8, 9)],
        "annotations": [
            {"id": 1, "image_id": 7, "keypoints": hidden, "num_keypoints": 16, "category_id": 1},
            {"id": 2, "image_id": 9, "keypoints": flat(1), "num_keypoints": 17, "category_id": 1},
            {"id": 3, "image_id": 7, "keypoints": flat(2), "num_keypoints": 17, "category_id": 1},
        ],
        "categories": [{"id": 1, "name": "person"}],
    }


def test_a_data_set(tmp_path: Path) -> None:
    found = read(write(tmp_path / "person_keypoints.json", data_set()), fps=10.0)
    assert found.skeleton == COCO17
    assert found.image_size == (640, 480)
    assert found.fps == 10.0
    assert found.xy.shape == (3, 2, 17, 2)
    assert np.isnan(found.xy[0, 0, 0]).all()
    np.testing.assert_allclose(found.xy[0, 0, 1], [11, 21])
    np.testing.assert_allclose(found.xy[0, 1, 0], [12, 20])
    np.testing.assert_allclose(found.xy[2, 0, 0], [11, 20])
    assert np.isnan(found.xy[1]).all()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("f_9", "f_10", "f_11"), None),
        (("b", "a", "c"), None),  # nothing tells
        (("x3-f_1", "x1-f_2", "x2-f_3"), None),
        (("f_0", "f_5", "f_10"), "f_5 comes after f_0"),
        (("f_1", "f_3", "f_2"), "f_3 comes after f_1"),
        (("2", "1", "0"), "1 comes after 2"),
    ],
)
def test_images_that_are_no_clip_as_they_are_listed_are_told(
    tmp_path: Path, names: tuple[str, ...], told: str | None
) -> None:
    content = data_set()
    for image, name in zip(content["images"], names, strict=True):
        image["file_name"] = f"folder2/{name}.jpg"
    file = write(tmp_path / "a.json", content)
    for fps, expected in ((None, None), (30.0, told)):  # without a rate they are pictures, and no clip
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            read(file, fps=fps)
        said = [str(each.message) for each in caught if "follow one another as they are listed" in str(each.message)]
        assert len(said) == (expected is not None)
        assert all(expected in each for each in said)


def test_results(tmp_path: Path) -> None:
    results = [{"image_id": i, "category_id": 1, "keypoints": flat(i, 0.25), "score": 0.9} for i in (5, 3)]
    found = read(write(tmp_path / "results.json", results), image_size=(320, 240))
    assert found.image_size == (320, 240)
    np.testing.assert_allclose(found.xy[[0, -1], 0, 0, 0], [13, 15])
    np.testing.assert_allclose(found.score[0], 0.25)


def test_results_named_after_images(tmp_path: Path) -> None:
    results = [{"image_id": f"{i}.jpg", "keypoints": flat(i, 0.5), "score": 2.9} for i in (10, 9)]
    found = read(write(tmp_path / "alphapose-results.json", results), image_size=(320, 240))
    np.testing.assert_allclose(found.xy[:, 0, 0, 0], [*[np.nan] * 8, 19, 20])


def test_results_without_a_size(tmp_path: Path) -> None:
    path = write(tmp_path / "results.json", [{"image_id": 0, "keypoints": flat(), "score": 1.0}])
    with pytest.warns(UserWarning, match="image size"):
        found = read(path)
    assert np.nanmax(found.xy[..., 0]) <= found.image_size[0]


def test_joints_that_the_file_names(tmp_path: Path) -> None:
    """An animal, as labelling tools write them; the image that holds nobody is an empty frame."""
    content = data_set()
    content["categories"] = [
        {
            "id": 1,
            "name": "mouse",
            "keypoints": ["snout", "left ear", "Right Ear", "tail"],
            "skeleton": [[4, 1], [1, 2], [1, 3]],
        },
        {"id": 2, "name": "cat", "keypoints": ["nose"]},
    ]
    for annotation in content["annotations"]:
        annotation["keypoints"] = annotation["keypoints"][:12]
    found = read(write(tmp_path / "mouse.json", content))
    assert found.skeleton.joints == ("snout", "left_ear", "right_ear", "tail")
    assert found.skeleton.parents == ("tail", "snout", "snout", None)
    assert found.skeleton.pairs == (("left_ear", "right_ear"),)
    assert found.xy.shape == (3, 2, 4, 2)
    np.testing.assert_allclose(found.xy[0, 1, 3], [15, 23])
    content["annotations"][0]["category_id"] = 2
    with pytest.raises(InputError, match="mouse, cat"):
        read(write(tmp_path / "mouse.json", content))


def test_people_who_are_tracked(tmp_path: Path) -> None:
    content = data_set()
    for annotation, track in zip(content["annotations"], (5, 6, 6), strict=True):
        annotation["track_id"] = track
    found = read(write(tmp_path / "person.json", content))
    np.testing.assert_allclose(found.xy[[0, 0, 2], [0, 1, 1], 1], [[11, 21], [13, 21], [12, 21]])
    assert keeps_people_apart(tmp_path / "person.json")
    assert not keeps_people_apart(write(tmp_path / "person.json", data_set()))


def test_results_of_another_body(tmp_path: Path) -> None:
    results = [{"image_id": 0, "keypoints": [float(i % 9) for i in range(78)], "score": 0.9}]
    assert read(write(tmp_path / "results.json", results), image_size=(20, 20)).skeleton == HALPE26


def broken(**changes: Any) -> dict[str, Any]:
    return {**data_set(), **changes}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (broken(annotations=[{"image_id": 7, "keypoints": flat()[:-3]}]), "48"),
        (broken(annotations=[{"image_id": 7, "keypoints": "abc"}]), "keypoints"),
        (broken(annotations=[{"image_id": 7, "keypoints": None}]), "keypoints"),
        (broken(annotations=[{"image_id": 4, "keypoints": flat()}]), "4"),
        (broken(annotations=[{"keypoints": flat()}]), "image_id"),
        (broken(images=[{"id": 7, "width": 640, "height": 480}, {"id": 9, "width": 64, "height": 48}]), "size"),
        (broken(images=[{"id": 7, "width": -640, "height": 480}, {"id": 9, "width": -640, "height": 480}]), "-640"),
        ([{"image_id": 1, "keypoints": flat()[:6]}], "6"),
        ([{"image_id": 1, "keypoints": [[1, 2, 3]] * 17}, 3], "person"),
        ([], "person"),
        ({}, "person"),
        (3, "person"),
        ("text", "person"),
        (None, "person"),
    ],
    ids=range(14),
)
def test_damage(tmp_path: Path, content: Any, expected: str) -> None:
    path = write(tmp_path / "person.json", content)
    with pytest.raises(InputError, match=expected) as caught:
        read(path)
    assert "person.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [(-640, 480), (0, 480)])
def test_sizes_must_be_positive(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write(tmp_path / "person.json", data_set())
    with pytest.raises(InputError, match="size"):
        read(path, image_size=size)
