"""How late live poses are: `flowlift lift --live` on videos at their own speed. Writes docs/results/live.json.

    python benchmarks/live.py VIDEO... [--browser] [--seconds 15]

`flowlift.demo_video` makes a video of the clip that flowlift synthesises. Latency runs from when a frame comes in until
its poses are handed to the listeners; with --browser also until a page has drawn them, in a headless Chromium on the
same cores.
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from pages import as_markdown, save_result
from playwright.sync_api import Page, sync_playwright
from websockets.sync.client import connect

from flowlift.bench.machine import describe_machine
from flowlift.live.message import VERSION

NOTED = """
window.ages = [];
document.addEventListener('DOMContentLoaded', () => new MutationObserver(
  () => window.ages.push(Number(document.documentElement.dataset.age))
).observe(document.documentElement, { attributeFilter: ['data-age'] }));
"""


def measure(video: Path, seconds: float, page: Page | None = None) -> dict[str, Any]:
    """One session: its own report, the source's size and rate, and what a page notes that draws it."""
    line = [sys.executable, "-m", "flowlift", "lift", video, "--live", "--port", "0", "--end", str(seconds)]
    with subprocess.Popen(list(map(str, line)), stdout=subprocess.PIPE, text=True) as live:
        assert live.stdout is not None
        address, ages = live.stdout.readline().strip(), []
        with connect(f"{address.replace('http', 'ws', 1)}poses") as stream:
            if page is not None:
                page.goto(address)
            *_, last = stream
        report = json.loads(last)
        assert report["version"] == VERSION
        if page is not None:
            page.wait_for_selector("html[data-state=ended]", state="attached")
            ages = page.evaluate("window.ages")
        live.wait()
    with av.open(str(video)) as file:
        stream = file.streams.video[0]
        size, rate = (stream.width, stream.height), float(stream.average_rate or 0)
    half, most = np.percentile(ages, [50, 95]) if ages else (None, None)
    return {
        "what": video.stem,
        "image_size": size,
        "fps": rate,
        **{name: value for name, value in report.items() if name not in ("type", "version")},
        "drawn": len(ages),
        "drawn_ms_p50": half,
        "drawn_ms_p95": most,
    }


@contextmanager
def _page() -> Iterator[Page]:
    """A page of a headless Chromium."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1200, "height": 700})
        page.add_init_script(NOTED)
        yield page
        chromium.close()


def table(measured: Sequence[dict[str, Any]], machine: dict[str, Any]) -> dict[str, Any]:
    """What the page shows; of pages that drew only where one did."""
    figures = {"sent, median ms": "latency_ms_p50", "sent, 95 % ms": "latency_ms_p95"}
    if any(each["drawn"] for each in measured):
        figures |= {"drawn, median ms": "drawn_ms_p50", "drawn, 95 % ms": "drawn_ms_p95"}
    rows = []
    for each in measured:
        width, height = each["image_size"]
        values = [each[name] for name in figures.values()]
        numbers = ["-" if value is None else f"{value:.0f}" for value in values]
        rows.append([each["what"], f"{width} x {height}, {each['fps']:.0f}", each["frames"], each["dropped"], *numbers])
    cores = f"{machine['cores']} {'core' if machine['cores'] == 1 else 'cores'} of {machine['cpu']}"
    drew = " and, where it was drawn, drew the page" if len(figures) > 2 else ""
    note = (
        f"MediaPipe, human-fast, 20 hypotheses, causal smoothing. Measured by `benchmarks/live.py` on {cores}, which "
        f"also decoded the video{drew}."
    )
    return {"columns": ["video", "px, frames/s", "frames", "dropped", *figures], "rows": rows, "notes": [note]}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, nargs="+", help="videos of people")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each video")
    parser.add_argument("--browser", action="store_true", help="measure once more, with a page that draws")
    options = parser.parse_args(arguments)
    measured = [measure(video, options.seconds) for video in options.videos]
    if options.browser:
        with _page() as page:
            measured += [measure(video, options.seconds, page) for video in options.videos]
    machine = describe_machine()
    result = {**table(measured, machine), "measured": measured, "machine": machine}
    save_result("live", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main()
