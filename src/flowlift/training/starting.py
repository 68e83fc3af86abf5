"""What a run starts from: a model's weights, where they fit; of a refit, a model that was measured on the same data."""

from pathlib import Path

from torch import nn

from flowlift.errors import InputError
from flowlift.models import Model, find_model
from flowlift.models.card import card_of
from flowlift.models.weights import load_network
from flowlift.models.words import words_of
from flowlift.skeleton import Skeleton
from flowlift.training.calibrate import measured_uncertainty
from flowlift.training.config import TrainingConfig
from flowlift.training.figure_source import load_figures


def start_from(model: Model, network: nn.Module, skeleton: Skeleton) -> None:
    """Give a network a model's weights. Blocks that only the network has stay as they are: residual, near identity.

    Raises InputError where they do not fit."""
    own, given = network.state_dict(), load_network(model).state_dict()
    fits = all(name in own and own[name].shape == value.shape for name, value in given.items())
    if model.skeleton != skeleton or not fits:
        raise InputError(f"run.start: {model.name}'s network has another skeleton, kind or width than this run's")
    if model.size and model.size != skeleton.size_chain:
        raise InputError(
            f"run.start: {model.name}'s body length goes from {words_of(model.size)}, "
            f"this run's from {words_of(skeleton.size_chain)}"
        )
    network.load_state_dict({**own, **given})


def check_refit(config: TrainingConfig, skeleton: Skeleton) -> None:
    """Raises ModelError where a run's start was never measured, which cannot be done afterwards; InputError where it
    was trained on other recordings, as far as is known: its measure is that of those that were held out of it."""
    model = find_model(config.run.start)
    measured_uncertainty(model)
    if config.data.kind != "any" or not config.data.path:
        return
    before = card_of(model).get("training", {}).get("sessions", [])
    now = load_figures(Path(config.data.path), skeleton).about.get("sessions", [])
    if before and now and {each["sha256"] for each in before} != {each["sha256"] for each in now}:
        theirs, ours = (", ".join(each["name"] for each in sessions) for sessions in (before, now))
        raise InputError(
            f"data.refit: {model.name} was trained on other recordings ({theirs}) than these ({ours}); "
            "--start goes on with others"
        )
