"""Ways to damage a file: bits, chunks, numbers and structure; zip archives also from within, with sums that fit."""

import io
import json
import re
import struct
import warnings
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Random = np.random.Generator

NUMBERS = (
    *("nan", "inf", "-inf", "0", "-1", "1e308", "-1e308", "1e-400", "99999999999999999999", "2147483648", "1e5"),
    *("", "x", "0x10", "1_0", "NULL", "true"),
)
"""What stands in the place of a number in a text."""
WORDS = tuple(
    struct.pack(code, value)
    for code, value in (
        *(("<f", value) for value in (float("nan"), float("inf"), 3e38, -1.0)),
        *(("<d", value) for value in (float("nan"), float("inf"), 1e308, -1.0)),
        *(("<I", value) for value in (0, 1, 2**31 - 1, 2**31, 2**32 - 1)),
        *(("<Q", value) for value in (0, 2**40, 2**63 - 1, 2**64 - 1)),
        *((">I", value) for value in (1, 2**31 - 1, 2**32 - 1)),
        *(("<H", value) for value in (0, 1, 2**15, 2**16 - 1)),
    )
)
"""What stands in the place of a binary number: NaN, infinity, and the ends of each type."""
JUNK: tuple[Any, ...] = (
    *(None, True, 0, -1, 10**30, 1e300, float("nan"), float("inf"), 0.5),
    *("", "x", "../../x", "\0", "\n", [], [[]], [None], [1, 2], {}, {"a": 1}, [[1e300]], "nan"),
)
"""What stands in the place of a part of some JSON."""
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_DEEP = 100_000


def damaged(content: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """A file's content with something wrong in it. `others`: files of the same kind, to splice it with."""
    ways: list[Callable[[bytes, Random], bytes]] = [_bits, _bytes, _cut, _without_chunk, _chunk_twice, _junk, _word]
    ways.append(lambda given, r: _spliced(given, others[r.integers(len(others))], r))
    if content[:4] == b"PK\3\4":
        ways += [_inside_zip] * 6
    elif _is_text(content):
        ways += [_number] * 4 + [_lines] * 3
        if content.lstrip()[:1] in (b"{", b"["):
            ways += [_json_part] * 8
    else:
        ways += [_word] * 3
    for _ in range(int(random.choice([1, 1, 1, 2, 3]))):
        content = ways[random.integers(len(ways))](content, random)
    return content


def _bits(content: bytes, random: Random) -> bytes:
    made = bytearray(content)
    for _ in range(int(random.integers(1, 9)) if made else 0):
        made[random.integers(len(made))] ^= 1 << int(random.integers(8))
    return bytes(made)


def _bytes(content: bytes, random: Random) -> bytes:
    made = bytearray(content)
    for _ in range(int(random.choice([1, 2, 8, 64])) if made else 0):
        made[random.integers(len(made))] = int(random.choice([0, 1, 0x7F, 0x80, 0xFF, random.integers(256)]))
    return bytes(made)


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.integers(len(content) + 1)]


def _without_chunk(content: bytes, random: Random) -> bytes:
    first, last = _stretch(content, random)
    return content[:first] + content[last:]


def _chunk_twice(content: bytes, random: Random) -> bytes:
    first, last = _stretch(content, random)
    return content[:last] + content[first:last] * int(random.choice([1, 1, 3])) + content[last:]


def _junk(content: bytes, random: Random) -> bytes:
    at = int(random.integers(len(content) + 1))
    return content[:at] + random.bytes(int(random.choice([1, 4, 100]))) + content[at:]


def _word(content: bytes, random: Random) -> bytes:
    """A binary number replaced; where numbers stand in rows, mostly at a multiple of their size."""
    made, word = bytearray(content), WORDS[random.integers(len(WORDS))]
    if len(made) < len(word):
        return content
    early = len(made) if random.random() < 0.5 else min(len(made), 512)  # headers
    at = int(random.integers(max(1, early - len(word) + 1)))
    at -= at % len(word) if random.random() < 0.7 else 0
    made[at : at + len(word)] = word
    return bytes(made)


def _spliced(content: bytes, other: bytes, random: Random) -> bytes:
    at = int(random.integers(len(content) + 1))
    return content[:at] + other[min(at, int(random.integers(len(other) + 1))) :]


def _number(content: bytes, random: Random) -> bytes:
    """A number in a text replaced, or all of one line."""
    found = list(_NUMBER.finditer(content[: 1 << 20]))
    if not found:
        return content
    for place in sorted(random.choice(len(found), size=min(len(found), int(random.choice([1, 1, 5])))), reverse=True):
        number = NUMBERS[random.integers(len(NUMBERS))].encode()
        content = content[: found[place].start()] + number + content[found[place].end() :]
    return content


def _lines(content: bytes, random: Random) -> bytes:
    """Lines left out, doubled, exchanged, or one of them long or without an end."""
    lines = content.split(b"\n")
    one, other = (int(place) for place in random.integers(len(lines), size=2))
    way = int(random.integers(5))
    if way == 0:
        del lines[one]
    elif way == 1:
        lines.insert(one, lines[other])
    elif way == 2:
        lines[one], lines[other] = lines[other], lines[one]
    elif way == 3:
        lines[one] = lines[one] * 50
    else:
        lines[one] = lines[one][: len(lines[one]) // 2]
    return b"\n".join(lines)


def _json_part(content: bytes, random: Random) -> bytes:
    """A part of some JSON replaced, left out, given twice, or nested without end."""
    try:
        held = json.loads(content)
    except (ValueError, RecursionError):
        return content
    if random.random() < 0.03:
        return b"[" * _DEEP + content + b"]" * _DEEP
    inside, key = None, None
    part = held
    while isinstance(part, dict | list) and part and (inside is None or random.random() < 0.85):
        keys = list(part) if isinstance(part, dict) else range(len(part))
        inside, key = part, keys[random.integers(len(keys))]
        part = inside[key]
    if inside is None:
        return json.dumps(JUNK[random.integers(len(JUNK))]).encode()
    way = random.random()
    if way < 0.2:
        del inside[key]
    elif way < 0.3 and isinstance(inside, list):
        inside.insert(key, part)
    else:
        inside[key] = JUNK[random.integers(len(JUNK))]
    return json.dumps(held).encode()


def _inside_zip(content: bytes, random: Random) -> bytes:
    """A member of an archive damaged, renamed, left out or given twice; its check sums fit."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    except Exception:  # it is damaged already
        return _bits(content, random)
    if not members:
        return content
    place = int(random.integers(len(members)))
    name, data = members[place]
    way = random.random()
    if way < 0.08:
        del members[place]
    elif way < 0.12:
        members.append((name, data))
    elif way < 0.16:
        members[place] = (str(random.choice(["../x.npy", "/x.npy", "x" * 300, "a\0b", name.upper()])), data)
    elif data[:6] == b"\x93NUMPY" and way < 0.5:
        members[place] = (name, _array_header(data, random))
    else:
        members[place] = (name, damaged(data, [data], random))
    made = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of names that stand there twice
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return made.getvalue()


def _array_header(data: bytes, random: Random) -> bytes:
    """An array with another shape, type or order than its content has."""
    size = int.from_bytes(data[8:10], "little")
    text = data[10 : 10 + size].decode("latin1")
    shape = str(random.choice(["()", "(0,)", "(1000000000000,)", "(-1,)", "(3, 17, 2)", "(1, 1000000, 1000000)", "x"]))
    kind = str(random.choice(["<f4", "<f8", "<i8", "|O", "<U9", "|b1", "<c16", "<M8[s]", "|V8", "|S1"]))
    if random.random() < 0.5:
        text = re.sub(r"'shape': \([^)]*\)", f"'shape': {shape}", text)
    else:
        text = re.sub(r"'descr': '[^']*'", f"'descr': '{kind}'", text)
    header = text.strip().encode("latin1") + b" " * 64
    return data[:8] + len(header).to_bytes(2, "little") + header + data[10 + size :]


def _stretch(content: bytes, random: Random) -> tuple[int, int]:
    first = int(random.integers(len(content) + 1))
    longest = int(random.choice([4, 64, 1024, max(1, len(content) // 2)]))
    return first, min(len(content), first + 1 + int(random.integers(longest)))


def _is_text(content: bytes) -> bool:
    return b"\0" not in content[:2000] and sum(byte > 126 for byte in content[:2000]) < 20
