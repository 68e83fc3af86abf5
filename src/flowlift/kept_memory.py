"""Memory that arrays give back stays with the process, for the arrays that come next."""

import numpy as np

KEPT = 16 * 2**20
"""Bytes. glibc hands a block that it has mapped back to the system when it is freed, and then raises what it maps from
there on to that size, and what it keeps at the heap's end to twice that size (`mallopt(3)`, M_MMAP_THRESHOLD)."""


def keep_freed_memory() -> None:
    """Let the C library keep up to 2 KEPT of what is freed in a thread. The hypotheses of a few hundred frames are
    arrays of half a megabyte, a hundred of them one after another: without this every one of them is fetched from
    the system page by page. Elsewhere than with glibc nothing happens."""
    np.empty(KEPT, dtype=np.uint8)
