"""Joint angles and paths of joints over time with their uncertainty, as a figure on paper or screen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from flowlift.angles import angles_in, angles_of
from flowlift.containers import Poses3D
from flowlift.detect.optional import import_optional
from flowlift.errors import InputError, OutputError
from flowlift.io.atomic import written_whole
from flowlift.view.style import CENTRE, LEFT, PEOPLE, RIGHT, Color

SUFFIXES = (".png", ".svg", ".pdf")
Z90 = 1.6449
"""90 % of a Gaussian lies within so many standard deviations."""
USUAL_JOINTS = ("left_wrist", "right_wrist", "left_ankle", "right_ankle")
_SIDES = {"left": LEFT, "right": RIGHT, "centre": CENTRE}
_COLUMNS, _WIDTH, _ROW = 3, 11.0, 2.3  # inches
_WAYS = ("to the right", "up", "away")
_CAMERA_WAYS = np.array([1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Reference:
    """What to hold a result against. `times` (frame,): s; `degrees`: by the names of angles, (frame,); `levels`,
    `shares`: how often regions of these probabilities hold the truth."""

    times: Float64[np.ndarray, " frame"]
    degrees: Mapping[str, Float64[np.ndarray, " frame"]]
    levels: Float64[np.ndarray, " level"]
    shares: Float64[np.ndarray, " level"]


@dataclass(frozen=True)
class _Curve:
    name: str
    color: Color
    values: Float64[np.ndarray, " frame"]
    deviation: Float64[np.ndarray, " frame"]
    limits: tuple[float, float] = (-np.inf, np.inf)
    truth: Float64[np.ndarray, " known"] | None = None


def check_plot(path: Path) -> None:
    """Raises OutputError for a name that no plot is written to."""
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path}: a plot is written to a name that ends in {', '.join(SUFFIXES)}")


def write_plot(
    poses: Poses3D,
    path: Path,
    *,
    person: int = 0,
    joints: Sequence[str] | None = None,
    reference: Reference | None = None,
) -> None:
    """Plot one person's angles, the paths of some joints, and with a `reference` the truth and the reliability.

    Bands hold 90 %. `joints`: those whose paths are shown (wrists and ankles where not given), in the camera's axes,
    from the camera where the root is known, else from the root. Raises InputError for a person or joint that is not
    there, OutputError for a suffix other than .png, .svg, .pdf, MissingExtraError without matplotlib.
    """
    check_plot(path)
    if not 0 <= person < poses.people:
        raise InputError(f"there is no person {person}: the result has {poses.people} (the first is 0)")
    panels = [*_angle_panels(poses, person, reference), *_path_panels(poses, person, joints)]
    figure = import_optional("matplotlib.figure", "plotting", "plot").Figure
    count = len(panels) + (reference is not None)
    if not count:
        raise InputError(f"skeleton {poses.skeleton.name!r} has no angles and none of the usual joints; give --joints")
    rows = -(-count // _COLUMNS)
    sheet = figure(figsize=(_WIDTH, _ROW * rows + 0.6), layout="constrained")
    axes = sheet.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axis, (title, curves) in zip(axes, panels, strict=False):
        _draw(axis, title, curves, poses, None if reference is None else reference.times)
    if reference is not None:
        _draw_reliability(axes[len(panels)], reference)
    for axis in axes[count:]:
        axis.set_visible(False)
    sheet.suptitle(_title(poses, person), fontsize=10)
    kind = path.suffix.lower()[1:]
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    with written_whole(path) as beside:
        sheet.savefig(beside, format=kind, dpi=130, metadata=undated)


def _angle_panels(poses: Poses3D, person: int, reference: Reference | None) -> list[tuple[str, list[_Curve]]]:
    """Both sides of each angle in one panel."""
    if not angles_in(poses.skeleton):
        return []
    found = angles_of(poses)
    panels: dict[str, list[_Curve]] = {}
    for i, angle in enumerate(found.angles):
        curve = _Curve(
            angle.side,
            _SIDES[angle.side],
            found.degrees[:, person, i].astype(np.float64),
            found.deviation[:, person, i].astype(np.float64),
            (-180.0, 180.0) if angle.signed else (0.0, 180.0),
            None if reference is None else reference.degrees.get(angle.name),
        )
        panels.setdefault(f"{angle.label}, degrees", []).append(curve)
    return list(panels.items())


def _path_panels(poses: Poses3D, person: int, joints: Sequence[str] | None) -> list[tuple[str, list[_Curve]]]:
    """A panel for each axis, with all joints."""
    names = [joint for joint in USUAL_JOINTS if joint in poses.skeleton.joints] if joints is None else list(joints)
    if not names:
        return []
    rows = poses.skeleton.indices(names)
    place = (poses.xyz if poses.root is None else poses.absolute)[:, person, rows].astype(np.float64) * _CAMERA_WAYS
    deviation = poses.std[:, person, rows].astype(np.float64)
    return [
        (
            f"{way}, {poses.unit}",
            [
                _Curve(name.replace("_", " "), PEOPLE[j % len(PEOPLE)], place[:, j, axis], deviation[:, j, axis])
                for j, name in enumerate(names)
            ],
        )
        for axis, way in enumerate(_WAYS)
    ]


def _draw(axis: Any, title: str, curves: Sequence[_Curve], poses: Poses3D, known: Any) -> None:
    timed = poses.timed
    times, marker = poses.frame_times, "o" if len(poses) == 1 else None
    for curve in curves:
        color = tuple(value / 255 for value in curve.color)
        band = np.nan_to_num(Z90 * curve.deviation)
        low, high = (np.clip(curve.values + sign * band, *curve.limits) for sign in (-1, 1))
        axis.fill_between(times, low, high, color=color, alpha=0.2, linewidth=0)
        axis.plot(times, curve.values, color=color, linewidth=1.4, marker=marker, label=curve.name)
        if curve.truth is not None:
            axis.plot(
                known, curve.truth, color=color, linewidth=1.1, linestyle=(0, (4, 2)), label=f"{curve.name}, true"
            )
    axis.set_title(title, fontsize=9, loc="left")
    axis.set_xlabel("s" if timed else "frame", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.25, linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)
    if [curve.name for curve in curves] != ["centre"] or curves[0].truth is not None:
        axis.legend(fontsize=7, frameon=False, ncols=2)


def _draw_reliability(axis: Any, reference: Reference) -> None:
    axis.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle=(0, (4, 2)))
    axis.plot(reference.levels, reference.shares, color=tuple(value / 255 for value in PEOPLE[0]), linewidth=1.6)
    axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axis.set_title("reliability of the joints' regions", fontsize=9, loc="left")
    axis.set_xlabel("probability that is stated", fontsize=8)
    axis.set_ylabel("share of truths inside", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.25, linewidth=0.6)


def _title(poses: Poses3D, person: int) -> str:
    said = [str(poses.provenance.get(key)) for key in ("source", "model") if poses.provenance.get(key)]
    return ", ".join([*said, *([f"person {person}"] if poses.people > 1 else []), "bands hold 90 %"])
