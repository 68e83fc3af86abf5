"""The one place that turns what went wrong into a line on stderr and an exit status."""

import os
import sys
import warnings
from collections.abc import Callable
from typing import TextIO

from cyclopts import CycloptsError

from flowlift.errors import FlowliftError

BAD_INPUT = 2
INTERRUPTED = 130


def complain(kind: str, message: object) -> None:
    """Write one line to stderr: `flowlift: kind: message`, whatever line breaks the message holds."""
    print(f"flowlift: {kind}: {' '.join(str(message).split())}", file=sys.stderr)


def guarded(command: Callable[[], object]) -> int:
    """Run a command; its exit status: what it returned (an int), 0, 2 for bad input, 130 after Ctrl-C."""
    try:
        with warnings.catch_warnings():
            _show_own_warnings()
            result = command()
            sys.stdout.flush()
            return result if isinstance(result, int) else 0
    except CycloptsError as error:
        complain("error", f"{error} (flowlift --help shows what there is)")
    except FlowliftError as error:
        complain("error", error)
    except BrokenPipeError:  # the reader of our output went away (`flowlift ... | head`): nothing to say to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        complain("error", describe(error))
    except MemoryError:
        complain("error", "out of memory; try fewer --hypotheses, or a part of the clip with --start and --end")
    except KeyboardInterrupt as stop:
        complain("interrupted", str(stop) or "nothing was finished, nothing was written")
        return INTERRUPTED
    return BAD_INPUT


def describe(error: OSError) -> str:
    """What the system said, with the path first where one is known."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


def _show_own_warnings() -> None:
    """Our warnings become lines on stderr, each once; those of the libraries below are not the user's to act on."""
    warnings.simplefilter("ignore")
    warnings.filterwarnings("always", category=UserWarning, module=r"flowlift")
    told: set[str] = set()  # an overlay reads the video again that was lifted

    def tell(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if str(message) not in told:
            told.add(str(message))
            complain("warning", message)

    warnings.showwarning = tell
