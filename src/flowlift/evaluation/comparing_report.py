"""What `compare` says about two results: figures for programs, and the same as tables for people."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Float64

from flowlift.errors import InputError
from flowlift.evaluation.comparing import AngleErrors, JointErrors, Pair, angle_errors, joint_errors
from flowlift.view.spread import mean_over

Figures = dict[str, float | int | None]
_Z90 = 1.6449  # 90 % of a Gaussian lies within so many standard deviations
_MM = 1000.0


def summary_of(pair: Pair) -> dict[str, object]:
    """Every figure of a comparison, as plain JSON: lengths in mm (thousandths of `unit` where that is not m), times in
    seconds (frames, if `clock` says so), angles in degrees, shares from 0 to 1.

    Raises InputError where the two have different units.
    """
    unit, other = pair.units
    if unit != other:
        raise InputError(f"the first is in {unit}, the second in {other}; --size makes body lengths metres")
    joints, angles = joint_errors(pair), angle_errors(pair)
    return {
        "frames": len(pair.times),
        "frames_left_out": pair.left_out,
        "from_s": float(pair.times[0]),
        "to_s": float(pair.times[-1]),
        "offset_s": pair.offset,
        "clock": pair.clock,
        "unit": unit,
        "turned_to_fit": pair.turned,
        "all": _joint_figures(joints, slice(None)),
        "joints": {name: _joint_figures(joints, slice(i, i + 1)) for i, name in enumerate(pair.joints)},
        "angles": {} if angles is None else {n: _angle_figures(angles, i) for i, n in enumerate(angles.names)},
        "only_in_first": list(pair.only_a),
        "only_in_second": list(pair.only_b),
    }


def tables(summary: Mapping[str, object]) -> str:
    """The figures of `summary_of` as text."""
    return "\n".join(_lines(summary)) + "\n"


def _joint_figures(errors: JointErrors, columns: slice) -> Figures:
    return {
        "mpjpe_mm": _mean(errors.mpjpe[:, columns], _MM),
        "n_mpjpe_mm": _mean(errors.n_mpjpe[:, columns], _MM),
        "p_mpjpe_mm": _mean(errors.p_mpjpe[:, columns], _MM),
        "in_90_regions": _mean(errors.inside[:, columns]),
        "poses": int(np.isfinite(errors.mpjpe[:, columns]).any(axis=1).sum()),
    }


def _angle_figures(errors: AngleErrors, index: int) -> Figures:
    apart, sd = errors.a[:, index] - errors.b[:, index], errors.deviation[:, index]
    stated = np.isfinite(apart) & np.isfinite(sd) & (sd > 0)
    held = np.where(stated, np.abs(apart) <= _Z90 * sd, np.nan)
    return {
        "mean_difference_deg": _mean(apart),
        "mean_absolute_difference_deg": _mean(np.abs(apart)),
        "stated_sd_deg": _mean(np.where(stated, sd, np.nan)),
        "in_90_intervals": _mean(held),
    }


def _mean(values: Float64[np.ndarray, "*any"], unit: float = 1.0) -> float | None:
    mean = float(mean_over(values.ravel()))
    return None if np.isnan(mean) else mean * unit


def _lines(summary: Mapping[str, object]) -> Iterator[str]:
    joints, angles = summary["joints"], summary["angles"]
    assert isinstance(joints, dict)
    assert isinstance(angles, dict)
    clock = " s" if summary["clock"] == "s" else ""
    left_out = f" ({summary['frames_left_out']} of the first left out)" if summary["frames_left_out"] else ""
    yield f"{summary['frames']} frames{left_out}, {summary['from_s']:g} to {summary['to_s']:g}{clock}"
    yield f"second moved by {summary['offset_s']:g}{clock or ' frames'}"
    yield "second turned by the one rotation that fits" if summary["turned_to_fit"] else "both in the same axes"
    yield ""
    rows = [["joint", *(f"{name}{_unit(summary)}" for name in ("MPJPE", "N-MPJPE", "P-MPJPE")), "in 90 % regions"]]
    rows += [
        [name, *_cells(figures, ("mpjpe_mm", "n_mpjpe_mm", "p_mpjpe_mm"), ("in_90_regions",))]
        for name, figures in [*joints.items(), ("all", summary["all"])]
    ]
    yield from _aligned(rows)
    if angles:
        yield ""
        rows = [["angle", "mean difference deg", "mean absolute deg", "stated sd deg", "in 90 % intervals"]]
        keys = ("mean_difference_deg", "mean_absolute_difference_deg", "stated_sd_deg")
        rows += [[name, *_cells(figures, keys, ("in_90_intervals",))] for name, figures in angles.items()]
        yield from _aligned(rows)
    for key, words in (("only_in_first", "only in the first"), ("only_in_second", "only in the second")):
        names = summary[key]
        if isinstance(names, list) and names:
            yield f"{words}: {', '.join(names)}"


def _unit(summary: Mapping[str, object]) -> str:
    return " mm" if summary["unit"] == "m" else f", 1/1000 {summary['unit']}"


def _cells(figures: Mapping[str, float | int | None], numbers: Sequence[str], shares: Sequence[str]) -> Iterator[str]:
    for key in numbers:
        yield "-" if (value := figures[key]) is None else f"{value:.1f}"
    for key in shares:
        yield "-" if (value := figures[key]) is None else f"{100 * value:.0f} %"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns of one width, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for first, *others in rows:
        yield "  ".join([first.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(others, widths[1:], strict=True))])
