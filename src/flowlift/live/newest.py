"""A place for one thing between two threads: what comes later takes the place of what nobody fetched yet."""

from threading import Condition
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Frames are dropped here rather than late: whoever works gets the newest one. `dropped` counts the others."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._held: T | None = None
        self._closed = False
        self.dropped = 0

    def put(self, thing: T) -> None:
        """Leave a thing; does not wait."""
        with self._changed:
            self.dropped += self._held is not None
            self._held = thing
            self._changed.notify()

    def take(self) -> T | None:
        """The newest thing that nobody took; waits for one. None when there will be no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._held is not None or self._closed)
            thing, self._held = self._held, None
            return thing

    def close(self) -> None:
        """Nothing more will come; what is there can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
