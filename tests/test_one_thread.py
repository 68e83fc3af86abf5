"""The limit on NumPy's threads holds inside the block, and is gone after it."""

import numpy as np
from threadpoolctl import threadpool_info

from flowlift.one_thread import one_thread


def _threads() -> set[int]:
    np.linalg.inv(np.eye(3))
    return {int(pool["num_threads"]) for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_small_matrices_have_one_thread_while_it_lasts() -> None:
    before = _threads()
    with one_thread():
        assert _threads() == {1}
    assert _threads() == before
