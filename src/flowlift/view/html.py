"""The viewer: one HTML file that shows a result anywhere, without a network and without a server."""

import base64
import html
import json
import re
from importlib.resources import files
from pathlib import Path

from flowlift.containers import Poses3D
from flowlift.errors import InputError, OutputError
from flowlift.view.payload import payload_of
from flowlift.view.style import CENTRE, HEAT, LEFT, PEOPLE, RIGHT, Color

# One scope, in this order: what is named in an earlier file is used in a later one.
_SCRIPTS = ("data.js", "paint.js", "image.js", "orbit.js", "scene.js", "timeline.js", "main.js")


def write_html(poses: Poses3D, path: str | Path, *, title: str = "flowlift") -> Path:
    """Write one self-contained page that shows `poses`; gives its path.

    Raises InputError for poses without a frame, OutputError when the page cannot be written.
    """
    return _write(Path(path), page(poses, title=title))


def page(poses: Poses3D, *, title: str = "flowlift") -> str:
    """The page's text. Raises InputError for poses without a frame."""
    if not len(poses):
        raise InputError("there are no frames to show")
    payload = payload_of(poses, title)
    parts = {
        "title": html.escape(title),
        "style": _colours() + _resource("viewer.css"),
        "header": _json(payload.header),
        "data": base64.b64encode(payload.block).decode("ascii"),
        "script": script(),
    }
    # One pass over the template: what is put in is never looked at again.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _resource("viewer.html"))


def script() -> str:
    """The page's program: the files of `view/page` in one scope of their own."""
    return "(() => {\n'use strict';\n" + "\n".join(_resource(name) for name in _SCRIPTS) + "\n})();"


def _resource(name: str) -> str:
    return (files("flowlift.view") / "page" / name).read_text(encoding="utf-8")


def _json(value: object) -> str:
    """JSON that may stand inside a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _colours() -> str:
    named: dict[str, Color] = {"left": LEFT, "right": RIGHT, "centre": CENTRE}
    named |= {f"person-{i}": color for i, color in enumerate(PEOPLE)}
    named |= {f"heat-{i}": color for i, color in enumerate(HEAT)}
    return ":root {" + "".join(f"--{name}: rgb{color};" for name, color in named.items()) + "}\n"


def _write(path: Path, text: str) -> Path:
    """Write beside, then rename: never half a page."""
    beside = path.with_name(f".{path.name}.part")
    try:
        try:
            beside.write_text(text, encoding="utf-8", newline="\n")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot write the page: {error.strerror or error}") from error
    return path
