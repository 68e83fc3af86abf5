"""Names of Human3.6M's actions, over releases."""

import pytest

from flowlift.datasets.human36m_takes import ACTIONS, Take, take_of
from flowlift.errors import InputError


@pytest.mark.parametrize("action", ACTIONS)
def test_canonical_names_are_themselves(action: str) -> None:
    assert take_of(action) == Take(action, "0")
    for between in (" ", "_", "-", ""):
        assert take_of(f"{action}{between}2") == Take(action, "2")


def test_there_are_15() -> None:
    assert len(set(ACTIONS)) == 15


@pytest.mark.parametrize(
    ("name", "meant"),
    {
        "TakingPhoto": Take("Photo", "0"),
        "Taking Photo 1": Take("Photo", "1"),
        "WalkingDog 1": Take("WalkDog", "1"),
        "Walking Dog": Take("WalkDog", "0"),
        "WalkingTogether": Take("WalkTogether", "0"),
        "walk_together_2": Take("WalkTogether", "2"),
        "Sitting Down": Take("SittingDown", "0"),
        "SittingDown 2": Take("SittingDown", "2"),
        "Sitting 2": Take("Sitting", "2"),
    }.items(),
)
def test_other_releases(name: str, meant: Take) -> None:
    assert take_of(name) == meant


@pytest.mark.parametrize("name", ["", "1", "Juggling", "_ALL 1", "Photo 1 2", "Walking.x"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(InputError, match="no action"):
        take_of(name)
