"""What a page says of itself: that flowlift wrote it, and which result it shows."""

import re
from dataclasses import dataclass
from pathlib import Path

from flowlift.containers import Poses3D
from flowlift.io.packing import content_sum

_OURS = b'<meta name="generator" content="flowlift">'
_RESULT = re.compile(rb'<meta name="flowlift-result" content="(\w+) ?(\.\w+)?">')
_HEAD = 2000  # bytes, among which these lines are


@dataclass(frozen=True)
class Mark:
    """`content`: the checksum of the result that is shown; None in pages of before there was one. `suffix`: of the file
    that the page was made of and lies beside, under the same name; None where it was made of no file."""

    content: str | None = None
    suffix: str | None = None

    def __str__(self) -> str:
        return " ".join(filter(None, [self.content, self.suffix]))


def mark_for(poses: Poses3D, suffix: str | None = None) -> Mark:
    """The mark of a page that shows these poses."""
    return Mark(content_sum(poses), suffix)


def mark_of(page: Path) -> Mark | None:
    """The mark of a page; None for what flowlift did not write, or what is not there."""
    if not page.is_file():
        return None
    with page.open("rb") as file:
        head = file.read(_HEAD)
    if _OURS not in head:
        return None
    found = _RESULT.search(head)
    if found is None:
        return Mark()
    content, suffix = found.groups()
    return Mark(content.decode(), suffix.decode() if suffix else None)
