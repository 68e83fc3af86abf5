"""Reading while something else works: a thread takes what comes next, but never runs far ahead."""

from collections.abc import Generator, Iterable
from queue import Full, Queue
from threading import Event, Thread
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")

_LOOK = 0.1
"""Seconds after which a reader with nobody to take what it has looks whether it should end."""
_PATIENCE = 5.0
"""Seconds that the end of the reader is waited for."""


class _End(NamedTuple):
    """Nothing comes any more; `error` is why, where that is no plain end."""

    error: BaseException | None = None


def read_ahead(source: Iterable[Item], *, held: int) -> Generator[Item, None, None]:
    """The items of `source` in their order, read by a thread of its own that is up to `held` items ahead.

    What the source raises is raised in its place, after the items before it. When the iterator is closed the source is
    closed, too, by the thread that read it.
    """
    ready: Queue[Item | _End] = Queue(held)
    over = Event()
    reader = Thread(target=_read, args=(source, ready, over), name="flowlift reader", daemon=True)
    reader.start()
    try:
        while not isinstance(item := ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        over.set()
        reader.join(_PATIENCE)


def _read(source: Iterable[Item], ready: "Queue[Item | _End]", over: Event) -> None:
    end = _End()
    try:
        items = iter(source)
        try:
            for item in items:
                if not _put(item, ready, over):
                    return
        finally:
            if hasattr(items, "close"):
                items.close()
    except BaseException as error:
        end = _End(error)
    _put(end, ready, over)


def _put(item: Item | _End, ready: "Queue[Item | _End]", over: Event) -> bool:
    """Whether somebody still wants it."""
    while not over.is_set():
        try:
            ready.put(item, timeout=_LOOK)
            return True
        except Full:
            continue
    return False
