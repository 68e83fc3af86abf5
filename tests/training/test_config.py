"""Configurations: the recipes are whole, and what cannot be is named."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from flowlift.errors import InputError  # noqa: E402
from flowlift.networks import make_network  # noqa: E402
from flowlift.training.config import config_from, find_config, load_config  # noqa: E402
from flowlift.training.loop import skeleton_of  # noqa: E402


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        *(("human36m", 16_045_837), ("animal3d", 16_029_767)),
        *(("human", 10_145_395), ("human-fast", 1_652_691), ("animal", 8_742_542)),
    ],
)
def test_recipes_are_whole_and_of_the_stated_size(name, parameters):
    config = find_config(name)
    network = make_network(config.network.kind, config.network.settings, skeleton_of(config))
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert Path(config.data.path).is_absolute()


def test_a_configuration_survives_being_written_and_read():
    config = find_config("animal3d")
    assert config_from(config.as_dict()) == config


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"dat": {}}, r"\[dat\]"),
        ({"run": {"epoch_count": 3}}, "epoch_count"),
        ({"run": {"epochs": "many"}}, "run.epochs"),
        ({"run": {"epochs": 0}}, "run.epochs"),
        ({"run": {"epochs": True}}, "run.epochs"),
        ({"run": {"batch": 10, "devices": 3}}, "run.devices"),
        ({"method": {"name": "magic"}}, "magic"),
        ({"optimizer": {"averaging": 1.0}}, "averaging"),
        ({"optimizer": {"schedule": "steps"}}, "schedule"),
        ({"run": 3}, r"\[run\]"),
        ({"network": {"kind": "two-part"}}, "canonical"),
        ({"method": {"name": "normalizing-flow"}}, "normalizing-flow"),
    ],
)
def test_what_cannot_be_is_named(table, named):
    with pytest.raises(InputError, match=named):
        config_from(table)


def test_files_that_are_no_configuration(tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text("[run\n")
    with pytest.raises(InputError, match=r"bad\.toml"):
        load_config(bad)
    with pytest.raises(InputError, match="human36m"):
        find_config("no-such-recipe")


def test_paths_count_from_the_file(tmp_path):
    (tmp_path / "mine.toml").write_text('[data]\npath = "poses/bank.npz"\n')
    assert load_config(tmp_path / "mine.toml").data.path == str((tmp_path / "poses" / "bank.npz").resolve())
