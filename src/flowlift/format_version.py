"""Files of our own say which format they are in: a name, a dash, and a number, which grows with what they hold."""

import re
from typing import Any

from flowlift.errors import InputError

_FORMAT = re.compile(r"(?P<name>[a-z-]+)-(?P<number>\d{1,6})")


def check_format(given: Any, expected: str) -> None:
    """Raises InputError for another format than the one that is expected, and says so where it is a newer version."""
    check_not_newer(given, expected)
    if given != expected:
        raise InputError(f"its format is {given!r}, this flowlift reads {expected!r}")


def check_not_newer(given: Any, expected: str) -> None:
    """Raises InputError for a later number of the same format."""
    told, known = (_FORMAT.fullmatch(str(each)) for each in (given, expected))
    if known and told and told["name"] == known["name"] and int(told["number"]) > int(known["number"]):
        raise InputError(
            f"its format is {given!r}, of a newer flowlift than this one, which reads up to {expected!r}; "
            "update it with: pip install --upgrade flowlift"
        )
