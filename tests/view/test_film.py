"""The video behind the page: in a real browser the picture that is shown belongs to the frame that is shown."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.view.film import film_beside, film_inside
from flowlift.view.filming import write_film
from flowlift.view.html import write_html

SIZE, FPS, BITS = (320, 180), 25, 8


def numbered_video(path: Path, frames: int, codec: str = "libx264", size: tuple[int, int] = SIZE) -> Path:
    """Each picture shows its own number: black and white bars, the lowest bit at the left."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=FPS, options={"crf": "18"} if codec == "libx264" else {})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = *size, "yuv420p", 4_000_000
        for number in range(frames):
            bits = (number >> np.arange(BITS)) & 1
            row = np.repeat(bits * 255, size[0] // BITS).astype(np.uint8)
            image = np.broadcast_to(row[None, :, None], (size[1], size[0], 3))
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        file.mux(stream.encode())
    return path


def number_shown(page: object) -> int:
    """The number that the video's picture shows, read from a screenshot near its lower edge."""
    image = np.asarray(Image.open(io.BytesIO(page.locator("#film").screenshot())).convert("L"))
    row = image[int(0.95 * len(image))]
    centres = ((np.arange(BITS) + 0.5) * len(row) / BITS).astype(int)
    return int(((row[centres] > 127) << np.arange(BITS)).sum())


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered_video(tmp_path_factory.mktemp("videos") / "a #1 50%: ü.mp4", 90)


@pytest.fixture
def lifted(walker: Poses3D) -> Poses3D:
    """Sixty frames that begin with the video's tenth."""
    keypoints = replace(walker.keypoints, xy=walker.keypoints.xy / 8, image_size=SIZE)
    return replace(walker, keypoints=keypoints, camera=None, times=(10 + np.arange(60)) / FPS, fps=float(FPS))


def opened(chromium: object, path: Path, wait: str) -> object:
    page = chromium.new_page(viewport={"width": 1000, "height": 700})
    page.goto(f"{path.as_uri()}#frame=1")
    page.wait_for_selector(f"html[data-state=ready]{wait}", state="attached")
    return page


SETTLED = "() => { const f = document.getElementById('film'); return !f.seeking && f.readyState >= 2; }"


@pytest.mark.slow
@pytest.mark.parametrize("inside", [False, True], ids=["beside the page", "inside the page"])
def test_picture_belongs_to_the_frame(
    chromium: object, video: Path, lifted: Poses3D, tmp_path: Path, inside: bool
) -> None:
    beside = Path(shutil.copy(video, tmp_path))
    path = tmp_path / "pages" / "page.html"
    write_html(lifted, path, film=film_inside(beside) if inside else film_beside(beside, path))
    if inside:
        beside.unlink()
    page = opened(chromium, path, "[data-film=ready]")

    def settled() -> tuple[int, int]:
        page.wait_for_function(SETTLED)
        page.wait_for_timeout(150)
        return number_shown(page), int(page.locator("#slider").input_value()) + 10

    for keys, frame in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("Shift+ArrowRight", 27), ("End", 59)):
        page.keyboard.press(keys)
        assert settled() == (10 + frame, 10 + frame)
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    page.wait_for_timeout(900)
    page.keyboard.press(" ")
    shown, frame = settled()
    assert shown == frame
    assert 15 < frame < 60, "it played at about its own speed"
    page.close()


@pytest.mark.slow
def test_page_without_its_video_says_so(chromium: object, video: Path, lifted: Poses3D, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_html(lifted, path, film=film_beside(video, path))
    path = Path(shutil.move(path, tmp_path.parent / "moved.html"))
    page = opened(chromium, path, "[data-film=failed]")
    assert f"{video.name} cannot be shown" in page.locator("#image-note").inner_text()
    page.keyboard.press("ArrowRight")
    assert "frame 2 of 60" in page.locator("#clock").inner_text()
    page.close()


def test_address_is_relative_and_quoted(video: Path, tmp_path: Path) -> None:
    film = film_beside(video, video.parent / "page.html")
    assert film.address == "./a%20%231%2050%25%3A%20%C3%BC.mp4"
    assert film_beside(video, video.parent / "deep" / "page.html").address == "./../" + film.address[2:]


def test_missing_and_huge_videos_are_refused(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for make in (film_inside, lambda path: film_beside(path, tmp_path / "page.html")):
        with pytest.raises(InputError, match="no such video"):
            make(tmp_path / "absent.mp4")
    monkeypatch.setattr("flowlift.view.film._LARGEST", 100)
    with pytest.raises(InputError, match="too much for one page"):
        film_inside(video)


@pytest.mark.slow
def test_any_video_becomes_one_that_is_shown(chromium: object, lifted: Poses3D, tmp_path: Path) -> None:
    """A stretch of an mpeg4 AVI: its pictures keep their places."""
    source = numbered_video(tmp_path / "old.avi", 90, codec="mpeg4")
    write_film(source, tmp_path / "film.mp4", lifted.frame_times)
    path = tmp_path / "page.html"
    write_html(lifted, path, film=film_beside(tmp_path / "film.mp4", path, start=float(lifted.frame_times[0])))
    page = opened(chromium, path, "[data-film=ready]")
    for keys, frame in (("Home", 0), ("Shift+ArrowRight", 25), ("ArrowRight", 26), ("End", 59)):
        page.keyboard.press(keys)
        page.wait_for_function(SETTLED)
        page.wait_for_timeout(150)
        assert number_shown(page) == 10 + frame
    page.close()


def test_film_is_of_a_size_for_a_screen(tmp_path: Path) -> None:
    source = numbered_video(tmp_path / "large.mp4", 3, size=(1600, 900))
    write_film(source, tmp_path / "film.mp4", np.arange(3) / FPS)
    with av.open(str(tmp_path / "film.mp4")) as file:
        assert (file.streams.video[0].width, file.streams.video[0].height) == (1280, 720)
        assert file.streams.video[0].codec_context.name == "h264"


def test_film_of_a_codecs_output_has_the_rate_that_was_given(tmp_path: Path) -> None:
    source = numbered_video(tmp_path / "raw.h264", 20)
    write_film(source, tmp_path / "film.mp4", np.arange(5, 10) / 50, fps=50)
    with av.open(str(tmp_path / "film.mp4")) as file:
        assert [frame.time for frame in file.decode(video=0)] == pytest.approx(np.arange(5) / 50, abs=1e-3)
