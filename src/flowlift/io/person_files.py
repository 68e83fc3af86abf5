"""Formats that hold one person: of several, each gets a file of their own."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from flowlift.io.atomic import written_whole


def path_of(path: Path, person: int, people: int) -> Path:
    """The person's file: clip.trc where there is one person, else clip_person0.trc, clip_person1.trc and so on."""
    return path if people == 1 else path.with_stem(f"{path.stem}_person{person}")


def write_each(path: Path, persons: Iterable[int], people: int, text_of: Callable[[int, str], str]) -> None:
    """Write `text_of(person, file name)` for each person; no file takes its place before all are written.

    Raises OutputError.
    """
    with ExitStack() as files:
        for person in persons:
            target = path_of(path, person, people)
            beside = files.enter_context(written_whole(target))
            # The name may hold bytes that are no text: they pass through as they are.
            beside.write_text(text_of(person, target.name), encoding="utf-8", errors="surrogateescape", newline="\n")
