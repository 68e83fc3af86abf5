"""Human3.6M's 15 actions under one name each, whichever release names them."""

import re
from dataclasses import dataclass

from flowlift.errors import InputError

ACTIONS = (
    *("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases", "Sitting"),
    *("SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether"),
)
"""The canonical names."""

_OTHER_NAMES = {
    "direction": "Directions",
    "greet": "Greeting",
    "takingphoto": "Photo",
    "pose": "Posing",
    "purchase": "Purchases",
    "smoke": "Smoking",
    "wait": "Waiting",
    "walkingdog": "WalkDog",
    "walk": "Walking",
    "walkingtogether": "WalkTogether",
}
_KNOWN = {**{action.lower(): action for action in ACTIONS}, **_OTHER_NAMES}
_NAME = re.compile(r"(?P<action>[A-Za-z _-]+?)[ _.-]*(?P<trial>\d*)")


@dataclass(frozen=True, order=True)
class Take:
    """One capture of a subject: the action by its canonical name, and which trial ("0" where none is said)."""

    action: str
    trial: str


def take_of(name: str) -> Take:
    """What a release's name means: "TakingPhoto 1", "Photo_1" -> Photo, 1. Raises InputError for an unknown action."""
    found = _NAME.fullmatch(name)
    action = _KNOWN.get(re.sub(r"[ _-]", "", found["action"]).lower()) if found else None
    if found is None or action is None:
        raise InputError(f"no action of Human3.6M is called {name!r}; there are {', '.join(ACTIONS)}")
    return Take(action, found["trial"] or "0")
