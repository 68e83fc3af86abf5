"""The manifest: what became of each clip, a line of JSON each."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from flowlift.format_version import check_not_newer

MANIFEST = "_manifest.jsonl"
"""Its name, beside the results. What begins with an underscore is no data to those who read folders of Parquet."""

FORMAT = "flowlift-manifest-1"
"""Of each line. Lines of before it was told are of this format too."""


@dataclass(frozen=True)
class Marks:
    """What a result depends on (`flowlift.batch.identity`): settings, model, input."""

    settings: str
    model: str
    input: str


@dataclass(frozen=True)
class Row:
    """What became of one clip. `files`: path below the manifest's folder -> [bytes, SHA-256]. `seconds`: that it took.

    `finished`: when, in UTC. `error`: one line.
    """

    clip: str
    source: str
    state: Literal["done", "failed"]
    finished: str
    seconds: float
    attempts: int
    marks: Marks
    flowlift: str
    error: str = ""
    frames: int = 0
    people: int = 0
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    format: str = FORMAT


def line_of(row: Row) -> bytes:
    """A row as it stands in the manifest."""
    return json.dumps(asdict(row)).encode() + b"\n"


def text_of(rows: Iterable[Row]) -> bytes:
    """A manifest's content."""
    return b"".join(map(line_of, rows))


def rows_of(content: bytes) -> dict[str, Row]:
    """The last row of each clip, by its name; lines that were cut off, or are something else, are left out.

    Raises InputError for lines of a newer flowlift: what it did is not done again.
    """
    rows = (_row(line) for line in content.split(b"\n"))
    return {row.clip: row for row in rows if row is not None}


def _row(line: bytes) -> Row | None:
    try:
        words: dict[str, Any] = json.loads(line)
        check_not_newer(words.get("format", FORMAT), FORMAT)
        marks = Marks(**words.pop("marks"))
        files = {str(path): (int(size), str(digest)) for path, (size, digest) in words.pop("files").items()}
        return Row(**words, marks=marks, files=files)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
