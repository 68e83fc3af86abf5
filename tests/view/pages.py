"""Reading a page back, with none of the code that wrote it."""

import base64
import json
import zlib
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np


@dataclass
class Page(HTMLParser):
    """Elements of a page: the text of each script and of the title, every attribute of every element."""

    scripts: list[tuple[dict[str, str | None], str]] = field(default_factory=list)
    title: str = ""
    attributes: list[tuple[str, str, str | None]] = field(default_factory=list)
    _open: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        elif self._open == "title":
            self.title += data

    def script(self, name: str) -> str:
        return next(text for attributes, text in self.scripts if attributes.get("id") == name)

    @property
    def header(self) -> dict:
        return json.loads(self.script("header"))

    def array(self, name: str) -> np.ndarray:
        """An array of the page's block, as numbers; NaN where missing."""
        entry = self.header["arrays"][name]
        block = zlib.decompress(base64.b64decode(self.script("data"), validate=True))
        kind = np.dtype(entry["type"]).newbyteorder("<")
        size, count = kind.itemsize, int(np.prod(entry["shape"]))
        planes = np.frombuffer(block, np.uint8, size * count, entry["offset"]).reshape(size, count)
        whole = np.ascontiguousarray(planes.T).view(f"<u{size}").reshape(-1, entry["shape"][0]).T
        summed = np.cumsum(whole, axis=0, dtype=whole.dtype)  # wraps around, as the differences did
        stored = np.ascontiguousarray(summed).view(kind).reshape(entry["shape"])
        missing = {"int16": -32768, "uint8": 255}.get(entry["type"])
        values = stored.astype(np.float64) * entry["scale"]
        return values if missing is None else np.where(stored == missing, np.nan, values)


def read_page(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page
