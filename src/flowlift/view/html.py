"""The viewer: one HTML file that shows a result anywhere, without a network and without a server."""

import base64
import html
import json
import re
import zlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.io.atomic import written_whole
from flowlift.view.film import Film
from flowlift.view.mark import mark_for
from flowlift.view.payload import payload_of
from flowlift.view.style import CENTRE, HEAT, LEFT, PEOPLE, RIGHT, Color

# One scope, in this order: what is named in an earlier file is used in a later one.
DRAWING = ("data.js", "paint.js", "timeline.js", "image.js", "orbit.js", "scene.js", "panel.js")
"""What draws one frame, and says what is drawn."""
_VIEWER = ("film.js", "strip.js", "angles.js", "keys.js", "main.js")


def write_html(
    poses: Poses3D,
    path: str | Path,
    *,
    title: str = "flowlift",
    film: Film | None = None,
    suffix: str | None = None,
) -> Path:
    """Write one page that shows `poses`, and the video behind them where there is one; gives its path.

    `suffix`: of the file beside the page that they are from, if they are. Raises InputError for poses without a frame,
    OutputError when the page cannot be written.
    """
    text = page(poses, title=title, film=film, suffix=suffix)
    with written_whole(Path(path)) as beside:
        # Titles are names, which need not be text.
        beside.write_text(text, encoding="utf-8", errors="replace", newline="\n")
    return Path(path)


def page(poses: Poses3D, *, title: str = "flowlift", film: Film | None = None, suffix: str | None = None) -> str:
    """The page's text. Raises InputError for poses without a frame."""
    if not len(poses):
        raise InputError("there are no frames to show")
    payload = payload_of(poses, title)
    video = None
    if film is not None:
        video = {"name": film.name, "type": film.type, "address": film.address, "start": film.start}
    parts = {
        "title": html.escape(title),
        "mark": str(mark_for(poses, suffix)),
        "style": style(),
        "header": _json(payload.header | {"video": video}),
        "data": _base64(zlib.compress(payload.block)),
        "film": "" if film is None or film.data is None else _base64(film.data),
        "script": script(),
    }
    # One pass over the template: what is put in is never looked at again.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _resource("viewer.html"))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def script(names: Sequence[str] = (*DRAWING, *_VIEWER), more: str = "") -> str:
    """A page's program: files of `view/page` (the viewer's), and the page's own part, in one scope of their own."""
    return "(() => {\n'use strict';\n" + "\n".join([*map(_resource, names), more]) + "\n})();"


def style() -> str:
    """How the viewer's pages look."""
    return _colours() + _resource("viewer.css")


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
