"""Whether a result is what it claims: unchanged, of this model and source, and what lifting its 2D gives again."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32

from flowlift import __version__
from flowlift.checksums import of_source
from flowlift.containers import Poses3D
from flowlift.errors import FlowliftError, InputError, ModelError
from flowlift.footing import GROUNDS, stand_on_ground
from flowlift.io import load, native_json, native_npz
from flowlift.io.packing import SUM, content_sum
from flowlift.io.registry import file_of
from flowlift.lifter import Lifter
from flowlift.models import Model, find_model
from flowlift.models.checksum import checksum
from flowlift.runtime import load_engine

State = Literal["same", "differs", "not checked"]
TOLERANCE = 1e-3
"""Metres (or the model's unit): engines and machines round differently, and the choice of a smoother follows."""

_TOLD = {".npz": native_npz.told, ".json": native_json.told}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `what`, how it is, and in words why."""

    what: str
    state: State
    said: str


def verified(findings: list[Finding]) -> bool:
    """Nothing differs, and the poses were lifted again."""
    states = {finding.what: finding.state for finding in findings}
    return "differs" not in states.values() and states.get("poses") == "same"


def verify(
    path: str | Path,
    *,
    source: str | Path | None = None,
    model: str | Path | None = None,
    tolerance: float = TOLERANCE,
) -> list[Finding]:
    """Check a result that `flowlift lift` wrote as npz or JSON.

    `source`: what it was lifted from (of `FILE::CLIP` the file counts), to be compared by its checksum. `model`: where
    the model is, if not found by its name. `tolerance`: how far positions may be apart, in the result's unit. Raises
    InputError for other files, and for a result that is damaged.
    """
    file = Path(path)
    told_by = _TOLD.get(file.suffix.lower())
    if told_by is None:
        raise InputError(f"{file}: only npz and JSON keep what it takes to check a result; this is {file.suffix!r}")
    if not math.isfinite(tolerance) or tolerance < 0:
        raise InputError(f"the tolerance must be 0 or larger, got {tolerance}")
    poses = load(file)
    if not isinstance(poses, Poses3D):
        raise InputError(f"{file}: it holds 2D keypoints; what flowlift lifted can be checked")
    about = poses.provenance
    findings = [_content(told_by(file), poses), _version(about), _source(about, source)]
    at_hand, finding = _model(about, model)
    return [*findings, finding, _poses(poses, at_hand, tolerance)]


def _content(told: Mapping[str, Any], poses: Poses3D) -> Finding:
    if SUM not in told:
        return Finding("content", "not checked", "the file tells no checksum: an earlier flowlift wrote it")
    if told[SUM] == content_sum(poses):
        return Finding("content", "same", "its checksum fits")
    return Finding("content", "differs", "its checksum does not fit: it was changed after flowlift wrote it")


def _version(about: Mapping[str, Any]) -> Finding:
    told = about.get("flowlift_version")
    if told == __version__:
        return Finding("version", "same", f"flowlift {told}")
    return Finding("version", "not checked", f"made by flowlift {told or 'of unknown version'}, this is {__version__}")


def _source(about: Mapping[str, Any], source: str | Path | None) -> Finding:
    told = about.get("source_sha256")
    if not told:
        return Finding("source", "not checked", "the result tells no checksum of its source")
    if source is None:
        return Finding("source", "not checked", f"give what was lifted with --source to compare it{_called(about)}")
    path = file_of(source)
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    if of_source(path) == told:
        return Finding("source", "same", f"{path} is what was lifted")
    return Finding("source", "differs", f"{path} is not what was lifted, or has changed")


def _called(about: Mapping[str, Any]) -> str:
    """What a result knows of its source's name: without an ending."""
    name = about.get("source")
    return f": it was called {name}, whatever its ending" if name else ""


def _model(about: Mapping[str, Any], given: str | Path | None) -> tuple[Model | None, Finding]:
    name, told = about.get("model"), about.get("model_sha256")
    if not name or not told:
        return None, Finding("model", "not checked", "the result tells no checksum of a model")
    try:
        found = find_model(given or str(name))
    except ModelError:
        if given is not None:
            raise
        return None, Finding("model", "not checked", f"there is no model {name!r} here; say where it is with --model")
    if checksum(found) == told:
        return found, Finding("model", "same", f"{found.name} {found.version}")
    return None, Finding("model", "differs", f"the {found.name!r} here ({found.version}) is not the one that was used")


def _poses(poses: Poses3D, model: Model | None, tolerance: float) -> Finding:
    if poses.keypoints is None or poses.camera is None:
        return Finding("poses", "not checked", "it holds no 2D keypoints or no camera: nothing to lift again")
    if model is None:
        return Finding("poses", "not checked", "they cannot be lifted again without the model that was used")
    try:
        again = _lifted_again(poses, model)
    except (FlowliftError, ValueError, TypeError) as error:
        return Finding("poses", "not checked", f"its settings cannot be used: {error}")
    apart = _apart(poses, again)
    if apart <= tolerance:
        at_most = "to the digit" if apart == 0 else f"within {apart:.2g} {poses.unit}"
        return Finding("poses", "same", f"lifted again from the 2D in it, {at_most}; the 2D itself was not found again")
    if poses.provenance.get("live"):
        return Finding(
            "poses", "not checked", "recorded live: lifting the whole clip does not repeat that frame by frame"
        )
    said = "other frames or joints are known" if math.isinf(apart) else f"up to {apart:.3g} {poses.unit} apart"
    return Finding("poses", "differs", f"lifted again they are others: {said}")


def _lifted_again(poses: Poses3D, model: Model) -> Poses3D:
    """The poses that the result's 2D, camera and settings give. Where the vertical was not known, a ground that was
    found gave the camera the pose that it has since."""
    about, lifter = poses.provenance, Lifter(model, load_engine(model))
    scale = about.get("size_m" if model.size else "height_m") if about.get("size_given") else None
    length = None if scale is None else float(scale)
    assert poses.keypoints is not None
    assert poses.camera is not None
    ground = str(about.get("ground", "off"))
    found = ground == "auto" and about.get("vertical") == "unknown"
    lifted = lifter(
        poses.keypoints,
        poses.camera.without_pose if found else poses.camera,
        hypotheses=int(about["hypotheses"] or 0),
        steps=int(about["steps"] or 0),
        seed=int(about["seed"] or 0),
        smooth=str(about["smooth"]).removesuffix(" s"),
        height=None if model.size else length,
        size=length if model.size else None,
    )
    return stand_on_ground(lifted, ground) if ground in GROUNDS else lifted


def _apart(one: Poses3D, other: Poses3D) -> float:
    """The largest difference of any coordinate of joints and roots, and the root of that of covariances; infinite where
    one knows what the other does not."""
    if (one.root is None) != (other.root is None) or one.xyz.shape != other.xyz.shape:
        return math.inf
    roots = [] if one.root is None or other.root is None else [(one.root, other.root)]
    places = max(_largest(a, b) for a, b in ((one.xyz, other.xyz), *roots))
    return max(places, math.sqrt(_largest(one.cov, other.cov)))


def _largest(a: Float32[np.ndarray, "..."], b: Float32[np.ndarray, "..."]) -> float:
    if (np.isfinite(a) != np.isfinite(b)).any():
        return math.inf
    return float(np.abs(np.nan_to_num(a) - np.nan_to_num(b)).max(initial=0.0))
