"""Pieces of work: they cover everything once, are of a good size, and keep every core busy."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlift.cores import Cores, allowed_threads, available_cores, cut

SIZES = st.tuples(st.integers(1, 64), st.integers(1, 64)).map(sorted)


@given(st.integers(0, 500), SIZES, st.integers(1, 9))
def test_pieces_cover_everything_once_and_keep_their_size(count, sizes, cores):
    least, most = sizes
    pieces = cut(count, most=most, least=least, cores=cores)
    assert [i for piece in pieces for i in range(count)[piece]] == list(range(count))
    lengths = [piece.stop - piece.start for piece in pieces]
    assert all(length <= most for length in lengths)
    assert all(length >= min(least, count) for length in lengths[:-1])


@given(st.integers(1, 500), st.integers(1, 64), st.integers(1, 9))
def test_cores_have_pieces_alike(count, most, cores):
    pieces = cut(count, most=most, least=1, cores=cores)
    rounds, longest = -(-len(pieces) // cores), pieces[0].stop - pieces[0].start
    assert rounds * longest <= count / cores + rounds  # what the busiest core does


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_comes_of_pieces_is_joined_in_order(count):
    x = np.arange(100, dtype=np.float32)[:, None]
    seen = set()

    def work(a, b):
        seen.add(threading.current_thread().name)
        return a + 2 * b

    cores = Cores(count)
    np.testing.assert_array_equal(cores.over(work, (x, x), most=7), 3 * x)
    assert cores.over(work, (x[:0], x[:0]), most=7).shape == (0, 1)
    assert all(name.startswith("flowlift") for name in seen - {threading.current_thread().name})


def test_cores_work_at_the_same_time():
    both = threading.Barrier(2, timeout=10)

    def meet(a):
        both.wait()
        return a

    assert len(Cores(2).over(meet, (np.zeros((2, 1), np.float32),), most=1)) == 2


def test_what_fails_in_a_piece_is_raised():
    def fail(a):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Cores(2).over(fail, (np.zeros((9, 1), np.float32),), most=2)


@pytest.mark.parametrize(
    ("told", "threads"), [("1", 1), ("0", 1), ("100000", available_cores()), ("many", available_cores())]
)
def test_a_process_keeps_to_the_threads_that_it_was_told(monkeypatch, told, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert allowed_threads() == threads
    assert Cores().count == threads


def test_a_piece_is_done_by_one_core_all_that_it_is_made_of():
    cores, seen = Cores(2), []
    rows = np.zeros((8, 1), np.float32)

    def piece(part):
        threads = set()

        def inner(a):
            threads.add(threading.current_thread().name)
            return a

        cores.over(inner, (rows,), most=2)
        seen.append((part, threading.current_thread().name, threads))

    cores.each(piece, 40, most=10)
    assert sorted(i for part, _, _ in seen for i in range(40)[part]) == list(range(40))
    assert all(threads == {name} and name.startswith("flowlift") for _, name, threads in seen)


def test_a_piece_alone_shares_its_own_work_out():
    both, cores = threading.Barrier(2, timeout=10), Cores(2)

    def meet(a):
        both.wait()
        return a

    def piece(part):
        assert len(cores.over(meet, (np.zeros((2, 1), np.float32),), most=1)) == 2

    cores.each(piece, 5, most=10)


def test_what_fails_in_one_of_the_pieces_is_raised():
    def fail(part):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Cores(2).each(fail, 9, most=2)
