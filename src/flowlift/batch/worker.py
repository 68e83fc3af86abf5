"""A process that lifts one clip after another, with a model that it loads once: `python -m flowlift.batch.worker`.

On standard input it gets its settings, then jobs; it answers on standard output: JSON lines. It ends itself, whatever
it is doing, when nobody is left to write to it.
"""

import json
import os
import queue
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flowlift.batch.lines import job_of, words_of_answer
from flowlift.batch.work import ClipLifter
from flowlift.quiet import own_channel


def main() -> None:
    """Work until the other side is gone."""
    channel, lines = own_channel(), _lines()
    lift_clip = ClipLifter(settings_of(next(lines)["settings"]))
    for words in lines:
        answer = lift_clip(job_of(words), Path(words["scratch"]))
        print(json.dumps(words_of_answer(answer)), file=channel, flush=True)


def settings_of(words: dict[str, Any]) -> dict[str, Any]:
    """Settings for `flowlift.lift` from JSON, which has no tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in words.items()}


def _lines() -> Iterator[dict[str, Any]]:
    """What is written to us. A thread waits for it, and so notices at any time that nothing more will come."""
    said: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            said.put(line)
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        yield json.loads(said.get())


if __name__ == "__main__":
    main()
