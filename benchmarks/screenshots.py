"""The pictures in the documentation: viewer, studio, live and overlay, of the clip that flowlift synthesises.

    python benchmarks/screenshots.py [docs/pictures]

Needs a Chromium, playwright and a 2D detector: pip install 'flowlift[all,dev]'.
"""

import argparse
import io
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from flowlift.containers import Poses3D
from flowlift.demo import synthesize
from flowlift.demo_video import pictures, write_demo_video
from flowlift.lifter import Lifter
from flowlift.view.film import film_beside
from flowlift.view.html import write_html
from flowlift.view.overlay import draw_overlay

FRAME = 64  # an arm is hidden from the detector here
SIZE = {"width": 1280, "height": 860}


def viewer(browser: Browser, poses: Poses3D, video: Path, folder: Path) -> bytes:
    write_html(poses, folder / "walk.html", title="walk.mp4", film=film_beside(video, folder / "walk.html"))
    page = browser.new_page(viewport=SIZE, reduced_motion="reduce")
    page.goto((folder / "walk.html").as_uri() + f"#frame={FRAME + 1}")
    page.wait_for_selector("html[data-film=ready]", state="attached")
    page.click("#info-button")
    page.click("[data-toggle=hypotheses]")
    page.mouse.move(900, 300)
    page.mouse.down()
    page.mouse.move(860, 310)
    page.mouse.up()
    page.wait_for_timeout(1500)
    return page.screenshot()


def studio(browser: Browser, video: Path, folder: Path) -> bytes:
    command = [sys.executable, "-m", "flowlift", "studio", "--port", "0", "--no-open", "--folder", folder / "jobs"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            page = browser.new_page(viewport=SIZE, reduced_motion="reduce")
            page.goto(server.stdout.readline().strip())
            page.wait_for_selector("html[data-state=ready]", state="attached")
            page.fill("#field-height", "1.73")
            page.set_input_files("#file", [video])
            page.wait_for_selector("#viewer:not([hidden])", timeout=300_000)
            shown = page.frame_locator("#viewer")
            shown.locator("html[data-film=ready]").wait_for(state="attached")
            shown.locator("#slider").fill(str(FRAME))
            page.set_input_files("#file", [video])
            page.locator("#jobs li button", has_text="frames").wait_for(timeout=60_000)
            page.locator("#jobs li button").last.click()
            shown.locator("html[data-film=ready]").wait_for(state="attached")
            shown.locator("#slider").fill(str(FRAME))
            shown.locator("#slider").blur()
            page.wait_for_timeout(1500)
            return page.screenshot()
        finally:
            server.terminate()


def live(browser: Browser, video: Path) -> bytes:
    command = [
        sys.executable,
        "-m",
        "flowlift",
        "lift",
        video,
        "--live",
        "--port",
        "0",
        "--no-open",
        "--height",
        "1.73",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            page = browser.new_page(viewport={"width": 1280, "height": 640})
            page.goto(server.stdout.readline().strip())
            page.wait_for_selector("html[data-drawn]", state="attached")
            page.wait_for_timeout(2000)
            return page.screenshot()
        finally:
            server.terminate()


def overlay(poses: Poses3D, image: Image.Image) -> Image.Image:
    return Image.fromarray(draw_overlay(np.asarray(image), poses, FRAME)).crop((160, 90, 1120, 700))


def save(picture: Image.Image, path: Path) -> None:
    picture.convert("RGB").save(path, optimize=True)
    print(f"{path} {path.stat().st_size / 1e3:.0f} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output", type=Path, nargs="?", default=Path(__file__).parents[1] / "docs" / "pictures")
    output: Path = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    clip = synthesize()
    poses = Lifter.load("human")(clip.keypoints, camera=clip.camera, height=1.73, keep_hypotheses=True)
    with TemporaryDirectory() as place, sync_playwright() as driver:
        folder = Path(place)
        write_demo_video(folder / "walk.mp4", clip)
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, picture in (
            ("viewer", viewer(browser, poses, folder / "walk.mp4", folder)),
            ("studio", studio(browser, folder / "walk.mp4", folder)),
            ("live", live(browser, folder / "walk.mp4")),
        ):
            save(Image.open(io.BytesIO(picture)), output / f"{name}.png")
        browser.close()
    image = next(image for frame, image in enumerate(pictures(clip)) if frame == FRAME)
    save(overlay(poses, image), output / "overlay.png")


if __name__ == "__main__":
    main()
