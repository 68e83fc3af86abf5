"""A model's card: what its `model.json` says of the network, how it is fed and sampled, and how sure it may be."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Float32

from flowlift.damage import refused_if_damaged
from flowlift.errors import InputError, ModelError
from flowlift.format_version import check_format
from flowlift.sampling import METHODS
from flowlift.skeleton import Skeleton

FORMAT = "flowlift-model-1"
CARD = "model.json"
SKELETON = "skeleton.toml"
"""A skeleton that is not built in lies in the model's folder under this name; the card names it so too."""

Conditioning = Literal["canonical", "screen"]
Unit = Literal["m", "model units", "body lengths"]
KINDS = ("two-part", "velocity", "simple", "normalizing-flow")
"""Kinds of networks, as `flowlift.networks` makes them; listed here because that needs torch."""

ASSUMED_SEEN, ASSUMED_MISSING = 0.05, 0.15
"""Standard deviations along each axis, in the model's unit, assumed where nobody measured: of a joint's hypotheses,
and of a missing joint about them."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What was measured on held-out poses, or is assumed.

    Variances along the axes of the view's frame (x right, y down, z away), square of the model's unit (for people: of
    1.7 m), of joints that were seen and that were missing: `spread_...` (J, 3) is the hypotheses' own about their mean,
    on average; `residual_...` (J, 3) what the error has beyond it. `scale` (J,) makes a region of 90 % hold 90 %.
    `missed` (J,): by how much the leading hypotheses miss exact 2D, root-mean-square, as a fraction of the subject's
    extent in the image; 0: nobody measured. `doubt` (K, 2): how many times as large covariances are (second column) of
    bodies that miss their 2D by so many times the square of that (first column, rising); empty: nobody measured.
    """

    spread_seen: Float32[np.ndarray, "joint 3"]
    spread_missing: Float32[np.ndarray, "joint 3"]
    residual_seen: Float32[np.ndarray, "joint 3"]
    residual_missing: Float32[np.ndarray, "joint 3"]
    scale: Float32[np.ndarray, " joint"]
    missed: Float32[np.ndarray, " joint"]
    doubt: Float32[np.ndarray, "knot 2"]

    def doubted(self, missed: Float[np.ndarray, " row"]) -> Float32[np.ndarray, " row"]:
        """`doubt` of bodies that miss their 2D by `missed`, between its rows; 1 where nobody measured."""
        if not len(self.doubt):
            return np.ones(len(missed), dtype=np.float32)
        knots, factors = self.doubt.T.astype(np.float64)
        return np.interp(np.log(np.maximum(missed, 1e-9)), np.log(knots), factors).astype(np.float32)

    @classmethod
    def assumed(cls, joints: int) -> "Calibration":
        """For a model that was never calibrated: the same for every joint, and the hypotheses are believed."""
        one = np.ones((joints, 3), dtype=np.float32)
        seen, missing = one * np.float32(ASSUMED_SEEN**2), one * np.float32(ASSUMED_MISSING**2)
        return cls(seen, seen, 0 * one, missing, one[:, 0], 0 * one[:, 0], np.empty((0, 2), dtype=np.float32))


@dataclass(frozen=True, eq=False)
class Model:
    """A model's folder and what its card says.

    `network` and `settings`: kind of network and its sizes. `conditioning`: how 2D enters. `method`: how it was taught
    and is sampled (`flowlift.sampling.METHODS`), in `steps` steps. `stature`: length from ankle to head along the
    bones, as a fraction of a person's height; None where the skeleton is no person's. `size`: the joints along which a
    body's length is measured, where poses are in body lengths; else none. `calibrated`: whether
    `calibration` was measured. `starts`: where hypotheses start, learned so that a few of them cover what the truth may
    be (`flowlift.lifting.hypotheses`); none: at random. `unit` of its poses. `parameters`: how many, None where the
    card does not say.
    """

    name: str
    version: str
    folder: Path
    skeleton: Skeleton
    steps: int
    stature: float | None
    calibration: Calibration
    calibrated: bool
    network: str = "two-part"
    settings: Mapping[str, Any] = field(default_factory=dict)
    conditioning: Conditioning = "canonical"
    method: str = "flow"
    unit: Unit = "m"
    parameters: int | None = None
    size: tuple[str, ...] = ()
    starts: Float32[np.ndarray, "start joint 3"] = field(default_factory=lambda: np.empty((0, 1, 3), dtype=np.float32))
    licence: str = ""
    source: str = ""

    @property
    def uncertainty(self) -> str:
        """In a word: whether its covariances were checked against truths."""
        return "calibrated" if self.calibrated else "uncalibrated"


def read_card(folder: Path) -> Model:
    """The model in a folder. Raises ModelError when its card is missing or damaged."""
    file = folder / CARD
    try:
        with refused_if_damaged(f"{file}: the model's description is damaged", ModelError):
            card = json.loads(file.read_text(encoding="utf-8"))
            check_format(card["format"], FORMAT)
            model = _model(card, folder)
            _check(model)
            return model
    except InputError as error:
        raise ModelError(f"{file}: the model's description is damaged: {error}") from error


def card_of(model: Model) -> dict[str, Any]:
    """Everything that a model's card says."""
    return dict(json.loads((model.folder / CARD).read_text(encoding="utf-8")))


def trainings(told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What a card tells of a model's training, and of those of the models that it began with or learned from."""
    yield told
    for role in ("started_from", "taught_by"):
        if role in told:
            yield from trainings(told[role])


def _model(card: Mapping[str, Any], folder: Path) -> Model:
    settings = dict(card["network"])
    kind = _choice("network.kind", settings.pop("kind", "two-part"), KINDS)
    skeleton = _skeleton(card["skeleton"], folder)
    measured = card.get("calibration")
    parameters, stature = card.get("parameters"), card.get("stature")
    return Model(
        name=str(card["name"]),
        version=str(card["version"]),
        folder=folder,
        skeleton=skeleton,
        steps=int(card["steps"]),
        stature=None if stature is None else float(stature),
        calibration=_calibration(measured, len(skeleton)) if measured else Calibration.assumed(len(skeleton)),
        calibrated=bool(measured),
        starts=_starts(card.get("starts", ()), len(skeleton)),
        network=kind,
        settings=settings,
        conditioning=_choice("conditioning", card.get("conditioning", "canonical"), get_args(Conditioning)),
        method=_choice("method", card.get("method", "flow"), METHODS),
        unit=_choice("unit", card.get("unit", "m"), get_args(Unit)),
        parameters=None if parameters is None else int(parameters),
        size=tuple(skeleton.joints[skeleton.index(joint)] for joint in card.get("size", ())),
        licence=str(card.get("licence", "")),
        source=str(card.get("source", "")),
    )


def _choice(what: str, value: Any, known: tuple[str, ...]) -> Any:
    if value not in known:
        raise ValueError(f"{what} is {value!r}, expected one of {', '.join(known)}")
    return value


def _skeleton(name: Any, folder: Path) -> Skeleton:
    return Skeleton.load(folder / SKELETON) if name == SKELETON else Skeleton.named(str(name))


def _calibration(measured: Mapping[str, Any], joints: int) -> Calibration:
    told = {"missed": [0.0] * joints, "doubt": [], **measured}  # older cards do not tell them
    arrays = {part.name: np.array(told[part.name], dtype=np.float32) for part in fields(Calibration)}
    doubt = arrays["doubt"] = arrays["doubt"].reshape(-1, 2)
    if len(doubt) and not ((np.diff(doubt[:, 0]) > 0).all() and doubt.min() > 0):
        raise ValueError("calibration.doubt must be pairs of numbers above 0, the first of them rising")
    for name, values in arrays.items():
        shape = {"scale": (joints,), "missed": (joints,), "doubt": doubt.shape}.get(name, (joints, 3))
        if values.shape != shape or not (np.isfinite(values) & (values >= 0)).all():
            raise ValueError(f"calibration.{name} must be {' x '.join(map(str, shape))} numbers, none below 0")
    return Calibration(**arrays)


def _starts(told: Any, joints: int) -> Float32[np.ndarray, "start joint 3"]:
    starts = np.array(told, dtype=np.float32) if len(told) else np.empty((0, 3 * joints), dtype=np.float32)
    if starts.shape != (len(told), 3 * joints) or not np.isfinite(starts).all():
        raise ValueError(f"starts must be rows of {3 * joints} numbers")
    return starts.reshape(-1, joints, 3)


def _check(model: Model) -> None:
    """Raises ValueError for numbers that cannot be, and for parts that do not go together."""
    if (model.network == "two-part") != (model.conditioning == "canonical"):
        raise ValueError(f"a network {model.network!r} cannot be fed with conditioning {model.conditioning!r}")
    if model.conditioning == "canonical" and (model.stature is None) == (not model.size):
        raise ValueError("conditioning 'canonical' needs one of stature and size, which give it its scale")
    if (model.unit == "body lengths") != bool(model.size):
        raise ValueError("the unit 'body lengths' and size, which says what they are, go together")
    if model.steps < 1:
        raise ValueError(f"steps must be at least 1, got {model.steps}")
