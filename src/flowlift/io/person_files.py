"""Formats that hold one person: of several, each gets a file of their own."""

import re
import warnings
from collections.abc import Callable, Iterable, Set
from contextlib import ExitStack, suppress
from pathlib import Path

from flowlift.io.atomic import written_whole


def path_of(path: Path, person: int, people: int) -> Path:
    """The person's file: clip.trc where there is one person, else clip_person0.trc, clip_person1.trc and so on."""
    return path if people == 1 else path.with_stem(f"{path.stem}_person{person}")


def clip_of(path: Path) -> Path:
    """The clip's file that a person's file is part of, by its name: clip.trc of clip_person1.trc, and of itself."""
    return path.parent / (re.sub(r"_person\d+$", "", path.stem) + path.suffix)


def write_each(path: Path, persons: Iterable[int], people: int, text_of: Callable[[int, str], str]) -> None:
    """Write `text_of(person, file name)` for each person; no file takes its place before all are written.

    Where files of other people are beside them, a warning says so. Raises OutputError.
    """
    written = []
    with ExitStack() as files:
        for person in persons:
            target = path_of(path, person, people)
            written.append(target)
            beside = files.enter_context(written_whole(target))
            # The name may hold bytes that are no text: they pass through as they are.
            beside.write_text(text_of(person, target.name), encoding="utf-8", errors="surrogateescape", newline="\n")
    _tell_others(path, {each.name for each in written})


def _tell_others(path: Path, written: Set[str]) -> None:
    """Warn of files that an earlier result of more or fewer people may have left."""
    others: list[str] = []
    with suppress(OSError):  # where nobody may look, nothing is known
        others = sorted(each.name for each in path.parent.iterdir() if clip_of(each) == path)
    others = [name for name in others if name not in written]
    if others:
        warnings.warn(
            f"{path}: written beside {', '.join(others)}; what an earlier run left of this clip is out of date",
            UserWarning,
            stacklevel=3,
        )
