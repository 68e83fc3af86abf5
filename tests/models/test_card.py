"""What a model's card may say, what it means where it says nothing, and how damage is told."""

import json
from pathlib import Path

import numpy as np
import pytest

from flowlift.errors import ModelError
from flowlift.models import find_model, packaged_models, read_card
from flowlift.models.card import KINDS
from flowlift.models.words import in_words
from flowlift.skeletons import HUMAN36M17

CARD = {
    "format": "flowlift-model-1",
    "name": "mine",
    "version": "1",
    "skeleton": "human36m17",
    "steps": 3,
    "conditioning": "screen",
    "network": {"kind": "velocity", "joints": 17},
}


MEASURED = ("spread_seen", "spread_missing", "residual_seen", "residual_missing")


def measured(variances: list[object]) -> dict[str, list[object]]:
    return dict.fromkeys(MEASURED, variances) | {"scale": [1.0] * 17}


def write(folder: Path, **changes: object) -> Path:
    """A card with some entries changed; None takes one out."""
    card = {key: value for key, value in {**CARD, **changes}.items() if value is not None}
    (folder / "model.json").write_text(json.dumps(card))
    return folder


def test_the_packaged_card_means_what_it_always_did():
    for name in packaged_models():
        model = find_model(name)
        assert (model.network, model.conditioning, model.method) == ("two-part", "canonical", "flow")
        assert (model.unit, model.uncertainty) == ("body lengths" if name == "animal" else "m", "calibrated")


def test_what_a_card_leaves_out_has_a_meaning(tmp_path):
    model = read_card(write(tmp_path))
    assert (model.method, model.unit, model.stature, model.parameters) == ("flow", "m", None, None)
    assert model.uncertainty == "uncalibrated"
    assert model.skeleton == HUMAN36M17
    calibration = model.calibration
    assert (calibration.residual_missing > calibration.residual_seen).all()
    np.testing.assert_array_equal(calibration.scale, np.ones(17))
    assert model.starts.shape == (0, 17, 3)


def test_starts_are_rows_of_a_pose_each(tmp_path):
    rows = np.random.default_rng(0).normal(size=(3, 51)).round(3)
    starts = read_card(write(tmp_path, starts=rows.tolist())).starts
    np.testing.assert_allclose(starts, rows.reshape(3, 17, 3), rtol=1e-6)


def test_a_skeleton_file_is_read_from_the_folder(tmp_path):
    (tmp_path / "skeleton.toml").write_text('name = "two"\n[parents]\na = ""\nb = "a"\n')
    assert read_card(write(tmp_path, skeleton="skeleton.toml")).skeleton.joints == ("a", "b")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"format": "flowlift-model-9"}, "flowlift-model-9"),
        ({"steps": None}, "'steps' is missing"),
        ({"steps": 0}, "steps"),
        ({"steps": "few"}, "few"),
        ({"network": None}, "'network' is missing"),
        ({"network": {"kind": "transformer"}}, "transformer"),
        ({"network": {"kind": []}}, "network.kind"),
        ({"network": "velocity"}, "damaged"),
        ({"conditioning": "polar"}, "polar"),
        ({"conditioning": "canonical"}, "cannot be fed"),
        ({"conditioning": "canonical", "network": {}}, "stature"),
        ({"method": "magic"}, "magic"),
        ({"unit": "feet"}, "feet"),
        ({"skeleton": "coco99"}, "coco99"),
        ({"skeleton": "skeleton.toml"}, "skeleton.toml"),
        ({"skeleton": ["human36m17"]}, "damaged"),
        ({"calibration": {"spread_seen": [[1.0] * 3]}}, "spread_missing"),
        ({"calibration": measured([1.0])}, "spread_seen must be 17 x 3 numbers"),
        ({"calibration": measured([[1.0] * 3] * 17) | {"scale": [1.0] * 3}}, "scale must be 17 numbers"),
        ({"calibration": measured([[-1.0] * 3] * 17)}, "below 0"),
        ({"calibration": measured([[float("nan")] * 3] * 17)}, "17 x 3 numbers"),
        (
            {"calibration": measured([[1.0] * 3] * 17) | {"missed": [-1.0] * 17}},
            "missed must be 17 numbers",
        ),
        ({"calibration": measured([[1.0] * 3] * 17) | {"doubt": [[2.0, 1.0], [1.0, 1.0]]}}, "doubt must be pairs"),
        ({"calibration": measured([[1.0] * 3] * 17) | {"doubt": [1.0, 2.0, 3.0]}}, "damaged"),
        ({"calibration": [1, 2]}, "damaged"),
        ({"starts": [[0.5] * 50]}, "starts must be rows of 51 numbers"),
        ({"starts": [[float("nan")] * 51]}, "starts must be rows of 51 numbers"),
        ({"starts": [[0.5] * 51, [0.5]]}, "damaged"),
        ({"starts": [0.5] * 51}, "starts must be rows"),
        ({"starts": 3}, "damaged"),
    ],
    ids=repr,
)
def test_damage_is_told(tmp_path, changes, expected):
    with pytest.raises(ModelError, match=r"model\.json") as caught:
        read_card(write(tmp_path, **changes))
    assert expected in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "[" * 100_000], ids=lambda text: text[:4])
def test_what_is_no_card_is_told(tmp_path, text):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelError, match=r"model\.json"):
        read_card(tmp_path)


def test_kinds_are_those_that_can_be_made():
    pytest.importorskip("torch")
    from flowlift.networks import CONFIGS

    assert set(KINDS) == set(CONFIGS)


def test_a_card_in_words(tmp_path):
    licence = {"licence": "ask the authors", "source": "a checkpoint", "parameters": 1234567}
    words = "\n".join(in_words(read_card(write(tmp_path, unit="model units", **licence))))
    for text in ("mine 1", "17 joints", "velocity", "1,234,567", "screen", "flow, 3 steps", "not metres"):
        assert text in words
    for text in ("uncalibrated", "ask the authors", "a checkpoint", str(tmp_path)):
        assert text in words
    assert "calibrated on held-out" in "\n".join(in_words(find_model("human")))
