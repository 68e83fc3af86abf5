"""Unit quaternions as rotation matrices."""

import numpy as np
from jaxtyping import Float, Float64

from flowlift.errors import InputError


def quaternion_to_matrix(quaternion: Float[np.ndarray, "*batch 4"]) -> Float64[np.ndarray, "*batch 3 3"]:
    """Rotation matrices (..., 3, 3) of quaternions (..., 4), w x y z, of any length but 0: v -> matrix @ v.

    Raises InputError for a quaternion of length 0, or one that is not finite.
    """
    length = np.linalg.norm(quaternion.astype(np.float64), axis=-1, keepdims=True)
    if not (np.isfinite(length).all() and (length > 0).all()):
        raise InputError("a quaternion must be finite and not 0")
    w, x, y, z = np.moveaxis(quaternion / length, -1, 0)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
