"""Silence for libraries that log to the process's standard error from C++, past Python's `sys.stderr`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Discard what anything in this process writes to file descriptor 2 meanwhile, other threads included.

    So keep the block short. Does nothing where there is no descriptor 2 (a windowed program).
    """
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
