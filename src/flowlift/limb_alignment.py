"""An animal stood upright: one camera does not see where up is, but upper legs mostly point down."""

import numpy as np
from jaxtyping import Float, Num

from flowlift.skeletons import ANIMAL3D26

_DOWN = np.array([0.0, 0.0, -1.0])
_LEGS = [f"{side}_{end}" for side in ("left", "right") for end in ("front", "back")]
_THIGHS = ANIMAL3D26.indices([f"{leg}_thigh" for leg in _LEGS])
_KNEES = ANIMAL3D26.indices([f"{leg}_knee" for leg in _LEGS])


def upright_rotation(pose: Num[np.ndarray, "*batch 26 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """The smallest rotation after which the legs' mean direction, from thigh to knee, is (0, 0, -1): z is up then.

    `pose`: joints of animal3d26 in any unit and frame; of whole numbers the rotation is float64, else of their type.
    Legs count alike, however long. The identity where a joint of the legs is missing, or they have no mean direction.
    """
    bones = pose[..., _KNEES, :].astype(np.float64) - pose[..., _THIGHS, :]
    lengths = np.linalg.norm(bones, axis=-1, keepdims=True)
    mean = (bones / np.where(lengths > 0, lengths, 1)).mean(axis=-2)
    size = np.linalg.norm(mean, axis=-1, keepdims=True)
    kind = pose.dtype if np.issubdtype(pose.dtype, np.floating) else np.float64
    known = np.isfinite(size) & (size > 1e-9)
    return _onto_down(np.where(known, mean / np.where(known, size, 1), _DOWN)).astype(kind)


def limbs_aligned(pose: Num[np.ndarray, "*batch 26 3"]) -> Float[np.ndarray, "*batch 26 3"]:
    """Poses turned about the origin until their legs point down: z is up."""
    return pose @ np.swapaxes(upright_rotation(pose), -1, -2)


def _onto_down(direction: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """The smallest rotation of unit vectors onto (0, 0, -1); of (0, 0, 1) half a turn about x."""
    x, y, z = np.moveaxis(direction, -1, 0)
    opposite = z > 1 - 1e-12
    k = 1 / np.where(opposite, 1, 1 - z)
    rows = ((1 - x * x * k, -x * y * k, x), (-x * y * k, 1 - y * y * k, y), (-x, -y, -z))
    turn = np.stack([np.stack(np.broadcast_arrays(*row), axis=-1) for row in rows], axis=-2)
    return np.where(opposite[..., None, None], np.diag([1.0, -1.0, -1.0]), turn)
