"""The evaluate command: a report that says what it measured, and one line for what cannot be."""

import json

import numpy as np
import pytest

from flowlift.cli import main
from flowlift.demo import walk

MOCAP = ["--kind", "mocap"]


@pytest.fixture
def walks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("walks.npz", one=walk(np.arange(0, 2, 1 / 30)), two=walk(np.arange(4, 6, 1 / 30)))
    return tmp_path


def test_a_report_of_every_aggregation_with_the_oracle_called_so(walks):
    assert main(["evaluate", "human", "walks.npz", *MOCAP, "-o", "report", "--hypotheses", "1,4", "--quiet"]) == 0
    assert {file.name for file in (walks / "report").iterdir()} == {"report.md", "report.json", "reliability.svg"}
    page = (walks / "report" / "report.md").read_text()
    for row in ("mean, N = 4", "jpma, root solved, N = 4", "rpea-pose, ORACLE root, N = 4", "rpea-joint, root solved"):
        assert row in page
    assert "- root: solved" in page
    assert "- intrinsics: given" in page
    told = json.dumps(json.loads((walks / "report" / "report.json").read_text()))
    assert "ORACLE root" in told


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nobody", "walks.npz", *MOCAP, "-o", "report"], "no model 'nobody'"),
        (["human", "nowhere", "-o", "report"], "nowhere"),
        (["human", "walks.npz", "-o", "report"], "say which kind it is"),
        (["human", "walks.npz", *MOCAP, "-o", "report", "--protocol", "mine"], "no protocol 'mine'"),
        (["human", "walks.npz", "-o", "report", "--kind", "mine"], "mine"),
        (["human", "walks.npz", "-o", "report", "--hypotheses", "many"], "--hypotheses"),
        (["human", "walks.npz", *MOCAP, "-o", "report", "--hypotheses", "0"], "at least 1"),
        (["human", "walks.npz", *MOCAP, "-o", "report", "--steps", "0"], "steps must be at least 1"),
        (["human", "walks.npz", *MOCAP, "-o", "report", "--unit", "mm"], "--unit is for 3D recordings"),
        (["human", "walks.npz", *MOCAP, "-o", "report", "--up", "-x"], "--up is for 3D recordings"),
        (["human", "walks.npz", *MOCAP, "-o", "report", "--calibration", "no.toml"], "--calibration is for 3D record"),
        (["human", "walks.npz", *MOCAP, "-o", "report", "--cameras", "c.json"], "cameras is not for mocap"),
        (["human", "walks.npz", *MOCAP, "-o", "report", "--annotation", "annot3"], "annotation is not for mocap"),
        (["human", "walks.npz", *MOCAP, "-o", "walks.npz"], "walks.npz: is a file; a folder is wanted"),
        (["human", "walks.npz", *MOCAP, "-o", "walks.npz/report"], "is a file, not a folder"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(walks, capsys, arguments, named):
    before = (walks / "walks.npz").read_bytes()
    assert main(["evaluate", *arguments]) == 2
    said = capsys.readouterr().err
    assert named in said
    assert said.count("\n") == 1
    assert not list(walks.glob("report/*"))
    assert (walks / "walks.npz").read_bytes() == before


def test_a_report_that_cannot_be_written_is_told_before_the_work(walks, monkeypatch, capsys):
    def too_late(*_: object, **__: object) -> None:
        raise AssertionError("it was evaluated first")

    monkeypatch.setattr("flowlift.evaluation.evaluating.evaluate", too_late)
    assert main(["evaluate", "human", "walks.npz", *MOCAP, "-o", "walks.npz"]) == 2
    assert "a folder is wanted" in capsys.readouterr().err
