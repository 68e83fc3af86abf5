"""Results with the conditions they hold under, as a table for people and as JSON for programs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import fmean, pstdev

import numpy as np
from jaxtyping import Float

LABELS = {
    "mpjpe": "MPJPE",
    "n_mpjpe": "N-MPJPE",
    "p_mpjpe": "P-MPJPE",
    "mpjpe_mm": "MPJPE",
    "n_mpjpe_mm": "N-MPJPE",
    "p_mpjpe_mm": "P-MPJPE",
    "min_mpjpe_mm": "min-of-N MPJPE",
    "min_p_mpjpe_mm": "min-of-N P-MPJPE",
    "energy_mm": "energy score",
    "coverage_90": "coverage at 90 %",
}
"""What each figure is called in tables. Names that end in _mm are millimetres; others are shares, errors of the body's
length."""

PerFrame = Mapping[str, Float[np.ndarray, " _"]]
"""Figures by name, one value a frame of some clip: metres (shown as mm where the name ends in _mm), or shares."""


@dataclass(frozen=True)
class Conditions:
    """Everything that a number depends on. None: does not apply."""

    dataset: str
    split: str
    cameras: str
    keypoints: str
    joints: str
    intrinsics: str | None
    root: str | None
    scale: str
    hypotheses: int | None = None
    steps: int | None = None
    smoothing: str | None = None
    seeds: tuple[int, ...] = ()
    vertical: str | None = None


@dataclass(frozen=True)
class Figure:
    """A number: one value for each seed."""

    per_seed: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.per_seed)

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds."""
        return pstdev(self.per_seed)


@dataclass(frozen=True)
class Row:
    """One group of frames (a camera, an action): how many were counted, how many had no pose, and the figures."""

    group: str
    frames: int
    without_pose: int
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class Result:
    """A method's results under one set of conditions."""

    name: str
    conditions: Conditions
    rows: tuple[Row, ...]

    def row(self, group: str) -> Row:
        """The row of a group. Raises KeyError for an unknown group."""
        return {row.group: row for row in self.rows}[group]


def frame_mean(group: str, seeds: Sequence[PerFrame]) -> Row:
    """The mean over frames, seed by seed. Frames that are NaN under any seed are not counted, but told."""
    counted = np.all([np.isfinite(values["p_mpjpe_mm"]) for values in seeds], axis=0)
    figures = {}
    for name in seeds[0]:
        unit = 1000.0 if name.endswith("_mm") else 1.0
        figures[name] = Figure(
            tuple(float(values[name][counted].mean()) * unit if counted.any() else float("nan") for values in seeds)
        )
    return Row(group, int(counted.sum()), int((~counted).sum()), figures)


def mean_of_rows(group: str, rows: Sequence[Row]) -> Row:
    """Every row counts alike, whatever its number of frames. Only figures that all rows have."""
    names = [name for name in rows[0].figures if all(name in row.figures for row in rows)]
    figures = {
        name: Figure(tuple(fmean(values) for values in zip(*(row.figures[name].per_seed for row in rows), strict=True)))
        for name in names
    }
    return Row(group, sum(row.frames for row in rows), sum(row.without_pose for row in rows), figures)


def to_json(results: Iterable[Result]) -> str:
    """Everything, every seed's value included; null where there is no number."""
    return json.dumps([_plain(result) for result in results], indent=2, allow_nan=False) + "\n"


def _plain(result: Result) -> dict[str, object]:
    rows = [
        {
            "group": row.group,
            "frames": row.frames,
            "without_pose": row.without_pose,
            **{name: _plain_figure(figure) for name, figure in row.figures.items()},
        }
        for row in result.rows
    ]
    return {"name": result.name, "conditions": asdict(result.conditions), "rows": rows}


def _plain_figure(figure: Figure) -> dict[str, object]:
    numbers = [None if np.isnan(value) else value for value in (figure.mean, *figure.per_seed)]
    return {"mean": numbers[0], "per_seed": numbers[1:]}


def to_markdown(results: Sequence[Result]) -> str:
    """One table of all results, then what they share and where they differ."""
    header, body = _cells(results)
    lines = [_markdown_line(header), _markdown_line(["---"] * 2 + ["---:"] * (len(header) - 2))]
    lines += [_markdown_line(row) for row in body]
    return "\n".join([*lines, "", *(f"- {line}" for line in _notes(results))]) + "\n"


def to_text(results: Sequence[Result]) -> str:
    """The same for a terminal, in aligned columns."""
    header, body = _cells(results)
    widths = [max(len(row[i]) for row in [header, *body]) for i in range(len(header))]
    lines = []
    for row in [header, *body]:
        names = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        lines.append("  ".join(names + numbers).rstrip())
    return "\n".join([*lines, "", *_notes(results)]) + "\n"


def _markdown_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cells(results: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    used = [name for name in LABELS if any(name in row.figures for result in results for row in result.rows)]
    gaps = any(row.without_pose for result in results for row in result.rows)
    header = ["method", "frames of", "frames", *(["without pose"] if gaps else []), *(_heading(name) for name in used)]
    body = [
        [result.name, row.group, str(row.frames), *([str(row.without_pose)] if gaps else [])]
        + [_number(name, row.figures.get(name)) for name in used]
        for result in results
        for row in result.rows
    ]
    return header, body


def _heading(name: str) -> str:
    return LABELS[name] + (" mm" if name.endswith("_mm") else "")


def _number(name: str, figure: Figure | None) -> str:
    if figure is None or np.isnan(figure.mean):
        return "-"
    if not name.endswith("_mm"):
        return f"{100 * figure.mean:.1f} %"
    return f"{figure.mean:.1f}" + (f" ± {figure.spread:.1f}" if figure.spread >= 0.05 else "")


def _notes(results: Sequence[Result]) -> list[str]:
    """The conditions that all results share, one a line; then, for each result, those of its own."""
    shared, own = list[str](), [list[str]() for _ in results]
    for field in fields(Conditions):
        values = [getattr(result.conditions, field.name) for result in results]
        if len(set(values)) == 1:
            shared += [f"{field.name}: {_word(values[0])}"] if values[0] not in (None, ()) else []
        else:
            for words, value in zip(own, values, strict=True):
                words += [f"{field.name}: {_word(value)}"] if value not in (None, ()) else []
    notes = shared + [f"{result.name}: {'; '.join(words)}" for result, words in zip(results, own, strict=True) if words]
    if any(len(figure.per_seed) > 1 for result in results for row in result.rows for figure in row.figures.values()):
        notes.append("±: standard deviation over the seeds")
    return notes


def _word(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
