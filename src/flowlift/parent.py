"""For a process that works for another: what that one says, and that it is gone."""

import os
import sys
import threading
from queue import SimpleQueue


def lines_from_parent() -> SimpleQueue[str]:
    """The lines that are written to our standard input, as they come. When its other end is closed, as any end of the
    process that holds it does, this one ends at once, whatever it is doing."""
    lines: SimpleQueue[str] = SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            lines.put(line)
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()
    return lines
