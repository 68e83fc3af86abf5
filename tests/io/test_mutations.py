"""Text files in which something was changed at random: read, or refused in one line that names the file."""

import copy
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flowlift.errors import InputError
from flowlift.io import load, save

from .made_poses import made_poses

JUNK = (None, True, -1, 10**30, 1e300, float("nan"), float("inf"), "", "x" * 9, [], [[]], {}, [1, 2], {"a": 1}, [None])


def person(joints: int = 17) -> list[float]:
    return [float(10 + value % 300) / (1 if value % 3 < 2 else 400) for value in range(3 * joints)]


def instance() -> dict[str, Any]:
    return {"keypoints": [[1.0 + i, 2.0 + i] for i in range(17)], "keypoint_scores": [0.5] * 17, "track_id": 3}


CONTENTS: dict[str, Any] = {
    "alphapose": [{"image_id": f"{i}.jpg", "keypoints": person(), "score": 2.0, "idx": [1.0]} for i in range(2)],
    "mmpose": {
        "meta_info": {
            "keypoint_id2name": {str(i): f"joint {i}" for i in range(17)},
            "skeleton_links": [[0, 1], [2, 1]],
        },
        "instance_info": [{"frame_id": i, "instances": [instance()]} for i in range(2)],
    },
    "mmpose frames": [{"frame_id": i, "instances": [instance()]} for i in range(2)],
    "coco": {
        "images": [{"id": 1, "width": 640, "height": 480}],
        "annotations": [{"image_id": 1, "category_id": 1, "keypoints": person(2), "track_id": 4}],
        "categories": [{"id": 1, "name": "mouse", "keypoints": ["nose", "tail"], "skeleton": [[1, 2]]}],
    },
    "coco results": [{"image_id": i, "category_id": 1, "keypoints": person(), "score": 0.5} for i in range(2)],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each part of some JSON; of long lists, to the first parts."""
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for key, part in parts:
        yield from places(part, (*path, key))


def changed(content: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    made = copy.deepcopy(content)
    inside = made
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = junk
    return made


def refused(path: Path) -> str | None:
    """What is said of a file that is not read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            load(path, image_size=(640, 480))
        except InputError as error:
            return str(error)
    return None


@pytest.mark.parametrize("name", CONTENTS)
def test_json_with_junk_in_it(tmp_path: Path, name: str) -> None:
    file = tmp_path / "changed.json"
    file.write_text(json.dumps(CONTENTS[name]))
    assert refused(file) is None
    ways, generator = list(places(CONTENTS[name])), np.random.default_rng(0)
    said = []
    for _ in range(120):
        path, junk = ways[generator.integers(len(ways))], JUNK[generator.integers(len(JUNK))]
        file.write_text(json.dumps(changed(CONTENTS[name], path, junk)))
        said.append(refused(file))
    complaints = [each for each in said if each is not None]
    assert len(complaints) > 20
    assert all(each.startswith(str(file)) and "\n" not in each for each in complaints)


@pytest.mark.parametrize("suffix", [".trc", ".dlc.csv"])
def test_text_with_other_letters_in_it(tmp_path: Path, suffix: str) -> None:
    given = made_poses() if suffix == ".trc" else made_poses().keypoints
    file = save(given, tmp_path / f"changed{suffix}")
    whole, generator = file.read_bytes(), np.random.default_rng(0)
    said = []
    for _ in range(150):
        content = bytearray(whole)
        for at in generator.integers(0, len(whole), generator.integers(1, 12)):
            content[at] = generator.choice(list(b"0123456789.-e\t\n,xNa \xff\x00"))
        file.write_bytes(content[: generator.integers(1, len(whole))] if generator.random() < 0.3 else content)
        said.append(refused(file))
    complaints = [each for each in said if each is not None]
    assert len(complaints) > 20
    assert all(each.startswith(str(file)) and "\n" not in each for each in complaints)
