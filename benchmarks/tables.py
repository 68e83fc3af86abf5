"""Results as JSON files under docs/results, and the tables that show them.

A result is {"columns": [...], "rows": [[...], ...], "notes": [...], ...}. `python benchmarks/tables.py` puts each one
into every page that asks for it with a pair of lines

    <!-- result: NAME -->
    <!-- end of result -->

so that no figure in a page is typed by hand.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "docs" / "results"
SLOT = re.compile(r"(?P<open><!-- result: (?P<name>[\w-]+) -->\n).*?(?P<close><!-- end of result -->)", re.DOTALL)


def as_markdown(result: Mapping[str, object]) -> str:
    """The table, and below it the notes."""
    columns, rows, notes = result["columns"], result["rows"], result.get("notes", [])
    lines = [_row(columns), _row(["---"] * len(columns)), *(_row(row) for row in rows)]
    return "\n".join([*lines, "", *notes]).rstrip() + "\n"


def save_result(name: str, result: Mapping[str, object]) -> Path:
    """Write a result where the pages look for it."""
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return path


def filled(page: str, results: Path = RESULTS) -> str:
    """A page's text with the tables that it asks for. Raises FileNotFoundError for a result that is not there."""

    def table(slot: re.Match[str]) -> str:
        result = json.loads((results / f"{slot['name']}.json").read_text(encoding="utf-8"))
        return f"{slot['open']}{as_markdown(result)}{slot['close']}"

    return SLOT.sub(table, page)


def pages() -> list[Path]:
    """Every page that may hold a table."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _row(cells: list[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    for page in pages():
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
