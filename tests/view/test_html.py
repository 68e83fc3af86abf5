import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowlift.angles import angles_of
from flowlift.containers import Poses3D
from flowlift.demo import synthesize
from flowlift.errors import InputError, OutputError
from flowlift.skeleton import Skeleton
from flowlift.view.html import page, script, write_html

from .pages import read_page

HOSTILE = "</script><script>alert('1')</script><!-- \"&amp;\" {{data}} \u2028"


def poses_like(
    frames: int, people: int, seed: int = 0, *, joints: tuple[str, ...] = ("hip", "left", "right")
) -> Poses3D:
    random = np.random.default_rng(seed)
    skeleton = Skeleton("three", joints, (None, *joints[:1] * (len(joints) - 1)), ((joints[1], joints[2]),))
    shape = (frames, people, len(joints))
    xyz = random.standard_normal((*shape, 3))
    xyz[random.random(shape) < 0.2] = np.nan
    factor = 0.1 * random.standard_normal((*shape, 3, 3))
    root = random.standard_normal((frames, people, 3)) + np.array([0, 0, 5])
    cov = factor @ np.swapaxes(factor, -1, -2)
    return Poses3D(*(array.astype(np.float32) for array in (xyz, root, cov)), skeleton, fps=25.0)


@settings(max_examples=20)
@given(st.integers(1, 5), st.integers(0, 3), st.integers(0, 2**32))
def test_coordinates_arrive(frames: int, people: int, seed: int) -> None:
    poses = poses_like(frames, people, seed)
    read = read_page(page(poses))
    step = read.header["scene"]["size"] / 2000
    np.testing.assert_allclose(read.array("xyz"), poses.xyz, atol=0.51 * step)
    np.testing.assert_array_equal(read.array("root"), poses.root)
    l11, l21, l22, l31, l32, l33 = np.moveaxis(read.array("factor"), -1, 0)
    zero = np.zeros_like(l11)
    factor = np.stack([np.stack(row, -1) for row in ((l11, zero, zero), (l21, l22, zero), (l31, l32, l33))], -2)
    spread, given = (np.sqrt(np.diagonal(cov, 0, -2, -1)) for cov in (factor @ np.swapaxes(factor, -1, -2), poses.cov))
    np.testing.assert_allclose(spread, given, atol=step)


def test_a_lens_that_does_not_reach_into_the_corners_has_them_where_a_pinhole_would(walker: Poses3D) -> None:
    lens = replace(walker.camera, distortion=np.array([-3.0]))
    width, height = lens.image_size
    assert np.isnan(lens.rays(np.zeros(2))).all()
    corners = read_page(page(replace(walker, camera=lens))).header["frustum"]
    expected = walker.camera.rays(np.array([[0, 0], [width, 0], [width, height], [0, height]]))
    np.testing.assert_allclose(np.array(corners)[:, :2], expected)


def test_everything_of_a_result_is_in_the_page(walker: Poses3D) -> None:
    read = read_page(page(walker, title="walk"))
    header = read.header
    assert (header["frames"], header["people"], header["fps"], header["title"]) == (60, 1, 30.0, "walk")
    assert header["skeleton"]["joints"] == list(walker.skeleton.joints)
    assert [bone[:2] for bone in header["skeleton"]["bones"]] == [list(bone) for bone in walker.skeleton.bones]
    assert header["image"] == [1280, 720]
    assert header["unit"] == "m"
    np.testing.assert_allclose(read.array("keypoints"), walker.keypoints.xy, atol=0.1)
    np.testing.assert_allclose(read.array("score"), walker.keypoints.score, atol=0.5 / 254 + 1e-6)
    offsets = walker.hypotheses - walker.xyz[:, :, None]
    np.testing.assert_allclose(read.array("hypotheses"), offsets, atol=1.2e-3)
    assert header["camera"]["matrix"] == walker.camera.matrix.tolist()
    deviation = np.sqrt(np.trace(walker.cov, axis1=-2, axis2=-1) / 3).mean(axis=-1)
    np.testing.assert_allclose(read.array("deviation"), deviation, atol=1e-4)
    angles = angles_of(walker)
    assert [angle["name"] for angle in header["angles"]] == [angle.label for angle in angles.angles]
    np.testing.assert_allclose(read.array("angles"), angles.degrees, atol=0.051)
    np.testing.assert_allclose(read.array("angle deviations"), angles.deviation, atol=0.051)
    assert ["mean sd", f"{1000 * np.nanmean(deviation):.0f} mm"] in header["facts"]
    assert ["height", "1.7 m"] in header["facts"]
    assert ["calibrated", "yes"] in header["facts"]
    assert not [fact for fact in header["facts"] if fact[0] == "steps"], "what was not set is not shown"


def test_uneven_times_arrive_from_zero(walker: Poses3D) -> None:
    times = 7.0 + np.cumsum(np.linspace(0.02, 0.05, len(walker)))
    np.testing.assert_allclose(
        read_page(page(replace(walker, times=times))).array("times"), times - times[0], atol=1e-5
    )


def test_confidence_that_is_unknown_stays_unknown(walker: Poses3D) -> None:
    blind = replace(walker.keypoints, score=np.full_like(walker.keypoints.score, np.nan))
    assert np.isnan(read_page(page(replace(walker, keypoints=blind))).array("score")).all()


def test_what_is_infinite_is_missing(walker: Poses3D) -> None:
    xyz, root = walker.xyz.copy(), walker.root.copy()
    xyz[3, 0, 5, 1], root[4] = np.inf, -np.inf
    read = read_page(page(replace(walker, xyz=xyz, root=root)))
    assert np.isnan(read.array("xyz")[3, 0, 5, 1])
    assert np.isnan(read.array("root")[4]).all()


def test_page_needs_nothing_else(walker: Poses3D) -> None:
    text = page(walker, title="a title")
    read = read_page(text)
    policy = next(
        value for tag, name, value in read.attributes if (tag, name) == ("meta", "content") and "src" in value
    )
    assert "default-src 'none'" in policy
    assert text.index("Content-Security-Policy") < text.index("<style>") < text.index("<script")
    loading = {(tag, name): value for tag, name, value in read.attributes if name in ("src", "href", "action", "data")}
    assert loading == {("link", "href"): "data:,"}
    assert not re.search(r"https?:|\bwss?:|@import|url\(|\bimport\(|\bfetch\(|XMLHttpRequest|WebSocket|\beval\(", text)
    assert "innerHTML" not in text, "texts of a result must never be read as HTML"


def test_hostile_texts_stay_texts(walker: Poses3D) -> None:
    keypoints = replace(walker.keypoints, source=HOSTILE)
    joints = ("hip", HOSTILE, "right")
    few = replace(poses_like(2, 1, joints=joints), provenance={HOSTILE: HOSTILE})
    for poses in (few, replace(walker, keypoints=keypoints, provenance={"model": HOSTILE})):
        read = read_page(page(poses, title=HOSTILE))
        assert [attributes.get("id") for attributes, _ in read.scripts] == ["header", "data", "film-data", None]
        assert read.title == HOSTILE
        assert read.header["title"] == HOSTILE
        assert HOSTILE in json.dumps(read.header["facts"], ensure_ascii=False).replace('\\"', '"')
    assert read_page(page(few)).header["skeleton"]["joints"] == list(joints)


def test_every_placeholder_is_filled(walker: Poses3D) -> None:
    assert not re.search(r"\{\{\w+\}\}", page(walker))


@pytest.mark.parametrize("people", [1, 3])
def test_a_minute_is_small(people: int) -> None:
    """Motion that repeats, with noise, stays below 7 kB a second and person; with 20 hypotheses below 35."""
    truth, random = synthesize(seconds=6.0).truth, np.random.default_rng(0)

    def long(array: np.ndarray, noise: float) -> np.ndarray:
        repeated = np.tile(array, (10, people, *[1] * (array.ndim - 2)))
        return (repeated + noise * random.standard_normal(repeated.shape, np.float32)).astype(np.float32)

    xyz, root, xy = long(truth.xyz, 0.005), long(truth.root, 0.01), long(truth.keypoints.xy, 1.0)
    cov = long(np.broadcast_to(0.003 * np.eye(3, dtype=np.float32), (*truth.xyz.shape, 3)), 0)
    cov *= 1 + 0.1 * random.random((*xyz.shape[:3], 1, 1), np.float32)
    keypoints = replace(truth.keypoints, xy=xy, score=random.random(xy.shape[:3], np.float32))
    poses = replace(truth, xyz=xyz, root=root, cov=cov, keypoints=keypoints, fps=30.0)
    offsets = 0.05 * random.standard_normal((20, *xyz.shape[2:])).astype(np.float32)
    hypotheses = long((truth.xyz[:, :, None] + offsets), 0.003)
    program = len(script())
    assert len(page(poses)) - program < 60 * 7_000 * people
    assert len(page(replace(poses, hypotheses=hypotheses))) - program < 60 * 35_000 * people


def test_more_hypotheses_than_fit_are_thinned(walker: Poses3D, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowlift.view.payload._HYPOTHESES_BYTES", 2 * walker.hypotheses[:, :, :3].size)
    read = read_page(page(walker))
    assert read.header["hypotheses"] == {"shown": 3, "drawn": 6}
    kept = walker.hypotheses[:, :, [0, 2, 5]] - walker.xyz[:, :, None]
    np.testing.assert_allclose(read.array("hypotheses"), kept, atol=1.2e-3)


def test_no_frames_are_refused(walker: Poses3D) -> None:
    empty = Poses3D(walker.xyz[:0], None, walker.cov[:0], walker.skeleton)
    with pytest.raises(InputError, match="no frames"):
        page(empty)


def test_unwritable_page_leaves_nothing(walker: Poses3D, tmp_path: Path) -> None:
    (tmp_path / "blocked").touch()
    with pytest.raises(OutputError, match=r"blocked.*cannot be written"):
        write_html(walker, tmp_path / "blocked" / "page.html")
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(OutputError, match=r"folder\.html"):
        write_html(walker, tmp_path / "folder.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blocked", "folder.html"]


def test_script_is_valid(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: the script's syntax cannot be checked")
    file = tmp_path / "viewer.js"
    file.write_text(script(), encoding="utf-8")
    done = subprocess.run([node, "--check", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_ids_that_the_script_uses_exist(walker: Poses3D) -> None:
    read = read_page(page(walker))
    there = {value for _, name, value in read.attributes if name == "id"}
    used = set(re.findall(r"\b(?:element|on)\('([\w-]+)'", script()))
    assert used
    assert used <= there
    labelled = {value for _, name, value in read.attributes if name == "data-toggle"}
    assert set(re.findall(r"toggleButton\('(\w+)'\)", script())) <= labelled


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda text: text, "ready"),
        (lambda text: text.replace('"frames":60', '"frames":null', 1).replace('"arrays":{', '"array":{', 1), "failed"),
    ],
)
def test_page_starts_in_a_browser(walker: Poses3D, tmp_path: Path, change, state: str) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium: the page cannot be opened")
    file = tmp_path / "page.html"
    file.write_text(change(page(walker, title="in a browser")), encoding="utf-8")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
    command = [browser, *flags, f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=2000", "--dump-dom"]
    done = subprocess.run(
        [*command, f"{file.as_uri()}#frame=12"], capture_output=True, text=True, check=False, timeout=60
    )
    assert f'data-state="{state}"' in done.stdout, done.stderr[-2000:]
    if state == "ready":
        assert "0:00.37 · frame 12 of 60" in done.stdout
    else:
        assert "This result cannot be shown" in done.stdout
