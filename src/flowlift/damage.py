"""What reading a damaged file can raise, and how it is said in one line."""

import csv
import lzma
import struct
import tarfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from flowlift.errors import FlowliftError, InputError

DAMAGE: tuple[type[Exception], ...] = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError, SyntaxError),
    *(
        StopIteration,
        TypeError,
        ValueError,
        csv.Error,
        lzma.LZMAError,
        struct.error,
        tarfile.TarError,
        tokenize.TokenError,
    ),
    *(zipfile.BadZipFile, zlib.error),
)
"""What content that no reader foresaw can raise, by the libraries that read it: not mistakes of the program's own
(NameError, ImportError, AssertionError)."""
_LONGEST = 200


def in_one_line(error: BaseException) -> str:
    """What an error says, without line breaks and not endlessly; what the system says of an OSError."""
    said = str(getattr(error, "strerror", None) or error)
    if isinstance(error, KeyError):
        said = f"{said} is missing"
    ended = "it ends too early" if isinstance(error, EOFError | StopIteration) else type(error).__name__
    return " ".join(said.split())[:_LONGEST] or ended


@contextmanager
def refused_if_damaged(what: str, error: type[FlowliftError] = InputError) -> Iterator[None]:
    """Turn whatever damage raises into one line: `what`, such as "clip.bvh: cannot read it as BVH", and why."""
    try:
        yield
    except FlowliftError:
        raise
    except DAMAGE as reason:
        raise error(f"{what}: {in_one_line(reason)}") from reason
