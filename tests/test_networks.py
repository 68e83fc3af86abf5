"""Networks by kind: settings that cannot be are named before torch meets them."""

import pytest

pytest.importorskip("torch")

from flowlift.errors import ModelError
from flowlift.networks import CONFIGS, make_network
from flowlift.skeletons import HUMAN36M17


@pytest.mark.parametrize(
    ("kind", "settings", "problem"),
    [
        ("transformer", {}, "no network of kind 'transformer'"),
        ("velocity", {"depth": 3}, "no setting 'depth'"),
        ("velocity", {"width": "wide"}, "width must be a whole number from 1 to 8192, got 'wide'"),
        ("velocity", {"width": 0}, "width must be a whole number"),
        ("velocity", {"width": 64.0}, "width must be a whole number"),
        ("velocity", {"blocks": True}, "blocks must be a number"),
        ("velocity", {"width": 36}, r"width \(36\) must be a multiple of heads \(8\)"),
        ("velocity", {"width": 32, "separate_encoders": True}, "even and above 32"),
        ("velocity", {"width": 45, "heads": 5, "separate_encoders": True}, "even and above 32"),
        ("velocity", {"separate_encoders": "yes"}, "separate_encoders must be true or false"),
        ("velocity", {"block": "sideways"}, "block must be one of parallel, serial, gcn, attention"),
        ("velocity", {"path_dropout": 1.0}, r"path_dropout must be in \[0, 1\)"),
        ("velocity", {"path_dropout": "much"}, "path_dropout must be a number"),
        ("normalizing-flow", {"width": 36}, "multiple of heads"),
        ("normalizing-flow", {"scale": 0}, "scale must be above 0"),
        ("simple", {"dropout": -0.5}, "dropout must be in"),
        ("two-part", {"head_width": -1}, "head_width must be a whole number"),
    ],
)
def test_settings_that_cannot_be(kind, settings, problem):
    with pytest.raises(ModelError, match=problem):
        make_network(kind, settings, HUMAN36M17)


@pytest.mark.parametrize("kind", CONFIGS)
def test_own_defaults_are_accepted(kind):
    defaults = CONFIGS[kind]().as_dict()
    assert make_network(kind, defaults, HUMAN36M17).config == CONFIGS[kind](**defaults)


def test_smallest_separate_encoders_evaluate():
    import torch

    network = make_network("velocity", {"width": 40, "blocks": 1, "separate_encoders": True}, HUMAN36M17).eval()
    assert network(torch.zeros(2, 17, 2), torch.zeros(2, 17, 3), torch.zeros(2)).shape == (2, 17, 3)
