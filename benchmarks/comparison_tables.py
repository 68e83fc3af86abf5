"""The tables of docs/comparison.md from docs/results/comparison.json: `python benchmarks/comparison_tables.py`.

Then `python benchmarks/pages.py` puts them into the page.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Any

from pages import RESULTS, save_result

COUNTS = (1, 2, 10, 20, 40)
NAMES = {
    "flow": "flow, parallel block",
    "flow-pose": "flow, loss weighted by (1 - t)^2",
    "flow-x1": "flow, network predicts the pose",
    "diffusion": "diffusion, DDIM",
    "cvae": "CVAE",
    "normalizing-flow": "normalizing flow",
    "regression": "regression",
    "simple-regression": "regression, SimpleBaseline",
    "flow-serial": "flow, serial block",
    "flow-gcn": "flow, GCN only",
    "flow-attention": "flow, attention only",
}
WAYS = (
    "mean",
    "jpma, root solved",
    "rpea-joint, root solved",
    "rpea-pose, root solved",
    "jpma, ORACLE root",
    "rpea-joint, ORACLE root",
    "rpea-pose, ORACLE root",
)
KEYPOINTS = {"noise": "2D with noise", "exact": "exact 2D"}
MARGIN_MM = 2.0
"""Differences below this, or below twice their standard deviation over the seeds, are called equal."""


@dataclass(frozen=True)
class Value:
    """One value a seed."""

    seeds: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.seeds)

    @property
    def spread(self) -> float:
        return pstdev(self.seeds)

    def __str__(self) -> str:
        return f"{self.mean:.1f} ± {self.spread:.1f}"

    def beside(self, other: "Value") -> str:
        """ "lower", "higher" or "equal"."""
        gap = self - other
        if abs(gap.mean) < max(MARGIN_MM, 2 * gap.spread):
            return "equal"
        return "lower" if gap.mean < 0 else "higher"

    def __sub__(self, other: "Value") -> "Value":
        return Value(tuple(a - b for a, b in zip(self.seeds, other.seeds, strict=True)))


@dataclass(frozen=True)
class Table:
    """The measured values."""

    found: dict[str, Any]

    def entry(self, network: str, steps: int, keypoints: str = "noise") -> dict[str, Any]:
        return next(
            entry
            for entry in self.found["entries"]
            if (entry["network"], entry["steps"], entry["keypoints"]) == (network, steps, keypoints)
        )

    def error(
        self, network: str, steps: int, way: str, count: int, figure: str = "mpjpe_mm", keypoints: str = "noise"
    ) -> Value:
        """An error, mm, seed by seed."""
        seeds = self.entry(network, steps, keypoints)["seeds"]
        return Value(
            tuple(
                next(row[figure] for row in seed["errors"] if (row["way"], row["hypotheses"]) == (way, count))
                for seed in seeds
            )
        )

    def spread(self, network: str, steps: int, figure: str, keypoints: str = "noise") -> Value:
        """What the hypotheses say together."""
        return Value(tuple(seed["spread"][figure] for seed in self.entry(network, steps, keypoints)["seeds"]))

    def milliseconds(self, network: str, steps: int, count: int) -> float:
        return min(seed["milliseconds"][str(count)] for seed in self.entry(network, steps)["seeds"])

    def both(self, network: str, steps: int, way: str, keypoints: str) -> list[str]:
        """MPJPE / P-MPJPE for every number of hypotheses."""
        figures = ("mpjpe_mm", "p_mpjpe_mm")
        return [
            " / ".join(f"{self.error(network, steps, way, count, figure, keypoints).mean:.1f}" for figure in figures)
            for count in COUNTS
        ]

    def measured(self, keypoints: str = "noise") -> Iterator[tuple[str, int]]:
        for entry in self.found["entries"]:
            if entry["keypoints"] == keypoints:
                yield entry["network"], entry["steps"]


def methods(table: Table) -> dict[str, Any]:
    """Every method by the mean of 40 hypotheses, and by what the 40 say together."""
    rows = []
    for network, steps in table.measured():
        several = "regression" not in network
        rows.append(
            [
                NAMES[network],
                steps if network.startswith(("flow", "diffusion")) else 1,
                f"{table.found['parameters'][network]:,}",
                table.error(network, steps, "mean", 40),
                table.error(network, steps, "mean", 40, "p_mpjpe_mm"),
                table.spread(network, steps, "best_of_40_mpjpe_mm") if several else "-",
                table.spread(network, steps, "energy_mm") if several else "-",
                f"{table.spread(network, steps, 'ece').mean:.3f}" if several else "-",
                f"{table.milliseconds(network, steps, 1):.1f}",
                f"{table.milliseconds(network, steps, 40):.1f}",
            ]
        )
    columns = ["method", "steps", "parameters", "MPJPE mm", "P-MPJPE mm", "best of 40, MPJPE mm", "energy score mm"]
    return _result([*columns, "ECE", "ms a pose, N = 1", "ms a pose, N = 40"], rows)


def aggregations(table: Table, keypoints: str) -> dict[str, Any]:
    """Every way to one answer, for flow matching in 3 steps."""
    ways = dict.fromkeys(row["way"] for row in table.entry("flow", 3, keypoints)["seeds"][0]["errors"])
    rows = [[way, *table.both("flow", 3, way, keypoints)] for way in ways]
    return _result(["aggregation", *(f"N = {count}" for count in COUNTS)], rows)


def everything(table: Table) -> dict[str, Any]:
    """Methods by aggregations by numbers of hypotheses."""
    rows = [
        [NAMES[network], steps, way, *table.both(network, steps, way, "noise")]
        for network, steps in table.measured()
        for way in (WAYS if "regression" not in network else WAYS[:1])
    ]
    return _result(["method", "steps", "aggregation", *(f"N = {count}" for count in COUNTS)], rows)


def claims(table: Table) -> dict[str, Any]:
    """What the paper says, and what came out here."""
    rows = [*_steps(table), *_rpea(table), *_blocks(table)]
    return _result(["claim", "measured as", "the claimed better", "the other", "here"], rows)


def _steps(table: Table) -> Iterator[list[Any]]:
    claim = "3 steps of flow are as good as 50 of diffusion"
    measured = (
        *(
            (f"{name} of {words}", *(table.error(*method, "mean", count, figure) for method in (_FLOW, _DIFFUSION)))
            for figure, name in (("mpjpe_mm", "MPJPE"), ("p_mpjpe_mm", "P-MPJPE"))
            for count, words in ((1, "one hypothesis"), (40, "the mean of 40"))
        ),
        ("best of 40, MPJPE", *(table.spread(*method, "best_of_40_mpjpe_mm") for method in (_FLOW, _DIFFUSION))),
        ("energy score", *(table.spread(*method, "energy_mm") for method in (_FLOW, _DIFFUSION))),
    )
    for what, flow, diffusion in measured:
        verdict = {"equal": "holds: equal", "lower": "holds: better", "higher": "does not hold"}[flow.beside(diffusion)]
        yield [claim, what, flow, diffusion, verdict]


_FLOW, _DIFFUSION = ("flow", 3), ("diffusion", 50)


def _rpea(table: Table) -> Iterator[list[Any]]:
    for root in ("ORACLE root", "root solved"):
        way = f"rpea-joint, {root}"
        for keypoints, words in KEYPOINTS.items():
            mean, rpea = (table.error("flow", 3, each, 40, keypoints=keypoints) for each in ("mean", way))
            verdict = {"equal": "equal", "lower": "holds", "higher": "does not hold"}[rpea.beside(mean)]
            yield [f"RPEA ({root}) beats the mean", f"MPJPE, N = 40, {words}", rpea, mean, verdict]
            gains = [
                table.error("flow", 3, "mean", count, keypoints=keypoints)
                - table.error("flow", 3, way, count, keypoints=keypoints)
                for count in (2, 40)
            ]
            more = {"equal": "equal", "lower": "does not hold", "higher": "holds"}[gains[1].beside(gains[0])]
            verdict = more if gains[1].mean > 2 * gains[1].spread else "there is no gain"
            claim = f"RPEA ({root}) gains more with more hypotheses"
            yield [claim, f"gain over the mean, N = 40 and N = 2, {words}", gains[1], gains[0], verdict]


def _blocks(table: Table) -> Iterator[list[Any]]:
    for name in ("flow-serial", "flow-gcn", "flow-attention"):
        for figure, words in (("mpjpe_mm", "MPJPE"), ("p_mpjpe_mm", "P-MPJPE")):
            parallel, other = (table.error(each, 3, "mean", 40, figure) for each in ("flow", name))
            verdict = {"equal": "equal", "lower": "holds", "higher": "does not hold"}[parallel.beside(other)]
            yield [
                f"parallel beats {NAMES[name].removeprefix('flow, ')}",
                f"{words}, mean of 40",
                parallel,
                other,
                verdict,
            ]


def oracle_share(table: Table) -> dict[str, Any]:
    """How much of RPEA's gain over the mean is left without the truth, and what comes closest."""
    rows = []
    for keypoints, words in KEYPOINTS.items():

        def error(way: str, keypoints: str = keypoints) -> Value:
            return table.error("flow", 3, way, 40, keypoints=keypoints)

        honest = [
            row["way"]
            for row in table.entry("flow", 3, keypoints)["seeds"][0]["errors"]
            if row["hypotheses"] == 40 and "ORACLE" not in row["way"]
        ]
        free = min((way for way in honest if "stature" not in way), key=lambda way: error(way).mean)
        told = min((way for way in honest if "stature" in way), key=lambda way: error(way).mean)
        mean, oracle, solved = error("mean"), error("rpea-joint, ORACLE root"), error("rpea-joint, root solved")
        rows += [
            [words, "mean of 40", mean, "-"],
            [words, "rpea-joint, ORACLE root", oracle, mean - oracle],
            [words, "rpea-joint, root solved", solved, mean - solved],
            [words, f"best without any truth: {free}", error(free), mean - error(free)],
            [words, f"best with the true size: {told}", error(told), mean - error(told)],
        ]
    return _result(["2D", "answer", "MPJPE mm", "gain over the mean, mm"], rows)


def _result(columns: list[str], rows: list[list[Any]]) -> dict[str, Any]:
    return {"columns": columns, "rows": [[str(cell) for cell in row] for row in rows]}


def main() -> None:
    table = Table(json.loads((RESULTS / "comparison.json").read_text(encoding="utf-8")))
    save_result("comparison-methods", methods(table))
    for keypoints in KEYPOINTS:
        save_result(f"comparison-aggregations-{keypoints}", aggregations(table, keypoints))
    save_result("comparison-claims", claims(table))
    save_result("comparison-oracle", oracle_share(table))
    save_result("comparison-all", everything(table))


if __name__ == "__main__":
    main()
