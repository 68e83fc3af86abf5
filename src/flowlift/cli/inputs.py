"""What the inputs of a command line are: each with a name that its results get."""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path

from flowlift.errors import InputError
from flowlift.io import split_clip, stem_of
from flowlift.io.frame_folders import frames_of

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


def find_inputs(given: Sequence[str], *, results: Sequence[Path]) -> list[Input]:
    """The inputs, patterns expanded. Results of earlier runs, in folders `results` within what a pattern searches, are
    none of them; nor are folders of clips, and the frames of folders that are clips, where a pattern matches both.
    Raises InputError for a pattern that nothing matches."""
    places = [folder.resolve() for folder in results]
    return list(dict.fromkeys(found for each in given for found in _find(each, places)))


def _find(given: str, results: Sequence[Path]) -> Iterator[Input]:
    if given.isdecimal() and not Path(given).exists():
        yield Input(int(given), f"camera{given}")
    elif not is_pattern(given):
        yield Input(given, _name(given))
    else:
        base, pattern = _cut(given)
        below = sorted({match.relative_to(base) for match in base.glob(pattern)})
        taken = [folder.relative_to(base.resolve()) for folder in results if base.resolve() in folder.parents]
        paths = [path for path in below if not any(map(path.is_relative_to, taken)) and not _is_hidden(path)]
        matches = _clips([base / path for path in paths])
        if not matches:
            raise InputError(f"{given}: nothing matches this pattern")
        for match in matches:
            name = match.relative_to(base)
            yield Input(str(match), (name if match.is_dir() else name.with_name(stem_of(name))).as_posix())


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _clips(matches: Sequence[Path]) -> list[Path]:
    """What is a clip by itself, of files and folders that a pattern matched."""
    folders = {match for match in matches if match.is_dir()}
    files: dict[Path, set[Path]] = {folder: set() for folder in folders}
    for file in set(matches) - folders:
        files.setdefault(file.parent, set()).add(file)
    searched = {parent for match in matches for parent in match.parents}
    clips = {folder for folder in folders if _is_clip(folder, files[folder], searched=folder in searched)}
    return [match for match in matches if (match in clips if match in folders else match.parent not in clips)]


def _is_clip(folder: Path, matched: Set[Path], *, searched: bool) -> bool:
    """Whether nothing but its frames was matched in a folder. One without frames counts, too, where nothing below it
    was matched (it was not `searched`): why it cannot be lifted is to be told."""
    frames = frames_of(folder)
    return matched <= frames if frames else not searched


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
