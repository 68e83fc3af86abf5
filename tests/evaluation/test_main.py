"""The command line: tables for people, JSON for programs, one line and exit status 2 for what is wrong."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from flowlift.datasets import hdm05
from flowlift.datasets.views import Capture
from flowlift.evaluation.__main__ import main

from .bodies import standing_clip


@pytest.fixture
def clips(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(source: Path, *, actors: Sequence[str]) -> list[Capture]:
        return [standing_clip(3), standing_clip(2, action="kick")]

    monkeypatch.setattr(hdm05, "read_captures", read)


@pytest.mark.usefixtures("clips")
def test_a_table_and_its_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "out.json"
    arguments = ["hdm05", "x.tar", "--model", "mean-pose", "--seeds", "2", "--variations", "exact,noise"]
    assert main([*arguments, "--json", str(file)]) == 0
    text = capsys.readouterr().out
    assert "mean-pose, noise  mean of actions" in text
    results = json.loads(file.read_text())
    assert [result["name"] for result in results] == ["mean-pose, exact", "mean-pose, noise"]
    assert results[0]["conditions"]["seeds"] == [0, 1]
    assert np.isfinite(results[1]["rows"][0]["p_mpjpe_mm"]["mean"])
    assert list(tmp_path.iterdir()) == [file]
    assert main([*arguments, "--markdown", "--every", "2"]) == 0
    assert "| mean-pose, exact | all | 3 |" in capsys.readouterr().out


@pytest.mark.usefixtures("clips")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "PROTOCOL"),
        (["human36m"], "invalid choice"),
        (["hdm05"], "TAR_OR_FOLDER"),
        (["hdm05", "x", "--seeds", "0"], "at least 1"),
        (["hdm05", "x", "--hypotheses", "many"], "--hypotheses"),
        (["hdm05", "x", "--variations", "rain"], "no variation 'rain'"),
        (["hdm05", "x", "--model", "mean-pose", "--json", "/proc/out.json"], "/proc/out.json: cannot be written"),
        (["pose2sim", "/nowhere"], "reference.npz"),
    ],
)
def test_what_is_wrong_in_one_line(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
