"""Opening a page in the user's browser."""

import os
import sys
from pathlib import Path


def open_page(page: Path | str) -> None:
    """Open a file or an address where there is a desktop; elsewhere a browser would take over the terminal."""
    import webbrowser

    if sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(page if isinstance(page, str) else page.resolve().as_uri())
