"""Models: the packaged ones, found by name, and others, found by their folder."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from flowlift.errors import ModelError
from flowlift.skeleton import Skeleton

FORMAT = "flowlift-model-1"


@dataclass(frozen=True, eq=False)
class Model:
    """A model's folder and what its `model.json` says.

    `prior_seen`, `prior_missing` (J,): variance of a joint along each axis, m^2 for a person of 1.7 m, measured on
    held-out poses, where the joint was seen or missing. `covariance_scale` (J,) makes hypotheses' spread honest.
    `stature`: length from ankle to head along the bones, as a fraction of a person's height.
    """

    name: str
    version: str
    folder: Path
    skeleton: Skeleton
    steps: int
    stature: float
    prior_seen: Float32[np.ndarray, " joint"]
    prior_missing: Float32[np.ndarray, " joint"]
    covariance_scale: Float32[np.ndarray, " joint"]


def packaged_models() -> tuple[str, ...]:
    """Names of the models that come with the package."""
    return tuple(sorted(file.parent.name for file in Path(__file__).parent.glob("*/model.json")))


def find_model(name_or_path: str | Path) -> Model:
    """A packaged model by name, or a model's folder. Raises ModelError for an unknown or damaged one."""
    folder = Path(__file__).parent / str(name_or_path)
    if str(name_or_path) not in packaged_models():
        folder = Path(name_or_path)
    file = folder / "model.json"
    if not file.is_file():
        known = ", ".join(packaged_models()) or "none"
        raise ModelError(f"no model {str(name_or_path)!r}: packaged are {known}; or give a folder with a model.json")
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
        if card["format"] != FORMAT:
            raise ValueError(f"its format is {card['format']!r}, expected {FORMAT!r}")
        calibration = {key: np.array(values, dtype=np.float32) for key, values in card["calibration"].items()}
        return Model(
            name=card["name"],
            version=card["version"],
            folder=folder,
            skeleton=Skeleton.named(card["skeleton"]),
            steps=int(card["steps"]),
            stature=float(card["stature"]),
            **calibration,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{file}: the model's description is damaged: {error}") from error
