"""Results as JSON files under docs/results, and the tables that show them.

A result is {"columns": [...], "rows": [[...], ...], "notes": [...], ...}, or what `python -m flowlift.evaluation ...
--json` writes. `python benchmarks/pages.py` puts each one into every page that asks for it with a pair of lines

    <!-- result: NAME -->
    <!-- end of result -->

so that no figure in a page is typed by hand.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import stdev
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
ERRORS = {
    "mpjpe_mm": "MPJPE mm",
    "n_mpjpe_mm": "N-MPJPE mm",
    "p_mpjpe_mm": "P-MPJPE mm",
    "min_p_mpjpe_mm": "best of N, P-MPJPE mm",
    "coverage_90": "in 90 % regions",
}
SUMMARIES = ("all", "mean of", "camera")
"""Groups of frames that a page shows; single actions and actors stay in the JSON."""
SLOT = re.compile(r"(?P<open><!-- result: (?P<name>[\w-]+) -->\n).*?(?P<close><!-- end of result -->)", re.DOTALL)


def as_markdown(result: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    """The table, and below it the notes."""
    table = result if isinstance(result, Mapping) else _evaluation_table(result)
    lines = [_row(table["columns"]), _row(["---"] * len(table["columns"])), *(_row(row) for row in table["rows"])]
    return "\n".join([*lines, "", *table.get("notes", [])]).rstrip() + "\n"


def _evaluation_table(results: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The mean errors of each method; the conditions that all of them share below."""
    rows = [
        [result["name"], row["group"], row["frames"], *(_error(row.get(name), name) for name in ERRORS)]
        for result in results
        for row in result["rows"]
        if row["group"].startswith(SUMMARIES)
    ]
    conditions = [result["conditions"] for result in results]
    shared = {name: value for name, value in conditions[0].items() if all(one[name] == value for one in conditions)}
    own = [(result["name"], {k: v for k, v in result["conditions"].items() if k not in shared}) for result in results]
    notes = [_conditions(shared), *(f"{name}: {_conditions(differing)}" for name, differing in own if differing)]
    return {
        "columns": ["method", "frames of", "frames", *ERRORS.values()],
        "rows": rows,
        "notes": [f"- {note}" for note in notes],
    }


def _conditions(conditions: Mapping[str, Any]) -> str:
    """What a number depends on; what does not apply is left out."""
    values = {name: ", ".join(map(str, v)) if isinstance(v, list) else v for name, v in conditions.items()}
    return "; ".join(f"{name}: {value}" for name, value in values.items() if value not in (None, ""))


def _error(figure: Mapping[str, Any] | None, name: str) -> str:
    """The mean, and the standard deviation over seeds."""
    if figure is None or figure["mean"] is None:
        return "-"
    if name == "coverage_90":
        return f"{100 * figure['mean']:.0f} %"
    seeds = figure["per_seed"]
    return f"{figure['mean']:.1f}" + (f" ± {stdev(seeds):.1f}" if len(seeds) > 1 else "")


def save_result(name: str, result: Mapping[str, Any]) -> Path:
    """Write a result where the pages look for it."""
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return path


def filled(page: str, results: Path = RESULTS) -> str:
    """A page's text with the tables that it asks for."""

    def table(slot: re.Match[str]) -> str:
        file = results / f"{slot['name']}.json"
        text = as_markdown(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else "Not measured yet.\n"
        return f"{slot['open']}{text}{slot['close']}"

    return SLOT.sub(table, page)


def pages() -> list[Path]:
    """Every page that may hold a table."""
    cards = (ROOT / "src" / "flowlift" / "models").glob("*/card.md")
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(cards)]


def _row(cells: Sequence[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    for page in pages():
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
