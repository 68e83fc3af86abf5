"""A model's card in words."""

from collections.abc import Mapping
from pathlib import Path

from flowlift.models.card import ASSUMED_MISSING, ASSUMED_SEEN, Model

_NETWORKS: Mapping[str, str] = {
    "two-part": "an encoder, run once a person, and a head for each hypothesis",
    "velocity": "graph convolution and self-attention side by side, as published",
    "simple": "a residual MLP over the whole pose",
    "normalizing-flow": "an invertible map from noise to poses; runs with torch only",
}
_CONDITIONING: Mapping[str, str] = {
    "canonical": "seen through a camera that looks at the subject; any camera of known focal length, joints can miss",
    "screen": "pixels over the image's width, as published; made for one kind of camera, missing joints are filled in",
}


def in_words(model: Model, file: Path | None = None) -> list[str]:
    """Lines of `what: words`. `file`: where a packed model lies; its folder is gone with it."""
    sizes = ", ".join(f"{name} {value}" for name, value in model.settings.items())
    count = "" if model.parameters is None else f", {model.parameters:,} parameters"
    facts = {
        "model": f"{model.name} {model.version}",
        "skeleton": f"{model.skeleton.name}, {len(model.skeleton)} joints: {', '.join(model.skeleton.joints)}",
        "network": f"{model.network}: {_NETWORKS[model.network]}{count}",
        "sizes": sizes or "not stated",
        "conditioning": f"{model.conditioning}: {_CONDITIONING[model.conditioning]}",
        "sampling": f"{model.method}, {model.steps} steps",
        "unit": _unit(model),
        "uncertainty": _uncertainty(model),
        "licence": model.licence or "not stated",
        "source": model.source or "not stated",
        "file" if file else "folder": str(file or model.folder),
    }
    return [f"{what}: {words}" for what, words in facts.items()]


def words_of(size: tuple[str, ...]) -> str:
    """What a body's length is measured along."""
    return " to ".join(joint.replace("_", " ") for joint in size)


def _unit(model: Model) -> str:
    if model.unit == "m":
        return "metres"
    if model.size:
        return f"body lengths ({words_of(model.size)}), or metres where that length is given: --size"
    return "the model's own, not metres: sizes and distances mean nothing beyond one another"


def _uncertainty(model: Model) -> str:
    if model.calibrated:
        return "calibrated on held-out poses"
    return (
        f"uncalibrated: the hypotheses' spread, drawn towards an assumed {ASSUMED_SEEN:g} {model.unit} a joint; "
        f"{ASSUMED_MISSING:g} more where it is missing"
    )
