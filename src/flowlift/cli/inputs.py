"""What the inputs of a command line are: each with a name that its results get."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path

from flowlift.errors import InputError
from flowlift.io import split_clip, stem_of

_ODD = r"[^\w.-]+"
"""What a clip's name may hold, and a file's does not."""


@dataclass(frozen=True)
class Input:
    """A path or a camera's number, and a name without an ending; of a pattern's matches with their folders below it."""

    source: str | int
    name: str


def is_pattern(given: str) -> bool:
    """Whether an input stands for all files of such names. What is there under the name itself is no pattern."""
    return has_magic(given) and not Path(given.partition("::")[0]).exists()


def find_inputs(given: Sequence[str], *, output: Path) -> list[Input]:
    """The inputs, patterns expanded. Results of earlier runs, in a folder `output` within what a pattern searches, are
    none of them. Raises InputError for a pattern that nothing matches."""
    return list(dict.fromkeys(found for each in given for found in _find(each, output.absolute())))


def _find(given: str, output: Path) -> Iterator[Input]:
    if given.isdecimal() and not Path(given).exists():
        yield Input(int(given), f"camera{given}")
    elif not is_pattern(given):
        yield Input(given, _name(given))
    else:
        base, pattern = _cut(given)
        below = (match.relative_to(base) for match in base.glob(pattern))
        matches = [base / path for path in sorted(below) if not any(part.startswith(".") for part in path.parts)]
        if base.absolute() in output.parents:
            matches = [match for match in matches if not match.absolute().is_relative_to(output)]
        if not matches:
            raise InputError(f"{given}: nothing matches this pattern")
        for match in matches:
            name = match.relative_to(base)
            yield Input(str(match), (name if match.is_dir() else name.with_name(stem_of(name))).as_posix())


def _name(given: str) -> str:
    """Of a path without its ending; of FILE::CLIP with the clip's."""
    file, clip = split_clip(given)
    path = file.resolve()
    name = path.name if path.is_dir() else stem_of(path)
    return f"{name}.{re.sub(_ODD, '_', clip)}" if clip else name


def _cut(pattern: str) -> tuple[Path, str]:
    """The folder that a pattern looks into (what stands before the first wildcard), and what it looks for there."""
    parts = Path(pattern).parts
    plain = next(index for index, part in enumerate(parts) if has_magic(part))
    return Path(*parts[:plain]), str(Path(*parts[plain:]))
