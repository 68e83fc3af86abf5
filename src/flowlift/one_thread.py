"""NumPy's linear algebra on one thread."""

from contextlib import AbstractContextManager


def one_thread() -> AbstractContextManager[object]:
    """For a `with` block that works on many small matrices: to wake a second thread for a matrix of 3 x 3 takes longer
    than the matrix. The limit holds for the whole process while it lasts."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="blas")
