"""Small checkpoints of random weights, as the published ones are, and ways to spoil them."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from flowlift.networks import make_network
from flowlift.skeleton import Skeleton
from flowlift.skeletons import HUMAN36M17

State = dict[str, Tensor]


def random_state(skeleton: Skeleton = HUMAN36M17, *, seed: int = 0, **settings: object) -> State:
    """The state dict of a small velocity network with one block."""
    torch.manual_seed(seed)
    width = 48 if settings.get("separate_encoders") else 16
    return make_network("velocity", {"width": width, "blocks": 1, "hidden": 24, **settings}, skeleton).state_dict()


def save_checkpoint(path: Path, skeleton: Skeleton = HUMAN36M17, **settings: object) -> Path:
    torch.save(random_state(skeleton, **settings), path)
    return path


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.target,)


def _without(state: State) -> None:
    del state["time_embed.B"]


def _with_more(state: State) -> None:
    state["temporal.weight"] = torch.zeros(3)


def _misshapen(state: State) -> None:
    state["encoder.fc1.weight"] = torch.zeros(5, 5)


def _not_finite(state: State) -> None:
    state["pred_mu.fc1.bias"][0] = float("nan")


def _numberless(state: State) -> None:
    state["A"] = state["A"].to_sparse()


def _boundless(state: State) -> None:
    state["A"] = torch.zeros(1).expand(4, 10**6, 10**6)


WRONG: dict[str, tuple[Callable[[State], None], str]] = {
    "missing key": (_without, "time_embed.B is missing"),
    "extra key": (_with_more, "temporal.weight does not belong there"),
    "wrong shape": (_misshapen, "encoder.fc1.weight has shape (5, 5), expected (8, 37)"),
    "not finite": (_not_finite, "pred_mu.fc1.bias holds values that are not finite"),
    "sparse": (_numberless, "A is no plain array"),
    "larger than the file": (_boundless, "A is no plain array"),
}


def spoil(path: Path, kind: str) -> Path:
    """A checkpoint with something wrong in its state dict."""
    state = random_state()
    WRONG[kind][0](state)
    torch.save(state, path)
    return path
