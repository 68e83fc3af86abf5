"""Speeds: counted operations, timing that takes as many frames as it needs, rows for what is missing."""

import itertools

import pytest

from flowlift.bench import stages, timing
from flowlift.bench.machine import describe_device, describe_machine, matrix_rate
from flowlift.bench.stages import Bench
from flowlift.errors import MissingExtraError

JOINTS, WIDTH, BLOCKS, HEADS = 17, 512, 5, 8


@pytest.fixture
def clock(monkeypatch):
    """A clock that only `advance` moves."""
    now = itertools.count()
    time = {"s": float(next(now))}
    monkeypatch.setattr(timing.time, "perf_counter", lambda: time["s"])

    def advance(seconds):
        time["s"] += seconds

    return advance


@pytest.mark.parametrize("each", [0.001, 0.05, 3.0])
def test_speed_is_that_of_one_frame(clock, each):
    count, speed = timing.frames_per_second(lambda frames: clock(frames * each), most=1000, seconds=6.0)
    assert speed == pytest.approx(1 / each)
    assert 4 <= count <= 1000
    assert count == 1000 or count * each >= 1.0


def test_overhead_of_each_call_fades_with_the_frames(clock):
    _, speed = timing.frames_per_second(lambda frames: clock(0.01 + frames * 0.001), most=10**6, seconds=30.0)
    assert 990 < speed < 1000


def test_a_whole_clip_is_never_cut(clock):
    seen = []
    timing.frames_per_second(lambda frames: (seen.append(frames), clock(1.0)), most=50, least=50, seconds=0.1)
    assert set(seen) == {50}


def test_operations_of_the_published_network_are_its_products(tmp_path):
    pytest.importorskip("torch")
    from flowlift.bench.operations import count_operations
    from flowlift.bench.published_size import write_published_size

    block = WIDTH * (4 + 3 + 1 + 2 + 2) * WIDTH + 4 * JOINTS * WIDTH + 2 * JOINTS * WIDTH  # layers, graph, attention
    ends = 37 * 256 + 256 * WIDTH + WIDTH * 256 + 256 * 3
    time = 32 * 64 + 64 * 32
    found = count_operations(write_published_size(tmp_path))
    assert found.evaluate == 2 * (JOINTS * (BLOCKS * block + ends) + time)
    assert found.of_frame(40, 3) == 120 * found.evaluate


def test_operations_of_a_network_in_two_parts_count_the_encoder_once_for_each_view():
    pytest.importorskip("torch")
    from flowlift.bench.operations import count_operations
    from flowlift.models import find_model

    found = count_operations(find_model("human-fast"))
    assert found.of_frame(1, 1) == found.encode + found.evaluate
    assert found.of_frame(20, 3) == 2 * found.encode + 60 * found.evaluate


def test_the_machine_multiplies(monkeypatch):
    monkeypatch.setattr("flowlift.bench.machine._SECONDS", 0.01)
    rate = matrix_rate()
    assert rate is not None
    assert 1e8 < rate < 1e15
    assert str(describe_machine()["cpu"]) in describe_device("cpu")


def test_without_torch_a_gpu_is_no_more_than_its_name(monkeypatch):
    monkeypatch.setattr("flowlift.bench.machine.find_spec", lambda name: None)
    assert matrix_rate("cuda:1") is None
    assert describe_device("cuda:1") == "cuda:1"


def test_where_torch_is_a_cpu_s_a_gpu_is_no_more_than_its_name(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert matrix_rate("cuda:1") is None
    assert describe_device("cuda:1") == "cuda:1"


def test_what_is_missing_is_a_row_that_says_so(monkeypatch):
    def missing(*_):
        raise MissingExtraError("this", "train")

    monkeypatch.setattr(stages, "_SMOOTHED", 60)
    for name in ("write_published_size", "load_detector", "count_operations"):
        monkeypatch.setattr(stages, name, missing)
    rows = list(Bench(rate=1e11, seconds=0.001, hypotheses=(2,), steps=(1,)).rows())
    notes = {row.what: row.note for row in rows if row.per_second is None}
    assert list(notes) == ["MediaPipe", "published size"]
    assert all("pip install 'flowlift[train]'" in note for note in notes.values())
    measured = [row for row in rows if row.per_second is not None]
    assert {row.stage for row in measured} == {"lifting", "aggregation", "smoothing", "writing"}
    assert all(row.per_second > 0 and row.of_limit is None for row in measured)
