"""The page in a real browser: it connects by itself, and a figure moves."""

import re

import pytest

from .conftest import Serve

expect = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'flowlift[dev]'").expect

INK = """(id) => {
  const canvas = document.getElementById(id);
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let [x, y, count] = [0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    // What is coloured, as limbs are and the grid is not.
    const colour = [...data.slice(i, i + 3)];
    if (data[i + 3] < 128 || Math.max(...colour) - Math.min(...colour) < 60) continue;
    [x, y, count] = [x + (i / 4) % canvas.width, y + Math.floor(i / 4 / canvas.width), count + 1];
  }
  return [x / count, y / count, count];
}"""


@pytest.mark.slow
def test_a_figure_moves_and_the_end_is_told(chromium: object, serve: Serve) -> None:
    page = chromium.new_page(viewport={"width": 1100, "height": 700})
    page.goto("about:blank")  # a cold browser takes longer than the film
    with serve(delay=0.01, end=5.0) as live:
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
        page.goto(f"http://127.0.0.1:{live.port}/")
        expect(page.locator("#clock")).to_contain_text(re.compile(r"frame \d\d+ "), timeout=20_000)
        places = []
        for _ in range(3):
            places.append(page.evaluate(INK, "image"))
            page.wait_for_timeout(300)
        assert min(count for _, _, count in places) > 300, "there is a figure"
        assert len({round(x) for x, _, _ in places}) == 3, "it walks through the image"
        assert page.evaluate(INK, "scene")[2] > 300
        assert page.inner_text("#title") == "film · human-fast"
        assert "after it came in" in page.inner_text("#clock")
        page.click("[data-view=side]")
        page.click("[data-toggle=uncertainty]")
        expect(page.locator("#state")).to_have_text("The stream has ended.", timeout=20_000)
        page.close()
    assert troubles == []


@pytest.mark.slow
def test_a_page_waits_for_a_server_that_went_away(chromium: object, serve: Serve) -> None:
    page = chromium.new_page()
    page.goto("about:blank")
    with serve() as live:
        page.goto(f"http://127.0.0.1:{live.port}/")
        expect(page.locator("#state")).to_have_text("live")
    expect(page.locator("#state")).to_have_text("No connection; trying again.")
    page.close()
