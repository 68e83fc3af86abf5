import asyncio
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.errors import InputError
from flowlift.studio.uploads import TooLargeError, accepted, receive, safe_name


@given(st.text(max_size=300), st.sampled_from(accepted()))
def test_any_name_becomes_a_plain_one(stem: str, suffix: str) -> None:
    name = safe_name(stem + suffix)
    assert PurePosixPath(name).name == PureWindowsPath(name).name == name
    assert name.endswith(suffix)
    assert not name.startswith(".")
    assert name.isprintable()
    assert len(name) < 120
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../.ssh/walk.mp4", "walk.mp4"),
        ("C:\\videos\\walk.MP4", "walk.mp4"),
        ("clip::two.npz", "clip__two.npz"),
        ("Gehen, Männer (2).mov", "Gehen_ Männer (2).mov"),
        ("..mp4", "file.mp4"),
    ],
)
def test_names(given: str, name: str) -> None:
    assert safe_name(given) == name


@pytest.mark.parametrize(
    "name", ["", "..", "run.sh", "page.html", "code.py", "weights.pkl", "mp4", "a.mp4/", "list.m3u8"]
)
def test_other_kinds_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="not a kind of file that is lifted"):
        safe_name(name)


def test_what_is_too_large_is_not_even_written(tmp_path: Path) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1000
            yield bytes(1000)

    with pytest.raises(TooLargeError):
        asyncio.run(receive(endless(), tmp_path / "file", limit=10_000))
    assert taken == 11_000
    assert (tmp_path / "file").stat().st_size <= 10_000


def test_nothing_is_refused(tmp_path: Path) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        yield b""

    with pytest.raises(InputError, match="empty"):
        asyncio.run(receive(nothing(), tmp_path / "file", limit=10))
