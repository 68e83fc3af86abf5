"""`flowlift bench`: a table, and the same figures as JSON."""

import json

import pytest

from flowlift.bench.stages import Bench, Row
from flowlift.cli import main


def test_figures_are_shown_and_written_alike(monkeypatch, tmp_path, capsys):
    rows = [Row("lifting", "human, 1 step", 10, 123.4, 0.456), Row("detection", "MediaPipe", note="it is [missing]")]
    monkeypatch.setattr(Bench, "rows", lambda self: iter(rows))
    monkeypatch.setattr("flowlift.bench.machine.matrix_rate", lambda device, precision: 5e10)
    assert main(["bench", "--json", str(tmp_path / "bench.json")]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for part in ("50 billion", "lifting human, 1 step 10 123 46 %", "detection MediaPipe - it is [missing]"):
        assert part in shown
    told = json.loads((tmp_path / "bench.json").read_text())
    assert told["matrix_operations_per_second"] == 5e10
    assert [row["per_second"] for row in told["rows"]] == [123.4, None]


@pytest.mark.slow
def test_command_line_writes_the_figures(run, tmp_path):
    done = run("bench", "--seconds", "0.01", "--hypotheses", "2", "--steps", "1", "--json", "bench.json")
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "bench.json").read_text())
    assert told["machine"]["cores"] >= 1
    assert told["device"] == "cpu"
    assert str(told["machine"]["cpu"]) in told["device_name"]
    assert told["matrix_operations_per_second"] > 1e8
    lifted = [row for row in told["rows"] if row["stage"] == "lifting" and row["per_second"]]
    assert "human-fast, 2 hypotheses, 1 step" in [row["what"] for row in lifted]
    assert all(row["what"] in done.stdout for row in lifted)


@pytest.mark.parametrize(
    "flags", [("--seconds", "0"), ("--seconds", "nan"), ("--seconds", "inf"), ("--hypotheses", "0"), ("--steps", "-1")]
)
def test_command_line_refuses_what_cannot_be(run, flags):
    done = run("bench", *flags)
    assert done.returncode == 2
    assert done.stderr.startswith(f"flowlift: error: {flags[0]} must be above 0")


def test_a_place_that_cannot_be_written_is_told_before_anything_is_measured(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(Bench, "rows", lambda self: pytest.fail("it was measured"))
    (tmp_path / "file").touch()
    assert main(["bench", "--json", str(tmp_path / "file" / "bench.json")]) == 2
    assert "cannot be written, because" in capsys.readouterr().err


@pytest.mark.parametrize("device", ["nonsense", "cpu+much", "onnx-cuda"])
def test_command_line_refuses_a_device_that_cannot_be(run, device):
    pytest.importorskip("torch")
    done = run("bench", "--device", device)
    assert done.returncode == 2
    assert done.stderr.startswith("flowlift: error: ")
    assert device in done.stderr
    assert done.stderr.count("\n") == 1
