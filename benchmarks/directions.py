"""Errors of a model by view direction on HDM05, as a table. Writes docs/results/directions.json.

python benchmarks/directions.py HDM05 [--model human] [--every 4]
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from pages import as_markdown, save_result

from flowlift import Lifter
from flowlift.datasets.hdm05 import read_captures
from flowlift.evaluation.directions import PITCHES, SECTORS, Direction, evaluate_directions
from flowlift.evaluation.lifting import LiftSettings
from flowlift.evaluation.report import Result


def table(result: Result) -> dict[str, object]:
    """P-MPJPE and MPJPE, a row for each sector, and how much worse than the mean the worst direction is."""
    mean = result.rows[0].figures

    def cell(sector: int, pitch: str) -> str:
        figures = result.row(Direction(sector, pitch).name).figures
        return f"{figures['p_mpjpe_mm'].mean:.1f} / {figures['mpjpe_mm'].mean:.1f}"

    ratios = {
        name: max(row.figures[figure].mean for row in result.rows[1:]) / mean[figure].mean
        for figure, name in (("p_mpjpe_mm", "P-MPJPE"), ("mpjpe_mm", "MPJPE"))
    }
    worst = ", ".join(f"{ratio:.2f} times the mean in {name}" for name, ratio in ratios.items())
    conditions = {name: value for name, value in asdict(result.conditions).items() if value is not None}
    return {
        "columns": ["camera stands at, degrees", *PITCHES],
        "rows": [[sector * 360 // SECTORS, *(cell(sector, pitch) for pitch in PITCHES)] for sector in range(SECTORS)],
        "notes": [
            f"P-MPJPE / MPJPE, mm; {result.rows[1].frames} frames a direction; over all "
            f"{mean['p_mpjpe_mm'].mean:.1f} / {mean['mpjpe_mm'].mean:.1f}. The worst direction: {worst}. 0 degrees is "
            "in front, 90 on the left side, 180 behind. "
            + "; ".join(f"{name}: {value}" for name, value in conditions.items() if name != "seeds")
            + "."
        ],
        "ratios": ratios,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="the archive of HDM05, or what it unpacks to")
    parser.add_argument("--model", default="human", help="a packaged model or a model's folder")
    parser.add_argument("--every", type=int, default=4, help="every Nth frame only")
    options = parser.parse_args()
    captures = read_captures(options.source)
    settings = LiftSettings(options.model, seeds=(0,), smooth="off")
    result = table(evaluate_directions(captures, Lifter.load(options.model), settings, every=options.every))
    save_result("directions", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main()
