"""What can be chosen for a job: one table makes the page's form and checks what comes back from it."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from flowlift.detect import DETECTORS
from flowlift.errors import InputError
from flowlift.io.hints import Hints, size_in_words
from flowlift.lifting.stature import ANIMAL_LENGTHS
from flowlift.models.registry import packaged_models, registered_models
from flowlift.skeletons import BUILT_IN

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Field:
    """One setting of `flowlift.lift`: a number in [low, high], one of `choices`, a switch, or a size in pixels such as
    1920x1080; None: not given."""

    name: str
    label: str
    kind: Literal["number", "integer", "choice", "switch", "size"]
    default: Value = None
    low: float = 0.0
    high: float | None = None
    choices: tuple[str, ...] = ()
    hint: str = ""
    more: bool = True
    """Whether it stands among those that are folded away."""


def fields() -> tuple[Field, ...]:
    """All settings, in the form's order, with the models that are there now."""
    models = (*packaged_models(), *registered_models())
    return (
        Field("model", "Model", "choice", "human", choices=models, more=False),
        Field("height", "Height, m", "number", None, 0.1, 10.0, hint="of the person; 1.7 if not known", more=False),
        Field("size", "Length of the animal, m", "number", None, *ANIMAL_LENGTHS, hint="for models of animals"),
        Field("fov", "Field of view, degrees", "number", None, 1, 170, hint="across the longer side", more=False),
        Field("detector", "2D detector for videos", "choice", "mediapipe", choices=tuple(DETECTORS)),
        Field("people", "People to keep", "choice", "all", choices=("all", "largest", "2", "3", "4", "6", "8")),
        Field("smooth", "Smoothing over time", "choice", "auto", choices=("auto", "off")),
        Field("hypotheses", "Hypotheses", "integer", 20, 1, 200),
        Field("keep_hypotheses", "Keep the hypotheses in the result", "switch", True),
        Field("start", "Start, s", "number", None, 0),
        Field("end", "End, s", "number", None, 0),
        Field("seed", "Seed", "integer", 0, 0, 2**31 - 1),
        Field("skeleton", "Skeleton of a keypoint file", "choice", None, choices=tuple(sorted(BUILT_IN))),
        Field("fps", "Frames per second of a keypoint file", "number", None, 0.01, 10_000),
        Field("image_size", "Image size of a keypoint file", "size", hint="WIDTHxHEIGHT in pixels, such as 1920x1080"),
        Field("min_score", "Least score of a keypoint file's joints", "number", None, 0, 1, hint="others are missing"),
    )


def check_options(given: Mapping[str, object]) -> dict[str, Value]:
    """The settings for `flowlift.lift`, defaults filled in. Raises InputError for what is unknown or out of range."""
    known = fields()
    unknown = sorted(set(given) - {field.name for field in known})
    if unknown:
        raise InputError(f"there is no setting {', '.join(unknown)}")
    return {field.name: _check(field, given.get(field.name, field.default)) for field in known}


def settings_of(options: Mapping[str, Value]) -> dict[str, object]:
    """Checked options as `flowlift.lift` takes them."""
    size = options.get("image_size")  # a job of an earlier studio has none
    return {**options, "image_size": None if size is None else size_in_words(str(size))}


def in_the_form(text: str) -> str:
    """What flowlift says with the form's labels in the place of the command line's options."""
    labels = {f"--{field.name.replace('_', '-')}": f'"{field.label}"' for field in fields()}
    return re.sub(r"--[a-z]+(-[a-z]+)*", lambda found: labels.get(found[0], found[0]), text)


def _check(field: Field, value: object) -> Value:
    if value is None:
        if field.default is not None:
            raise InputError(f"{field.label}: a value is needed")
        return None
    match field.kind:
        case "choice" if isinstance(value, str) and value in field.choices:
            return value
        case "switch" if isinstance(value, bool):
            return value
        case "size" if isinstance(value, str):
            try:
                Hints(image_size=size_in_words(value))
            except InputError as error:
                raise InputError(f"{field.label}: {error}") from error
            return value
        case "number" | "integer" if isinstance(value, int | float) and not isinstance(value, bool):
            whole = field.kind == "number" or float(value).is_integer()
            if (
                math.isfinite(value)
                and whole
                and field.low <= value <= (math.inf if field.high is None else field.high)
            ):
                return int(value) if field.kind == "integer" else float(value)
    raise InputError(f"{field.label}: {value!r} cannot be used; {_wanted(field)}")


def _wanted(field: Field) -> str:
    if field.kind == "choice":
        return f"it can be {', '.join(field.choices)}"
    if field.kind == "switch":
        return "it is on or off"
    if field.kind == "size":
        return "it is a text, such as 1920x1080"
    what = "a whole number" if field.kind == "integer" else "a number"
    return f"{what} from {field.low:g}" + ("" if field.high is None else f" to {field.high:g}")
