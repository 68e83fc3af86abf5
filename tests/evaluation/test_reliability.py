"""The calibration curve: right for samples of the truth's own distribution, telling for others, and drawn as it is."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from flowlift.errors import InputError
from flowlift.evaluation.reliability import QUANTILES, expected_calibration_error, reliability, reliability_svg


def drawn(spread, *, poses=3000, count=60, seed=0):
    """Hypotheses that scatter `spread` times as far as the truth does about the same centre."""
    generator = np.random.default_rng(seed)
    centre = generator.normal(size=(poses, 4, 3))
    truth = centre + 0.1 * generator.normal(size=(poses, 4, 3))
    return centre[:, None] + 0.1 * spread * generator.normal(size=(poses, count, 4, 3)), truth


def test_samples_of_the_truths_own_distribution_are_calibrated():
    assert expected_calibration_error(*drawn(1.0)) < 0.02


def test_too_little_and_too_much_doubt_are_told_apart():
    sure, unsure = reliability(*drawn(0.3)), reliability(*drawn(3.0))
    assert sure.ece > 0.3
    assert unsure.ece > 0.3
    assert (sure.frequency[1:-1] < QUANTILES[1:-1]).all()
    assert (unsure.frequency[1:-1] > QUANTILES[1:-1]).all()


def test_by_hand():
    # Five hypotheses at 0, 1, 2, 3, 4 on a line: their median is 2, their errors about it 0, 1, 1, 2, 2. The truth of
    # the first pose is off by 0.5, of the second by 3: below the quantiles 0.25 (limit 1) and up, and below none.
    hypotheses = np.zeros((2, 5, 1, 3))
    hypotheses[:, :, 0, 0] = np.arange(5)
    truth = np.zeros((2, 1, 3))
    truth[:, 0, 0] = [2.5, 5]
    curve = reliability(hypotheses, truth)
    limits = np.quantile([0, 1, 1, 2, 2], QUANTILES)
    np.testing.assert_allclose(curve.frequency, (limits >= 0.5) / 2)
    assert curve.ece == pytest.approx(np.abs((limits >= 0.5) / 2 - QUANTILES).mean())


def test_the_median_is_over_joints():
    hypotheses, truth = drawn(1.0, poses=500)
    truth[:, 0] += 100  # one joint that is always wrong does not move the median of four far
    assert reliability(hypotheses, truth).ece < 0.06


def test_one_hypothesis_or_no_pose_has_no_curve():
    with pytest.raises(InputError, match="2 hypotheses"):
        reliability(np.zeros((3, 1, 4, 3)), np.zeros((3, 4, 3)))
    with pytest.raises(InputError, match="2 hypotheses"):
        reliability(np.zeros((0, 5, 4, 3)), np.zeros((0, 4, 3)))


def test_the_picture_shows_every_curve_within_its_frame():
    text = reliability_svg({"a <b>": reliability(*drawn(1.0, poses=50)), "c": reliability(*drawn(3.0, poses=50))})
    lines = ElementTree.fromstring(text).findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2
    for line in lines:
        points = np.array([[float(v) for v in pair.split(",")] for pair in line.attrib["points"].split()])
        assert len(points) == len(QUANTILES)
        assert (points >= [60, 20]).all()
        assert (points <= [360, 320]).all()
        assert (np.diff(points[:, 0]) > 0).all()
        assert (np.diff(points[:, 1]) <= 0).all()  # up is down in a picture
