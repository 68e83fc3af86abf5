"""How large the page of a long result is, and how soon a browser shows it. Writes docs/results/viewer.json.

Ten minutes of the clip that flowlift synthesises, at 30 frames a second, seen with the detector's noise and lifted by
the packaged model: as one person, and as three (other seeds of the noise).

    python benchmarks/viewer.py [--lifted FOLDER]

With a folder the lifted clips are kept there, and taken from there.
"""

import argparse
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pages import as_markdown, save_result
from playwright.sync_api import Browser, sync_playwright

import flowlift
from flowlift.bench.machine import describe_machine
from flowlift.containers import Poses3D
from flowlift.demo import synthesize
from flowlift.lifter import Lifter
from flowlift.view.html import write_html

SECONDS = 600.0
PLAYED = 5  # seconds
TIMED = """
window.costs = [];
const ask = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (draw) => ask((now) => {
  const start = performance.now();
  draw(now);
  window.costs.push(performance.now() - start);
});
"""


def lifted(people: int, folder: Path) -> Poses3D:
    path = folder / f"{people}.npz"
    if not path.is_file():
        flowlift.save(_lift(people), path)
    poses = flowlift.load(path)
    assert isinstance(poses, Poses3D)
    return poses


def _lift(people: int) -> Poses3D:
    clips = [synthesize(seed=seed, seconds=SECONDS) for seed in range(people)]
    keypoints = replace(
        clips[0].keypoints,
        xy=np.concatenate([clip.keypoints.xy for clip in clips], axis=1),
        score=np.concatenate([clip.keypoints.score for clip in clips], axis=1),
    )
    return Lifter.load("human")(keypoints, camera=clips[0].camera, keep_hypotheses=True)


def measured(poses: Poses3D, path: Path, browser: Browser) -> list[str]:
    """MB; seconds to write, to open, to show the hypotheses; milliseconds of script for a frame while it plays."""
    start = time.perf_counter()
    write_html(poses, path)
    written = time.perf_counter() - start
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.add_init_script(TIMED)
    start = time.perf_counter()
    page.goto(f"{path.as_uri()}#frame=1")
    page.wait_for_selector("html[data-state=ready]", state="attached")
    opened = time.perf_counter() - start
    shown = "-"
    if poses.hypotheses is not None:
        start = time.perf_counter()
        page.keyboard.press("h")
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        shown = f"{time.perf_counter() - start:.1f}"
    page.keyboard.press(" ")
    page.wait_for_timeout(1000 * PLAYED)
    costs = [cost for cost in page.evaluate("window.costs") if cost > 0.5]  # the clock's ticks take less
    drawn = np.percentile(costs, 10)  # hardly disturbed by what else the machine does
    page.close()
    return [f"{path.stat().st_size / 1e6:.1f}", f"{written:.1f}", f"{opened:.1f}", shown, f"{drawn:.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lifted", type=Path)
    given: Path | None = parser.parse_args().lifted
    program = shutil.which("chromium") or shutil.which("google-chrome")
    rows = []
    with TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for people in (1, 3):
            poses = lifted(people, given or Path(folder))
            for name, shown in (("none", replace(poses, hypotheses=None)), ("20", poses)):
                rows.append([people, name, *measured(shown, Path(folder) / "page.html", browser)])
        version = browser.version
        browser.close()
    machine = describe_machine()
    columns = [
        "people",
        "hypotheses",
        "page, MB",
        "written in s",
        "opened in s",
        "hypotheses shown in s",
        "a frame drawn in ms",
    ]
    notes = [
        f"{round(30 * SECONDS)} frames. Measured by `benchmarks/viewer.py` in headless Chromium {version}, which draws "
        f"on the CPU here: {machine['cpu']}, with a load of {os.getloadavg()[0]:.0f} by other work. With three people "
        f"a page holds 6 of the 20 hypotheses of each."
    ]
    result = {"columns": columns, "rows": rows, "notes": notes, "machine": machine}
    save_result("viewer", result)
    print(as_markdown(result))


if __name__ == "__main__":
    main()
