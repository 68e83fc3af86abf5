"""Reading ahead: the same items, the same error in the same place, never far ahead, and a source that is closed."""

import os
import signal
import threading
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.read_ahead import ReadAhead


@given(st.lists(st.integers()), st.integers(1, 5))
def test_it_gives_the_same_items(items, held):
    assert list(ReadAhead(items, held=held)) == items


@pytest.mark.parametrize("error", [ValueError("damaged"), KeyboardInterrupt()])
@pytest.mark.parametrize("stop", [0, 1, 7])
def test_what_the_source_raises_comes_after_the_items_before_it(error, stop):
    def source():
        yield from range(stop)
        raise error

    seen = []
    with pytest.raises(type(error)):
        seen.extend(ReadAhead(source(), held=3))
    assert seen == list(range(stop))


def test_it_never_runs_far_ahead():
    read = []

    def source():
        for item in range(50):
            read.append(item)
            yield item

    for taken, _ in enumerate(ReadAhead(source(), held=3), 1):
        time.sleep(0.002)
        assert len(read) <= taken + 3 + 1  # held, and the one in the reader's hand


def test_a_source_that_nobody_needs_any_more_is_closed_by_its_reader():
    closed_by, before = [], set(threading.enumerate())

    def source():
        try:
            while True:
                yield 1
        finally:
            closed_by.append(threading.current_thread().name)

    with closing(ReadAhead(source(), held=2)) as items:
        assert next(items) == 1
    assert closed_by == ["flowlift reader"]
    assert not set(threading.enumerate()) - before


def test_nothing_is_read_before_it_is_asked_for():
    read, before = [], set(threading.enumerate())
    with closing(ReadAhead(iter(lambda: read.append(1), None), held=2)):
        time.sleep(0.05)
    assert not read
    assert not set(threading.enumerate()) - before


@pytest.fixture
def ctrl_c():
    """Ctrl-C as on a terminal; what is started in the background does not listen to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_waiting_loses_no_item(ctrl_c):
    def source():
        yield 0
        time.sleep(0.05)
        ctrl_c()
        time.sleep(0.2)
        yield 1

    with closing(ReadAhead(source(), held=2)) as items:
        assert next(items) == 0
        with pytest.raises(KeyboardInterrupt):
            next(items)
        assert list(items) == [1]


def test_reading_and_working_take_the_time_of_the_longer():
    def source():
        for item in range(10):
            time.sleep(0.02)
            yield item

    start = time.perf_counter()
    for _ in ReadAhead(source(), held=4):
        time.sleep(0.02)
    assert time.perf_counter() - start < 0.35  # one after the other: 0.4
