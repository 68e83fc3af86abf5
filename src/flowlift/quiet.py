"""Silence for libraries that say what nobody asked: on the process's standard error and output, past Python's own."""

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO


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


def own_channel() -> TextIO:
    """The standard output, for us alone: from here on what others print there goes to the standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return channel


@contextmanager
def own_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Collect what flowlift warns of in this block; what the libraries below it warn of is discarded.

    For flowlift's own programs: what Python runs as one is called `__main__`, and a warning may be told of it.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning, module=r"flowlift|__main__$")
        yield caught
