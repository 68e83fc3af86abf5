"""Models: packaged ones and imported ones, found by name, and others, found by their folder."""

from flowlift.models.card import FORMAT, Calibration, Model, read_card
from flowlift.models.registry import find_model, models_folder, packaged_models, registered_models

__all__ = [
    "FORMAT",
    "Calibration",
    "Model",
    "find_model",
    "models_folder",
    "packaged_models",
    "read_card",
    "registered_models",
]
