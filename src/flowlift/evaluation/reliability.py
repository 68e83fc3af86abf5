"""Do hypotheses scatter as far as they are wrong? cGNF's calibration curve, its error (ECE), and its picture."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

import numpy as np
from jaxtyping import Float

from flowlift.errors import InputError

QUANTILES = np.linspace(0, 1, 21)
_COLOURS = ("#1f77b4", "#d95f02", "#1b9e77", "#7570b3", "#e7298a")


@dataclass(frozen=True, eq=False)
class Reliability:
    """`frequency` (21,): how often (median over joints) the true error lies below the `quantiles` (21,) of the samples'
    errors about their own median. Calibrated: equal."""

    quantiles: Float[np.ndarray, "21"]
    frequency: Float[np.ndarray, "21"]

    @property
    def ece(self) -> float:
        """Expected calibration error: the mean absolute difference; 0 is best."""
        return float(np.abs(self.frequency - self.quantiles).mean())


def reliability(
    hypotheses: Float[np.ndarray, "pose hypothesis joint 3"], truth: Float[np.ndarray, "pose joint 3"]
) -> Reliability:
    """The calibration curve of hypotheses (m or any unit) about their median (cGNF, Pierzchlewicz et al. 2022).

    Raises InputError for fewer than 2 hypotheses or no pose.
    """
    if hypotheses.shape[1] < 2 or not len(hypotheses):
        raise InputError(f"calibration needs poses with at least 2 hypotheses, got shape {hypotheses.shape}")
    centre = np.median(hypotheses, axis=1)
    spread = np.linalg.norm(hypotheses - centre[:, None], axis=-1)
    error = np.linalg.norm(truth - centre, axis=-1)
    limits = np.quantile(spread, QUANTILES, axis=1)  # quantile, pose, joint
    below = (error[None] <= limits).mean(axis=1)
    return Reliability(QUANTILES, np.median(below, axis=1))


def expected_calibration_error(
    hypotheses: Float[np.ndarray, "pose hypothesis joint 3"], truth: Float[np.ndarray, "pose joint 3"]
) -> float:
    """ECE of hypotheses: see `reliability`."""
    return reliability(hypotheses, truth).ece


def reliability_svg(curves: Mapping[str, Reliability]) -> str:
    """The curves of some models as one picture: above the diagonal they doubt too much, below it too little."""
    return "\n".join(_svg(curves)) + "\n"


_SIDE, _LEFT, _TOP = 300.0, 60.0, 20.0


def _at(x: float, y: float) -> tuple[float, float]:
    return _LEFT + _SIDE * x, _TOP + _SIDE * (1 - y)


def _svg(curves: Mapping[str, Reliability]) -> Iterator[str]:
    width, height = _LEFT + _SIDE + 20, _TOP + _SIDE + 60 + 18 * len(curves)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="sans-serif" font-size="12" role="img" aria-label="Reliability">'
    )
    yield f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>'
    for tick in (0, 0.25, 0.5, 0.75, 1):
        (x, bottom), (left, y) = _at(tick, 0), _at(0, tick)
        yield f'<path d="M{x:g} {_TOP:g}V{bottom:g}M{left:g} {y:g}H{_LEFT + _SIDE:g}" stroke="#dddddd"/>'
        yield f'<text x="{x:g}" y="{bottom + 16:g}" text-anchor="middle" fill="#333333">{tick:g}</text>'
        yield f'<text x="{left - 8:g}" y="{y + 4:g}" text-anchor="end" fill="#333333">{tick:g}</text>'
    (x0, y0), (x1, y1) = _at(0, 0), _at(1, 1)
    yield f'<path d="M{x0:g} {y0:g}L{x1:g} {y1:g}" stroke="#999999" stroke-dasharray="4 4"/>'
    middle = _LEFT + _SIDE / 2
    yield f'<text x="{middle:g}" y="{y0 + 34:g}" text-anchor="middle" fill="#333333">quantile of the hypotheses</text>'
    yield (
        f'<text transform="translate(16 {_TOP + _SIDE / 2:g}) rotate(-90)" text-anchor="middle" fill="#333333">'
        "share of truths below it</text>"
    )
    for index, (name, curve) in enumerate(curves.items()):
        colour, y = _COLOURS[index % len(_COLOURS)], y0 + 54 + 18 * index
        points = " ".join(
            "{:g},{:g}".format(*_at(*pair)) for pair in zip(curve.quantiles, curve.frequency, strict=True)
        )
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield f'<path d="M{_LEFT:g} {y - 4:g}h24" stroke="{colour}" stroke-width="2"/>'
        yield f'<text x="{_LEFT + 32:g}" y="{y:g}" fill="#333333">{escape(name)}, ECE {curve.ece:.3f}</text>'
    yield "</svg>"
