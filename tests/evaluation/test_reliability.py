"""The calibration curve: right for samples of the truth's own distribution, telling for others, and drawn as it is."""

import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flowlift.errors import InputError
from flowlift.evaluation.reliability import (
    QUANTILES,
    Reliability,
    expected_calibration_error,
    reliability,
    reliability_svg,
)
from flowlift.view.style import PEOPLE

SVG = "{http://www.w3.org/2000/svg}"


def drawn(spread: float, *, poses: int = 3000, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Hypotheses that scatter `spread` times as far as the truth does about the same centre."""
    generator = np.random.default_rng(0)
    centre = generator.normal(size=(poses, 4, 3))
    truth = centre + 0.1 * generator.normal(size=(poses, 4, 3))
    return centre[:, None] + 0.1 * spread * generator.normal(size=(poses, count, 4, 3)), truth


def test_samples_of_the_truths_own_distribution_are_calibrated() -> None:
    assert expected_calibration_error(*drawn(1.0)) < 0.02


def test_too_little_and_too_much_doubt_are_told_apart() -> None:
    sure, unsure = reliability(*drawn(0.3)), reliability(*drawn(3.0))
    assert sure.ece > 0.3
    assert unsure.ece > 0.3
    assert (sure.frequency[1:-1] < QUANTILES[1:-1]).all()
    assert (unsure.frequency[1:-1] > QUANTILES[1:-1]).all()


def test_by_hand() -> None:
    # Five hypotheses at 0, 1, 2, 3, 4 on a line: their median is 2, their errors about it 0, 1, 1, 2, 2. The truth of
    # the first pose is off by 0.5, of the second by 3: below the quantiles 0.25 (limit 1) and up, and below none.
    hypotheses = np.zeros((2, 5, 1, 3))
    hypotheses[:, :, 0, 0] = np.arange(5)
    truth = np.zeros((2, 1, 3))
    truth[:, 0, 0] = [2.5, 5]
    curve = reliability(hypotheses, truth)
    limits = np.quantile([0, 1, 1, 2, 2], QUANTILES)
    np.testing.assert_allclose(curve.frequency, (limits > 0.5) / 2)
    assert curve.ece == pytest.approx(np.abs((limits > 0.5) / 2 - QUANTILES).mean())


def test_an_error_at_the_quantile_is_not_below_it() -> None:
    hypotheses = np.zeros((1, 5, 1, 3))
    hypotheses[0, :, 0, 0] = np.arange(5)
    # Off by 1, which is the quantile from 0.25 to 0.5: below it from 0.55 on.
    curve = reliability(hypotheses, np.array([[[3.0, 0, 0]]]))
    np.testing.assert_array_equal(curve.frequency, QUANTILES > 0.5 + 1e-9)


def test_hypotheses_that_all_agree_hold_no_truth() -> None:
    curve = reliability(np.zeros((3, 4, 2, 3)), np.full((3, 2, 3), 0.001))
    np.testing.assert_array_equal(curve.frequency, 0)
    assert curve.ece == pytest.approx(0.5)


def test_the_median_is_over_joints() -> None:
    # Of three joints one is always wrong, one always right, one right in every second pose: the last is the median.
    hypotheses = np.zeros((4, 5, 3, 3))
    hypotheses[..., 0] = np.arange(5)[:, None]
    truth = np.zeros((4, 3, 3))
    truth[..., 0] = [[102, 2, 2], [102, 2, 102]] * 2
    curve = reliability(hypotheses, truth)
    np.testing.assert_array_equal(curve.frequency, np.where(QUANTILES > 0, 0.5, 0))


def test_neither_unit_nor_place_nor_leading_axes_matter() -> None:
    hypotheses, truth = drawn(0.7, poses=60, count=7)
    curve = reliability(hypotheses, truth)
    moved = reliability(1000 * hypotheses + 5, 1000 * truth + 5)
    np.testing.assert_array_equal(moved.frequency, curve.frequency)
    deeper = reliability(hypotheses.reshape(5, 12, 7, 4, 3), truth.reshape(5, 12, 4, 3))
    np.testing.assert_array_equal(deeper.frequency, curve.frequency)
    assert reliability(hypotheses[0], truth[0]).frequency.shape == (21,)


def test_unknown_truth_does_not_count() -> None:
    hypotheses, truth = drawn(1.0, poses=40, count=9)
    partly = truth.copy()
    partly[20:, 1:3] = np.nan
    partly[:, 3] = np.nan
    hypotheses[:, :, 3] = np.nan  # nor do hypotheses of what is unknown
    each = [reliability(hypotheses[:, :, :1], truth[:, :1])]
    each += [reliability(hypotheses[:20, :, i : i + 1], truth[:20, i : i + 1]) for i in (1, 2)]
    expected = np.median([curve.frequency for curve in each], axis=0)
    np.testing.assert_allclose(reliability(hypotheses, partly).frequency, expected)


def test_torch_agrees_with_numpy() -> None:
    torch = pytest.importorskip("torch")
    hypotheses, truth = drawn(0.7, poses=50, count=8)
    truth[3, 1] = np.nan
    got = reliability(torch.from_numpy(hypotheses), torch.from_numpy(truth))
    np.testing.assert_allclose(got.frequency, reliability(hypotheses, truth).frequency)


@pytest.mark.parametrize(
    ("hypotheses", "truth", "problem"),
    [
        (np.zeros((3, 1, 4, 3)), np.zeros((3, 4, 3)), "at least 2 hypotheses, got 1"),
        (np.zeros((0, 5, 4, 3)), np.zeros((0, 4, 3)), "no joint"),
        (np.zeros((3, 5, 4, 3)), np.full((3, 4, 3), np.nan), "no joint"),
        (np.full((3, 5, 4, 3), np.nan), np.zeros((3, 4, 3)), "missing"),
        (np.zeros((3, 5, 4, 3)), np.zeros((1, 4, 3)), r"\(3, 5, 4, 3\) and \(1, 4, 3\)"),
        (np.zeros((5, 4, 2)), np.zeros((4, 2)), "joint, 3"),
        (np.zeros((4, 3)), np.zeros((3,)), "joint, 3"),
    ],
)
def test_what_has_no_curve_is_refused(hypotheses: np.ndarray, truth: np.ndarray, problem: str) -> None:
    for measure in (reliability, expected_calibration_error):
        with pytest.raises(InputError, match=problem):
            measure(hypotheses, truth)


def test_the_picture_shows_every_curve_within_its_frame() -> None:
    text = reliability_svg({"a <b>": reliability(*drawn(1.0, poses=50)), "c": reliability(*drawn(3.0, poses=50))})
    lines = ElementTree.fromstring(text).findall(f"{SVG}polyline")
    assert len(lines) == 2
    for line in lines:
        points = np.array([[float(v) for v in pair.split(",")] for pair in line.attrib["points"].split()])
        assert len(points) == len(QUANTILES)
        assert (points >= [60, 20]).all()
        assert (points <= [360, 320]).all()
        assert (np.diff(points[:, 0]) > 0).all()
        assert (np.diff(points[:, 1]) <= 0).all()  # up is down in a picture


def test_the_legend_names_every_curve_and_no_two_look_alike() -> None:
    curve = Reliability(QUANTILES, QUANTILES**2)
    names = [f"model <{i}> & {'x' * 9 * i}" for i in range(2 * len(PEOPLE))]
    picture = ElementTree.fromstring(reliability_svg(dict.fromkeys(names, curve)))
    legend = [text for text in picture.findall(f"{SVG}text") if "ECE" in (text.text or "")]
    assert [text.text for text in legend] == [f"{name}, ECE {curve.ece:.3f}" for name in names]
    assert max(float(text.attrib["y"]) for text in legend) < float(picture.attrib["height"])
    looks = {(line.attrib["stroke"], line.get("stroke-dasharray")) for line in picture.findall(f"{SVG}polyline")}
    assert len(looks) == len(names)


def test_no_curve_leaves_the_axes() -> None:
    picture = ElementTree.fromstring(reliability_svg({}))
    assert not picture.findall(f"{SVG}polyline")
    assert len(picture.findall(f"{SVG}text")) == 12


def test_a_browser_draws_the_curve_on_a_ground_of_its_own(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium: the picture cannot be drawn")
    file, shot = tmp_path / "curve.svg", tmp_path / "curve.png"
    file.write_text(reliability_svg({"m": Reliability(QUANTILES, np.full(21, 0.9))}), encoding="utf-8")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}")
    command = [browser, *flags, "--window-size=400,420", f"--screenshot={shot}", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert shot.is_file(), done.stderr[-2000:]
    picture = Image.open(shot).convert("RGB")
    assert picture.getpixel((200, 50)) == PEOPLE[0]  # 0.9 of the way up
    assert picture.getpixel((200, 80)) in ((255, 255, 255), (0x16, 0x19, 0x1D))
