"""MediaPipe's landmarks, in the shapes that people write them in."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.errors import InputError
from flowlift.io import load
from flowlift.io.hints import Hints
from flowlift.io.registry import load_as_listed
from flowlift.skeletons import MEDIAPIPE33


def landmarks(x: float = 0.5) -> list[dict[str, float]]:
    return [{"x": x, "y": 0.25, "z": 0.1, "visibility": j / 33} for j in range(33)]


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


SHAPES: dict[str, Any] = {
    "list": [landmarks(), [], landmarks(0.75)],
    "objects": [{"pose_landmarks": landmarks()}, {"pose_landmarks": []}, {"pose_landmarks": landmarks(0.75)}],
    "nulls": [{"pose_landmarks": landmarks()}, {"pose_landmarks": None}, {"pose_landmarks": landmarks(0.75)}],
    "frames": {
        "frames": [{"pose_landmarks": landmarks()}, {"pose_landmarks": []}, {"pose_landmarks": landmarks(0.75)}]
    },
    "people": {
        "frames": [{"pose_landmarks": [landmarks()]}, {"pose_landmarks": []}, {"pose_landmarks": [landmarks(0.75)]}]
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(tmp_path: Path, shape: str) -> None:
    found = load(write(tmp_path / "landmarks.json", SHAPES[shape]), image_size=(200, 100))
    assert found.skeleton == MEDIAPIPE33
    assert found.xy.shape == (3, 1, 33, 2)
    np.testing.assert_allclose(found.xy[[0, 2], 0, 7], [[100, 25], [150, 25]])
    assert np.isnan(found.xy[1]).all()
    np.testing.assert_allclose(found.score[0, 0], np.arange(33) / 33, rtol=1e-6)


def test_the_file_may_tell_size_and_rate(tmp_path: Path) -> None:
    content = {"frames": [landmarks()], "image_size": [400, 300], "fps": 29.97}
    found = load(write(tmp_path / "landmarks.json", content))
    assert found.image_size == (400, 300)
    assert found.fps == 29.97
    np.testing.assert_allclose(found.xy[0, 0, 0], [200, 75])


def test_a_size_that_is_not_told_is_the_cameras(tmp_path: Path) -> None:
    for about in ({}, {"image_size": None}):
        path = write(tmp_path / "landmarks.json", {"frames": [landmarks()], **about})
        assert load_as_listed(path, Hints(camera_size=(400, 300))).image_size == (400, 300)


def test_points_outside_the_image_are_kept(tmp_path: Path) -> None:
    found = load(write(tmp_path / "landmarks.json", [landmarks(-0.5)]), image_size=(200, 100))
    np.testing.assert_allclose(found.xy[0, 0, 0], [-100, 25])


def test_two_people(tmp_path: Path) -> None:
    content = [{"pose_landmarks": [landmarks(), landmarks(0.75)]}, {"pose_landmarks": [landmarks(0.25)]}]
    found = load(write(tmp_path / "landmarks.json", content), image_size=(200, 100))
    np.testing.assert_array_equal(found.xy[:, :, 0, 0], [[100, 150], [50, np.nan]])


@pytest.mark.parametrize(
    ("content", "size", "expected"),
    [
        ([landmarks()], None, "image"),
        ([landmarks()[:-1]], (9, 9), "32"),
        ([landmarks(), [{"x": 1}] * 33], (9, 9), "y"),
        ({"frames": [landmarks()], "image_size": [-4, 3]}, None, "-4"),
        ({"frames": [landmarks()], "image_size": "big"}, None, "size"),
        ({"frames": [landmarks()], "image_size": [4, 3], "fps": -1}, None, "fps"),
        ({"frames": []}, (9, 9), "frames"),
        ({"frames": 7}, (9, 9), "landmarks"),
        ([landmarks(), 7], (9, 9), "landmarks"),
    ],
    ids=range(9),
)
def test_damage(tmp_path: Path, content: Any, size: tuple[int, int] | None, expected: str) -> None:
    path = write(tmp_path / "landmarks.json", content)
    with pytest.raises(InputError, match=expected) as caught:
        load(path, image_size=size)
    assert "landmarks.json" in str(caught.value)
    assert "\n" not in str(caught.value)
