"""The studio as its users meet it: the real command, a real browser, from drop to download."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

import flowlift
from flowlift.demo import synthesize

expect = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'flowlift[dev]'").expect
expect.set_options(timeout=60_000)  # a busy machine passes, too

pytestmark = pytest.mark.slow


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "flowlift", "studio", "--port", "0", "--no-open", "--folder", tmp_path / "jobs"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        yield server.stdout.readline().strip()
        server.terminate()


@pytest.fixture
def page(chromium: object, address: str) -> Iterator[object]:
    page = chromium.new_page(viewport={"width": 1400, "height": 900})
    page.troubles = []
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("console", lambda said: page.troubles.append(said.text) if said.type == "error" else None)
    page.goto(address)
    page.wait_for_selector("html[data-state=ready]", state="attached")
    yield page
    page.close()


def test_from_drop_to_download(page: object, tmp_path: Path) -> None:
    walk = flowlift.save(synthesize(seconds=40.0).keypoints, tmp_path / "walk.npz")
    page.fill("#field-height", "1.73")
    page.set_input_files("#file", [str(walk)])
    expect(page.locator("#job-state")).to_contain_text("of 1200 frames")

    page.reload()  # in the middle of the work: the job goes on, and is still the chosen one
    page.wait_for_selector("html[data-state=ready]", state="attached")
    assert page.inner_text("#job-name") == "walk.npz"
    page.wait_for_selector("#viewer:not([hidden])", timeout=120_000)
    viewer = page.frame_locator("#viewer")
    viewer.locator("html[data-state=ready]").wait_for(state="attached")
    assert "of 1200" in viewer.locator("#clock").inner_text()
    viewer.locator("#play").press("End")
    assert "frame 1200 of 1200" in viewer.locator("#clock").inner_text()

    page.select_option("#format", ".npz")
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "got.npz")
    assert download.value.suggested_filename == "walk.npz"
    got = flowlift.load(tmp_path / "got.npz")
    assert got.provenance["height_m"] == 1.73
    assert len(got) == 1200
    assert page.troubles == []


def test_a_video_is_shown_behind_its_2d(page: object, shared_data: Path) -> None:
    pytest.importorskip("mediapipe", reason="needs mediapipe: pip install 'flowlift[mediapipe]'")
    page.locator("summary").click()
    page.fill("#field-start", "0.2")
    page.fill("#field-end", "0.6")
    page.set_input_files("#file", [str(shared_data / "eval" / "pose2sim" / "videos" / "cam04.mp4")])
    page.wait_for_selector("#viewer:not([hidden])", timeout=120_000)
    viewer = page.frame_locator("#viewer")
    viewer.locator("html[data-film=ready]").wait_for(state="attached")
    expect(viewer.locator("#film")).to_be_visible()
    viewer.locator("#slider").press("End")
    expect(viewer.locator("#clock")).to_contain_text("frame 24 of 24")
    page.select_option("#format", ".mp4")
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "cam04.mp4"
    with av.open(download.value.path()) as file:
        assert sum(1 for _ in file.decode(video=0)) == 24


def test_a_video_without_anybody(page: object, tmp_path: Path) -> None:
    pytest.importorskip("mediapipe", reason="needs mediapipe: pip install 'flowlift[mediapipe]'")
    video = tmp_path / "empty.avi"
    with av.open(str(video), "w") as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(5):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((240, 320, 3), 128, np.uint8), format="rgb24")))
        file.mux(stream.encode())
    page.set_input_files("#file", [str(video)])
    page.wait_for_selector("#message:not([hidden])", timeout=120_000)
    assert page.inner_text("#message").startswith("empty.avi: nobody to lift")


def test_queue_cancel_and_delete(page: object, tmp_path: Path) -> None:
    walk = flowlift.save(synthesize(seconds=300.0).keypoints, tmp_path / "long.npz")
    page.set_input_files("#file", [str(walk), str(walk)])
    expect(page.locator("#jobs li")).to_have_count(2)
    expect(page.locator("#jobs .state").first).to_have_text("waiting")
    for _ in range(2):
        page.locator("#jobs li button", has_text=re.compile("waiting|lifting|starting")).first.click()
        page.click("#cancel")
        page.wait_for_selector("#cancel", state="hidden")
        assert page.inner_text("#job-state") == "cancelled"
    for left in (1, 0):
        page.locator("#jobs li button").first.focus()
        page.keyboard.press("Enter")
        page.locator("#delete").press("Enter")
        expect(page.locator("#jobs li")).to_have_count(left)
    assert page.is_visible("#empty")
    assert page.troubles == []


def test_refusals_are_shown(page: object, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("print()")
    page.set_input_files("#file", [str(tmp_path / "code.py")])
    page.wait_for_selector("#trouble:not([hidden])")
    assert page.inner_text("#trouble").startswith("code.py: not a kind of file that is lifted")
