"""Tables and JSON: means over frames and seeds, conditions told once where shared and apart where not."""

import json
from dataclasses import replace

import numpy as np
import pytest

from flowlift.evaluation.report import (
    Conditions,
    Figure,
    Result,
    Row,
    frame_mean,
    mean_of_rows,
    to_json,
    to_markdown,
    to_text,
)

CONDITIONS = Conditions("Set", "test", "two", "exact", "17", "given", "solved", "the model's", 20, 3, "auto", (0, 1))


def row(group: str, *p_mpjpe: float, frames: int = 10, without_pose: int = 0) -> Row:
    return Row(group, frames, without_pose, {"p_mpjpe_mm": Figure(p_mpjpe)})


def test_frame_mean_is_in_millimetres_and_leaves_out_what_is_missing_under_any_seed() -> None:
    first = {"p_mpjpe_mm": np.array([0.01, 0.03, np.nan, 0.5]), "coverage_90": np.array([1.0, 0.5, 1.0, 0.0])}
    second = {"p_mpjpe_mm": np.array([0.02, 0.04, 0.1, np.nan]), "coverage_90": np.array([0.0, 0.5, 0.0, 0.0])}
    got = frame_mean("g", [first, second])
    assert (got.frames, got.without_pose) == (2, 2)
    assert got.figures["p_mpjpe_mm"].per_seed == pytest.approx((20, 30))
    assert got.figures["coverage_90"].per_seed == pytest.approx((0.75, 0.25))
    assert got.figures["p_mpjpe_mm"].mean == pytest.approx(25)
    assert got.figures["p_mpjpe_mm"].spread == pytest.approx(5)


def test_no_frame_at_all_is_no_number() -> None:
    got = frame_mean("g", [{"p_mpjpe_mm": np.array([np.nan])}])
    assert got.frames == 0
    results = [Result("a", CONDITIONS, (got,))]
    assert "| - |" in to_markdown(results)
    assert json.loads(to_json(results))[0]["rows"][0]["p_mpjpe_mm"] == {"mean": None, "per_seed": [None]}


def test_mean_of_rows_counts_every_row_alike() -> None:
    got = mean_of_rows("mean", [row("a", 10, 20, frames=1), row("b", 30, 50, frames=99)])
    assert got.frames == 100
    assert got.figures["p_mpjpe_mm"].per_seed == (20, 35)


def test_markdown_names_every_condition() -> None:
    ours = Result("ours", CONDITIONS, (row("camera 1", 70.04, 70.06), row("camera 2", 80, 90)))
    theirs = Result("theirs", replace(CONDITIONS, keypoints="poor", steps=None, seeds=()), (row("camera 1", 98.0),))
    text = to_markdown([ours, theirs])
    assert "| method | frames of | frames | P-MPJPE mm |" in text
    assert "| ours | camera 1 | 10 | 70.0 |" in text or "| ours | camera 1 | 10 | 70.1 |" in text
    assert "| ours | camera 2 | 10 | 85.0 ± 5.0 |" in text
    assert "| theirs | camera 1 | 10 | 98.0 |" in text
    assert "- dataset: Set\n" in text
    assert "- ours: keypoints: exact; steps: 3; seeds: 0, 1\n" in text
    assert "- theirs: keypoints: poor\n" in text
    assert "±: standard deviation" in text


def test_frames_without_pose_are_shown_where_there_are_any() -> None:
    text = to_markdown([Result("a", CONDITIONS, (row("x", 1.0, without_pose=3), row("y", 2.0)))])
    assert "| method | frames of | frames | without pose | P-MPJPE mm |" in text
    assert "| a | x | 10 | 3 | 1.0 |" in text


def test_text_is_aligned() -> None:
    figures = {"p_mpjpe_mm": Figure((7.0,)), "coverage_90": Figure((0.9,))}
    results = [Result("a", CONDITIONS, (Row("x", 1, 0, figures),)), Result("longer", CONDITIONS, (row("y", 123.4),))]
    header, first, second, *notes = to_text(results).splitlines()
    assert first.index("7.0") + 3 == header.index("P-MPJPE mm") + len("P-MPJPE mm")
    assert first.endswith("90.0 %")
    assert second.endswith("-")
    assert "seeds: 0, 1" in notes


def test_json_holds_everything() -> None:
    results = json.loads(to_json([Result("a", CONDITIONS, (row("x", 1.0, 3.0),))]))
    assert results[0]["conditions"]["seeds"] == [0, 1]
    assert results[0]["rows"] == [
        {"group": "x", "frames": 10, "without_pose": 0, "p_mpjpe_mm": {"mean": 2.0, "per_seed": [1.0, 3.0]}}
    ]
