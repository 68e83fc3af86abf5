"""Who listens to a stream. Each gets the newest message; who is slow misses some, and nothing piles up for them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Listener:
    """One of them: what is to be sent next."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._newest: str | None = None
        self._ended = False

    def put(self, text: str) -> None:
        """In place of what was not fetched yet."""
        self._newest = text
        self._changed.set()

    def end(self) -> None:
        """What is there is the last."""
        self._ended = True
        self._changed.set()

    async def take(self) -> str | None:
        """The newest message, when there is one; None after the last."""
        while self._newest is None and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        text, self._newest = self._newest, None
        return text


class Listeners:
    """All of them, `most` at a time. Called from the event loop alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: set[Listener] = set()
        self._last: str | None = None

    @property
    def full(self) -> bool:
        return len(self._all) >= self._most

    def __len__(self) -> int:
        return len(self._all)

    @contextmanager
    def one_more(self) -> Iterator[Listener]:
        """A listener for as long as the block runs."""
        listener = Listener()
        if self._last is not None:
            listener.put(self._last)
            listener.end()
        self._all.add(listener)
        try:
            yield listener
        finally:
            self._all.discard(listener)

    def publish(self, text: str) -> None:
        """A message for everybody."""
        for listener in self._all:
            listener.put(text)

    def finish(self, text: str) -> None:
        """The last message, also for those who come later."""
        self._last = text
        for listener in self._all:
            listener.put(text)
            listener.end()
