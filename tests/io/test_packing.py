"""Our own formats, with something else where a value belongs: one line, whatever it is and wherever it stands."""

import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.errors import InputError
from flowlift.io import load, save
from flowlift.skeleton import Skeleton

PAIR = Skeleton("pair", ("root", "left_ear", "right_ear"), (None, "root", "root"), (("left_ear", "right_ear"),))


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    seen = Keypoints2D(np.ones((2, 1, 3, 2)), np.ones((2, 1, 3)), PAIR, (64, 48), times=np.arange(2.0))
    camera = Camera.from_matrix([[90, 0, 32], [0, 90, 24], [0, 0, 1]], (64, 48), [0.1])
    made = Poses3D(
        np.zeros((2, 1, 3, 3)), None, np.zeros((2, 1, 3, 3, 3)), PAIR, 30, camera, {"seed": 1}, keypoints=seen
    )
    return save(made, tmp_path_factory.mktemp("p") / "p.json").read_text()


def places(value, path=()):
    """Every place in a JSON value, by the keys that lead to it."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def replaced(value, path, other):
    """A JSON value with another one in one place."""
    whole = json.loads(json.dumps(value))
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = other
    return whole


OTHERS = [None, True, -1, 0, 1.5, 10**20, math.inf, math.nan, "x", "", [], {}, [[]], {"a": 1}, [None], ["x", "x"]]


def complaint(file):
    """What is said of a file, None where it is read."""
    try:
        load(file)
    except InputError as error:
        return str(error)
    return None


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_wrong_value_is_one_line(tmp_path, content, data):
    whole = json.loads(content)
    path = data.draw(st.sampled_from(list(places(whole))))
    file = tmp_path / "p.json"
    file.write_text(json.dumps(replaced(whole, path, data.draw(st.sampled_from(OTHERS)))))
    told = complaint(file)
    assert told is None or (told.startswith(f"{file}: ") and "\n" not in told)


@pytest.mark.parametrize("path", [("skeleton", "name"), ("skeleton", "joints", 1), ("keypoints", "skeleton", "name")])
@pytest.mark.parametrize("other", [{}, [], 3])
def test_names_are_text(tmp_path, content, path, other):
    file = tmp_path / "p.json"
    file.write_text(json.dumps(replaced(json.loads(content), path, other)))
    with pytest.raises(InputError, match=r"p\.json: .*text"):
        load(file)
