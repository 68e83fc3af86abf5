"""Do hypotheses scatter as far as they are wrong? cGNF's calibration curve, its error (ECE), and its picture."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from jaxtyping import Float

from flowlift.errors import InputError
from flowlift.view.style import PEOPLE

Array = Any  # a NumPy array or a torch tensor; shapes stand in the docstrings

QUANTILES = np.linspace(0, 1, 21)


@dataclass(frozen=True, eq=False)
class Reliability:
    """`frequency` (21,): how often (median over joints) the true error lies strictly below the `quantiles` (21,) of the
    samples' errors about their own median. Calibrated: equal."""

    quantiles: Float[np.ndarray, "21"]
    frequency: Float[np.ndarray, "21"]

    @property
    def ece(self) -> float:
        """Expected calibration error: the mean absolute difference; 0 is best."""
        return float(np.abs(self.frequency - self.quantiles).mean())


def reliability(hypotheses: Array, truth: Array) -> Reliability:
    """The calibration curve of hypotheses (..., hypothesis, joint, 3) of truth (..., joint, 3), m or any unit.

    cGNF's (Pierzchlewicz et al. 2022). The median is taken per coordinate, and of an even number of hypotheses it is
    the mean of the middle two. Joints whose truth is NaN do not count; leave out a root that is 0 by definition.
    Raises InputError for fewer than 2 hypotheses, for hypotheses that are NaN where the truth is known, and where no
    truth is known.
    """
    xp = array_namespace(hypotheses, truth)
    known = _known(xp, hypotheses, truth)
    count, joints = hypotheses.shape[-3], hypotheses.shape[-2]
    drawn, true = xp.reshape(hypotheses, (-1, count, joints, 3)), xp.reshape(truth, (-1, joints, 3))
    centre = _quantile(xp.sort(drawn, axis=1), 0.5)
    spread = xp.sort(xp.linalg.vector_norm(drawn - centre[:, None], axis=-1), axis=1)
    error = xp.linalg.vector_norm(true - centre, axis=-1)
    # One quantile at a time: 21 times less memory than all at once. An unknown error is NaN: below nothing.
    below = [xp.sum(error < _quantile(spread, float(q)), axis=0).tolist() for q in QUANTILES]
    counted = np.array(xp.sum(known, axis=0).tolist())
    seen = counted > 0
    return Reliability(QUANTILES, np.median(np.array(below)[:, seen] / counted[seen], axis=1))


def expected_calibration_error(hypotheses: Array, truth: Array) -> float:
    """ECE of hypotheses (..., hypothesis, joint, 3) of truth (..., joint, 3): see `reliability`."""
    return reliability(hypotheses, truth).ece


def _known(xp: Any, hypotheses: Array, truth: Array) -> Array:
    """Where the truth is known (pose, joint), all leading axes made one."""
    shape = tuple(hypotheses.shape)
    if len(shape) < 3 or shape[-1] != 3 or shape[:-3] + shape[-2:] != tuple(truth.shape):
        raise InputError(
            "calibration needs hypotheses (..., hypothesis, joint, 3) and truth (..., joint, 3), "
            f"got {shape} and {tuple(truth.shape)}"
        )
    if shape[-3] < 2:
        raise InputError(f"calibration needs at least 2 hypotheses, got {shape[-3]}")
    known = ~xp.any(xp.isnan(truth), axis=-1)
    if not xp.any(known):
        raise InputError("calibration: no joint has a true position")
    if xp.any(known & xp.any(xp.isnan(hypotheses), axis=(-3, -1))):
        raise InputError("calibration: hypotheses are missing (NaN) where the truth is known")
    return xp.reshape(known, (-1, shape[-2]))


def _quantile(ascending: Array, level: float) -> Array:
    """The quantile of values that ascend along axis 1, linear between neighbours (NumPy's default)."""
    place = level * (ascending.shape[1] - 1)
    low = math.floor(place)
    lower, upper = ascending[:, low], ascending[:, min(low + 1, ascending.shape[1] - 1)]
    return lower + (place - low) * (upper - lower)


def reliability_svg(curves: Mapping[str, Reliability]) -> str:
    """The curves of some models as one picture: above the diagonal they doubt too much, below it too little.

    It stands alone, on a ground of its own, and turns dark where the reader's browser does.
    """
    return "\n".join(_svg(curves)) + "\n"


_SIDE, _LEFT, _TOP = 300.0, 60.0, 20.0

# Attributes are the light look, which programs without style sheets show too; a style sheet goes before them.
_DARK = """<style>
  @media (prefers-color-scheme: dark) {
    .reliability { fill: #d5d9de } .reliability .ground { fill: #16191d }
    .reliability .grid { stroke: #343a41 } .reliability .even { stroke: #8d949c }
  }
</style>"""


def _at(x: float, y: float) -> tuple[float, float]:
    return _LEFT + _SIDE * x, _TOP + _SIDE * (1 - y)


def _svg(curves: Mapping[str, Reliability]) -> Iterator[str]:
    # 7 px a character: wider than most fonts' mean, so that the longest name has room.
    longest = max((len(_label(name, curve)) for name, curve in curves.items()), default=0)
    width = max(_LEFT + _SIDE, _LEFT + 32 + 7 * longest) + 20
    height = _TOP + _SIDE + 60 + 18 * len(curves)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" class="reliability" fill="#333333" font-family="sans-serif" font-size="12" role="img" '
        'aria-label="Reliability">'
    )
    yield _DARK
    yield f'<rect class="ground" fill="#ffffff" width="{width:g}" height="{height:g}"/>'
    yield from _axes()
    for index, (name, curve) in enumerate(curves.items()):
        yield from _curve(index, _label(name, curve), curve)
    yield "</svg>"


def _axes() -> Iterator[str]:
    """Grid, ticks, the diagonal and what the axes mean."""
    for tick in (0, 0.25, 0.5, 0.75, 1):
        (x, bottom), (left, y) = _at(tick, 0), _at(0, tick)
        yield f'<path class="grid" stroke="#dddddd" d="M{x:g} {_TOP:g}V{bottom:g}M{left:g} {y:g}H{_LEFT + _SIDE:g}"/>'
        yield f'<text x="{x:g}" y="{bottom + 16:g}" text-anchor="middle">{tick:g}</text>'
        yield f'<text x="{left - 8:g}" y="{y + 4:g}" text-anchor="end">{tick:g}</text>'
    (x0, y0), (x1, y1) = _at(0, 0), _at(1, 1)
    yield f'<path class="even" stroke="#888888" d="M{x0:g} {y0:g}L{x1:g} {y1:g}" stroke-dasharray="4 4"/>'
    yield f'<text x="{(x0 + x1) / 2:g}" y="{y0 + 34:g}" text-anchor="middle">quantile of the hypotheses</text>'
    turned = f"translate(16 {(y0 + y1) / 2:g}) rotate(-90)"
    yield f'<text transform="{turned}" text-anchor="middle">share of truths below it</text>'


def _curve(index: int, label: str, curve: Reliability) -> Iterator[str]:
    """One curve and its line of the legend; colours that come a second time are dashed."""
    y = _at(0, 0)[1] + 54 + 18 * index
    again = index // len(PEOPLE)
    dashes = f' stroke-dasharray="{8 / again:g} 3"' if again else ""
    look = f'fill="none" stroke="rgb{PEOPLE[index % len(PEOPLE)]}" stroke-width="2"{dashes}'
    points = " ".join("{:g},{:g}".format(*_at(*pair)) for pair in zip(curve.quantiles, curve.frequency, strict=True))
    yield f'<polyline points="{points}" {look}/>'
    yield f'<path d="M{_LEFT:g} {y - 4:g}h24" {look}/>'
    yield f'<text x="{_LEFT + 32:g}" y="{y:g}">{escape(label)}</text>'


def _label(name: str, curve: Reliability) -> str:
    return f"{name}, ECE {curve.ece:.3f}"
