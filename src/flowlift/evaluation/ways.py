"""Ways to turn hypotheses into one answer, and what each of them knows: nothing, the camera, or the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from flowlift.aggregate import Aggregation, aggregate, oracle_errors, reprojection_errors

Root = Literal["none", "solved", "consensus", "oracle"]
ORACLE = "ORACLE root (the test set's true root and camera)"
PUBLISHED = Aggregation("rpea-joint", keep=8, temperature=0.005)
"""RPEA's settings in the published test script; the temperature is in screen units (half image widths)."""


@dataclass(frozen=True)
class Way:
    """An aggregation, and where hypotheses are put before they are projected.

    "solved": each where it fits the 2D best; "consensus": all where their mean does; "oracle": at the true root of the
    test set, seen with its true camera, as published; "none": nothing is projected.
    """

    aggregation: Aggregation
    root: Root = "none"

    @property
    def name(self) -> str:
        """For tables. What used the oracle always says so."""
        where = {"none": "", "solved": ", root solved", "consensus": ", one root solved", "oracle": ", ORACLE root"}
        return self.aggregation.method + where[self.root]


def all_ways(*, keep: int = PUBLISHED.keep, temperature: float = PUBLISHED.temperature) -> tuple[Way, ...]:
    """Everything that is compared."""
    plain = (Way(Aggregation("mean")), Way(Aggregation("median")))
    methods = ("jpma", "rpea-joint", "rpea-pose")
    roots: tuple[Root, ...] = ("solved", "consensus", "oracle")
    return plain + tuple(Way(Aggregation(method, keep, temperature), root) for root in roots for method in methods)


@dataclass(frozen=True, eq=False)
class Oracle:
    """What only a test set knows: 2D in screen units (F, J, 2), the true root (F, 3) m, the true camera (F, 9)."""

    screen: Float[np.ndarray, "frame joint 2"]
    root: Float[np.ndarray, "frame 3"]
    intrinsics: Float[np.ndarray, "frame 9"]


@dataclass(frozen=True, eq=False)
class Shown:
    """What is known of some frames beside the hypotheses: `rays` (F, J, 2) on the plane z = 1, `weights` (F, J) (0
    where missing), `focal`: screen units on that plane; `oracle` where the data set has what that wants."""

    rays: Float[np.ndarray, "frame joint 2"]
    weights: Float[np.ndarray, "frame joint"]
    focal: float
    oracle: Oracle | None = None


def answers(
    hypotheses: Float[np.ndarray, "frame hypothesis joint 3"], shown: Shown, ways: Sequence[Way], *, root: int
) -> dict[str, Float[np.ndarray, "frame joint 3"]]:
    """Each way's answer by its name, relative to the joint `root`; ways that need what is not there are left out."""
    errors: dict[str, np.ndarray | None] = {"none": None}
    found = {}
    for way in ways:
        if way.root == "oracle" and shown.oracle is None:
            continue
        if way.root not in errors:
            errors[way.root] = _errors(hypotheses, shown, way.root, root)
        pose = aggregate(hypotheses, errors[way.root], way.aggregation)
        found[way.name] = pose - pose[:, [root]]
    return found


def _errors(
    hypotheses: Float[np.ndarray, "frame hypothesis joint 3"], shown: Shown, where: str, root: int
) -> Float[np.ndarray, "frame hypothesis joint"]:
    """Reprojection errors in screen units, the unit of the published temperature."""
    if where == "oracle" and shown.oracle is not None:
        truth = shown.oracle
        error = oracle_errors(hypotheses, truth.screen, true_root=truth.root, intrinsics=truth.intrinsics, root=root)
        return np.where(shown.weights[:, None] > 0, error, 0.0)
    placed = hypotheses.mean(axis=1, keepdims=True) if where == "consensus" else None
    return reprojection_errors(hypotheses, shown.rays, shown.weights, placed_as=placed) * shown.focal
