"""Which detection is whom: distances between poses in body sizes, and the assignment with the smallest sum."""

import numpy as np
from jaxtyping import Float, Float64

Pairs = dict[int, int]
"""Row -> column."""

_SMALLEST = 1.0  # px
_OTHER_SIZE = 0.1
"""What a detection e times as large, or as small, as expected costs, in body sizes."""


def body_size(xy: Float[np.ndarray, "person joint 2"]) -> Float64[np.ndarray, " person"]:
    """The longer side of the box around each person's joints (NaN where missing), px; at least 1. Needs a joint."""
    return np.maximum(np.fmax.reduce(xy, axis=1) - np.fmin.reduce(xy, axis=1), _SMALLEST).max(axis=1).astype(np.float64)


def median(values: Float[np.ndarray, "*batch n"]) -> Float64[np.ndarray, "*batch"]:
    """The median of what is not NaN along the last axis, NaN where nothing is: np.nanmedian, many times faster."""
    ordered = np.sort(np.asarray(values, dtype=np.float64), axis=-1)  # NaN comes last
    count = np.isfinite(ordered).sum(axis=-1)[..., None]
    low, high = np.maximum(count - 1, 0) // 2, count // 2 * (count > 0)
    return np.asarray((np.take_along_axis(ordered, low, -1) + np.take_along_axis(ordered, high, -1))[..., 0] / 2)


def distances(
    expected: Float[np.ndarray, "row joint 2"],
    sizes: Float[np.ndarray, " row"],
    found: Float[np.ndarray, "column joint 2"],
) -> Float64[np.ndarray, "row column"]:
    """How far each person found (NaN where a joint is missing) is from each expected one, in the latter's body sizes.

    The median over the joints that both have, which a few wild joints do not move; between the middles of the two where
    they have no joint in common. Another size costs as well.
    """
    apart = median(np.linalg.norm(expected[:, None] - found[None], axis=-1))
    between = np.linalg.norm(middles(expected)[:, None] - middles(found)[None], axis=-1)
    ratio = body_size(found)[None] / sizes[:, None]
    return np.where(np.isnan(apart), between, apart) / sizes[:, None] + _OTHER_SIZE * np.abs(np.log(ratio))


def middles(xy: Float[np.ndarray, "person joint 2"]) -> Float64[np.ndarray, "person 2"]:
    """Where each person is: the median of the joints' positions, px."""
    return median(np.swapaxes(xy, 1, 2))


def assign(cost: Float[np.ndarray, "row column"], limits: Float[np.ndarray, " row"]) -> Pairs:
    """The pairs of rows and columns with the smallest sum of costs; a pair beyond its row's limit is none.

    Costs count in parts of the limit, and staying alone costs as much as a pair at the limit.
    """
    import lap

    relative = cost / limits[:, None]
    _, columns, _ = lap.lapjv(np.where(relative <= 1, relative, np.inf), extend_cost=True, cost_limit=1.0)
    return {row: int(column) for row, column in enumerate(columns) if column >= 0}
