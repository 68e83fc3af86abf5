"""The page in a real browser, without a network: what keys and controls do."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flowlift.containers import Poses3D
from flowlift.view.html import write_html

pytestmark = pytest.mark.slow


@pytest.fixture
def two(walker: Poses3D) -> Poses3D:
    """Two people; the second is unsure in some frames."""

    def twice(array: np.ndarray) -> np.ndarray:
        return np.concatenate([array, array[::-1]], axis=1)

    keypoints = replace(walker.keypoints, xy=twice(walker.keypoints.xy), score=twice(walker.keypoints.score))
    cov = twice(walker.cov)
    cov[40:45, 1] *= 9
    return replace(
        walker,
        xyz=twice(walker.xyz),
        root=twice(walker.root),
        cov=cov,
        hypotheses=twice(walker.hypotheses),
        keypoints=keypoints,
    )


@pytest.fixture
def page(chromium: object, two: Poses3D, tmp_path: Path) -> Iterator[object]:
    context = chromium.new_context(viewport={"width": 1000, "height": 700}, offline=True, color_scheme="light")
    page = context.new_page()
    page.troubles, page.asked = [], []
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("console", lambda said: page.troubles.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: page.asked.append(request.url))
    address = write_html(two, tmp_path / "page.html").as_uri()
    page.goto(f"{address}#frame=1")
    page.wait_for_selector("html[data-state=ready]", state="attached")
    yield page
    assert page.troubles == []
    assert [url for url in page.asked if not url.startswith((address, "data:"))] == []
    context.close()


def frame(page: object) -> int:
    return int(page.locator("#slider").input_value())


def test_keys(page: object) -> None:
    for key, expected in (("ArrowRight", 1), ("Shift+ArrowRight", 31), ("ArrowLeft", 30), ("End", 59), ("Home", 0)):
        page.keyboard.press(key)
        assert frame(page) == expected
    for key, name in (("r", "reprojection"), ("u", "uncertainty"), ("h", "hypotheses"), ("f", "follow")):
        button = page.locator(f'[data-toggle="{name}"]')
        before = button.get_attribute("aria-pressed")
        page.keyboard.press(key)
        assert button.get_attribute("aria-pressed") != before
    assert page.locator("html").get_attribute("data-theme") == "light"
    page.keyboard.press("t")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    page.locator("#help").wait_for(state="hidden")
    page.wait_for_timeout(300)  # the browser gives the keys back to the page a moment after it has closed a dialog
    page.keyboard.press(" ")
    for _ in range(100):
        if frame(page) > 3:
            break
        page.wait_for_timeout(50)
    page.keyboard.press(" ")
    stopped = frame(page)
    assert 3 < stopped < 59
    page.wait_for_timeout(200)
    assert frame(page) == stopped


def test_every_control_can_be_reached_and_has_a_name(page: object) -> None:
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        now = page.evaluate(
            "(e => e && e !== document.body && [e.id || e.dataset.toggle || e.dataset.view || e.tagName,"
            " e.getAttribute('aria-label') || e.textContent.trim() || e.title])(document.activeElement)"
        )
        if now:
            reached.add(now[0])
            assert now[1], f"{now[0]} has no name"
    assert {"person", "help-button", "scene", "slider", "play", "speed", "weak", "hypotheses", "overview"} <= reached


def test_weak_places_of_who_is_looked_at(page: object) -> None:
    page.select_option("#person", "1")
    page.locator("#person").blur()
    page.keyboard.press("Home")
    found = []
    for _ in range(10):
        page.keyboard.press("n")
        found.append(frame(page))
    assert 40 in found
    page.keyboard.press("p")
    assert frame(page) <= found[-1]
    page.select_option("#person", "0")
    page.locator("#person").blur()
    page.keyboard.press("Home")
    for _ in range(10):
        page.keyboard.press("n")
        assert frame(page) != 40


def test_people_are_called_as_everywhere(page: object) -> None:
    """By their index, from 0: as in tables, names of files and `compare --person`."""
    assert page.locator("#person option").all_inner_texts() == ["everybody", "person 0", "person 1"]
    page.select_option("#person", "1")
    assert page.locator("#angle-values").inner_text().startswith("person 1:")


def test_orbit_moves_what_is_drawn(page: object) -> None:
    def drawn() -> bytes:
        page.wait_for_timeout(100)
        return page.locator("#scene").screenshot()

    before = drawn()
    page.locator('[data-view="side"]').click()
    side = drawn()
    assert side != before
    box = page.locator("#scene").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 100)
    page.mouse.up()
    dragged = drawn()
    assert dragged != side
    page.mouse.wheel(0, 300)
    assert drawn() != dragged
