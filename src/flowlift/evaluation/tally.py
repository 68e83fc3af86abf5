"""Means by group without keeping every frame: sums and counts, one group after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Shaped

from flowlift.evaluation.report import Figure, Row, mean_of_rows


@dataclass
class _Group:
    sums: dict[str, float] = field(default_factory=dict)
    frames: int = 0
    without_pose: int = 0


@dataclass
class Tally:
    """Figures of one way under one seed, summed up group by group; metres become millimetres in names ending _mm."""

    groups: dict[str, _Group] = field(default_factory=dict)

    def add(self, group: str, figures: Mapping[str, Shaped[np.ndarray, " frame"]]) -> None:
        """Frames of one group. A frame with any figure that is not finite has no pose: it is told, not counted."""
        values = np.stack(list(figures.values()))
        good = np.isfinite(values).all(axis=0)
        into = self.groups.setdefault(group, _Group())
        into.frames += int(good.sum())
        into.without_pose += int((~good).sum())
        for name, each in figures.items():
            unit = 1000.0 if name.endswith("_mm") else 1.0
            into.sums[name] = into.sums.get(name, 0.0) + float(each[good].sum(dtype=np.float64)) * unit


def rows(per_seed: Sequence[Tally], *, kind: str) -> tuple[Row, ...]:
    """All frames; the mean over groups, each counted alike; then every group. One value a seed."""
    names = sorted(per_seed[0].groups)
    groups = [_row(name, [seed.groups[name] for seed in per_seed]) for name in names]
    counted = [row for row in groups if row.frames]
    everything = _row("all frames", [_sum(list(seed.groups.values())) for seed in per_seed])
    return (everything, mean_of_rows(f"mean of groups by {kind}", counted or groups), *groups)


def _sum(groups: Sequence[_Group]) -> _Group:
    total = _Group()
    for group in groups:
        total.frames += group.frames
        total.without_pose += group.without_pose
        for name, value in group.sums.items():
            total.sums[name] = total.sums.get(name, 0.0) + value
    return total


def _row(name: str, per_seed: Sequence[_Group]) -> Row:
    figures = {
        figure: Figure(tuple(seed.sums[figure] / seed.frames if seed.frames else float("nan") for seed in per_seed))
        for figure in per_seed[0].sums
    }
    return Row(name, min(seed.frames for seed in per_seed), max(seed.without_pose for seed in per_seed), figures)
