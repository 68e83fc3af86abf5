"""A process that lifts one clip after another, with a model that it loads once: `python -m flowlift.batch.worker`.

On standard input it gets its settings, then jobs; it answers on standard output: JSON lines. It ends itself, whatever
it is doing, when nobody is left to write to it.
"""

import json
from pathlib import Path
from typing import Any

from flowlift.batch.lines import job_of, words_of_answer
from flowlift.batch.work import ClipLifter
from flowlift.parent import lines_from_parent
from flowlift.quiet import own_channel


def main() -> None:
    """Work until the parent is gone."""
    channel, lines = own_channel(), lines_from_parent()
    lift_clip = ClipLifter(settings_of(json.loads(lines.get())["settings"]))
    while True:
        words = json.loads(lines.get())
        answer = lift_clip(job_of(words), Path(words["scratch"]))
        print(json.dumps(words_of_answer(answer)), file=channel, flush=True)


def settings_of(words: dict[str, Any]) -> dict[str, Any]:
    """Settings for `flowlift.lift` from JSON, which has no tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in words.items()}


if __name__ == "__main__":
    main()
