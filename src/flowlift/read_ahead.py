"""Reading while something else works: a thread takes what comes next, but never runs far ahead."""

from collections.abc import Iterable
from queue import Full, Queue
from threading import Event, Thread
from typing import Generic, NamedTuple, Self, TypeVar

Item = TypeVar("Item")

_LOOK = 0.1
"""Seconds after which a reader with nobody to take what it has looks whether it should end."""
_PATIENCE = 5.0
"""Seconds that the end of the reader is waited for."""


class _End(NamedTuple):
    """Nothing comes any more; `error` is why, where that is no plain end."""

    error: BaseException | None = None


class ReadAhead(Generic[Item]):
    """The items of a source in their order, read by a thread of its own that is up to `held` items ahead.

    Reading begins when the first item is asked for. What the source raises is raised in its place, after the items
    before it. When this is closed the source is closed, too, by the thread that read it. Ctrl-C while waiting for an
    item loses none: ask for the next one again.
    """

    def __init__(self, source: Iterable[Item], *, held: int) -> None:
        self._ready: Queue[Item | _End] = Queue(held)
        self._over, self._ended = Event(), False
        reading = (source, self._ready, self._over)
        self._reader = Thread(target=_read, args=reading, name="flowlift reader", daemon=True)
        self._begun = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        if self._ended:
            raise StopIteration
        if not self._begun:
            self._begun = True
            self._reader.start()
        item = self._ready.get()
        if not isinstance(item, _End):
            return item
        self.close()
        if item.error is not None:
            raise item.error
        raise StopIteration

    def close(self) -> None:
        """Want no more."""
        self._ended = True
        self._over.set()
        if self._begun:
            self._reader.join(_PATIENCE)


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
