"""A live session: one thread takes frames in, one lifts the newest, and what it says goes to the server's loop."""

import time
from collections.abc import Callable
from threading import Event, Thread

from flowlift.io.video import VideoSource
from flowlift.lifting.stream import Streamed
from flowlift.live import message
from flowlift.live.lifting import LiveLifter
from flowlift.live.newest import Newest
from flowlift.live.report import Report, Tally
from flowlift.live.scenery import Surroundings
from flowlift.live.source import Caught, frames_as_they_come

_PATIENCE = 3.0
"""Seconds that a session waits for a camera or a detector when it ends; then it goes on without."""

Say = Callable[[str, Callable[[], None]], None]
"""Hands a message to whoever listens; calls back when that is done."""


class Session:
    """Runs from `start` until the source ends, something fails, or `stop`."""

    def __init__(self, source: VideoSource, lift: LiveLifter, keep: Callable[[Streamed], None] | None = None) -> None:
        self.nothing = lift.nobody().poses
        self.trouble: Exception | None = None
        self._source, self._lift, self._keep = source, lift, keep
        self._slot: Newest[Caught] = Newest()
        self._stopping, self._tally = Event(), Tally()
        self._scene = Surroundings(self.nothing)
        self._threads: list[Thread] = []
        self._until: float | None = None
        self._began = time.time() - time.monotonic()  # what turns our clock into the wall's

    @property
    def hello(self) -> str:
        """What every listener is told first."""
        return message.hello(self.nothing, self._scene.scene, source=self._source.name, fps=self._source.fps)

    def start(self, say: Say, ended: Callable[[str], None]) -> None:
        """Begin; `say` gets each frame's message, `ended` the last one. Both are called from the session's threads."""
        self._threads = [
            Thread(target=self._take_in, name="camera", daemon=True),
            Thread(target=self._work, args=(say, ended), name="lifting", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End now, and wait until that is done, or for some seconds."""
        self._stopping.set()
        self._slot.close()
        self._until = self._until or time.monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, self._until - time.monotonic()))

    @property
    def stuck(self) -> bool:
        """Whether something in a driver or a detector goes on all the same."""
        return any(thread.is_alive() for thread in self._threads)

    def report(self) -> Report:
        """How it went until now."""
        return self._tally.report(self._slot.dropped)

    def _take_in(self) -> None:
        try:
            for caught in frames_as_they_come(self._source, self._stopping):
                self._slot.put(caught)
        except Exception as error:  # told when the session has ended, by who runs it
            self.trouble = self.trouble or error
        finally:
            self._slot.close()

    def _work(self, say: Say, ended: Callable[[str], None]) -> None:
        try:
            while (caught := self._slot.take()) is not None and not self._stopping.is_set():
                self._lift_one(caught, say)
        except Exception as error:
            self.trouble = self.trouble or error
        finally:
            self._stopping.set()
            ended(message.end(self.report()))

    def _lift_one(self, caught: Caught, say: Say) -> None:
        seen = self._lift(caught.frame)
        self._tally.count()  # here: the last message may be made before the loop has handed this one over
        about = message.About(caught.frame.index, self._began + caught.at, self._slot.dropped)
        say(message.frame(seen, self._scene.scene, about), lambda: self._tally.note(time.monotonic() - caught.at))
        self._scene.see(seen.poses)
        if self._keep is not None and not self._stopping.is_set():
            self._keep(seen)
