"""What single poses do not show: bones of unequal or changing length, and unsteady motion. Metres in, metres out.

Accelerations are per frame^2, as they are published (there in mm: times 1000): they compare only at equal frame rates;
times fps^2 they are m/s^2. A NaN anywhere makes the result NaN: what is not predicted is never left out in silence.
"""

from typing import Any

from array_api_compat import array_namespace

from flowlift.errors import InputError
from flowlift.skeleton import Skeleton

Array = Any  # a NumPy array or a torch tensor; shapes stand in the docstrings


def bone_lengths(poses: Array, skeleton: Skeleton) -> Array:
    """Lengths (..., bone), m, of poses (..., joint, 3), in the order of `skeleton.bones`."""
    xp = array_namespace(poses)
    lengths = [xp.linalg.vector_norm(poses[..., a, :] - poses[..., b, :], axis=-1) for a, b in skeleton.bones]
    return xp.stack(lengths, axis=-1)


def mpsse(poses: Array, skeleton: Skeleton) -> Array:
    """Symmetry error: mean |left - right bone length|, m, over frames and paired bones of poses (frame, joint, 3).

    Raises InputError for a skeleton without paired bones.
    """
    xp, bones, mirror = array_namespace(poses), list(skeleton.bones), skeleton.mirror
    twins = [(mirror[a], mirror[b]) for a, b in bones]
    pairs = [(i, bones.index(twin)) for i, twin in enumerate(twins) if twin in bones and i < bones.index(twin)]
    if not pairs:
        raise InputError(f"skeleton {skeleton.name!r} has no left and right bones to compare")
    lengths = bone_lengths(poses, skeleton)
    return xp.mean(xp.stack([xp.abs(lengths[..., i] - lengths[..., j]) for i, j in pairs], axis=-1))


def mpsce(poses: Array, skeleton: Skeleton) -> Array:
    """Consistency error: mean over bones of the standard deviation of the length over time, m, of one clip's poses
    (frame, joint, 3); a single frame has none, its error is 0."""
    xp = array_namespace(poses)
    lengths = bone_lengths(poses, skeleton)
    off = lengths - xp.mean(lengths, axis=0, keepdims=True)
    return xp.mean(xp.sqrt(xp.mean(off * off, axis=0)))


def acceleration_error(pred: Array, truth: Array) -> Array:
    """Mean distance between second differences over time of poses (frame, joint, 3), m / frame^2.

    Raises InputError for fewer than 3 frames or poses of different shapes.
    """
    if pred.shape != truth.shape:
        raise InputError(f"poses to compare must have one shape, got {tuple(pred.shape)} and {tuple(truth.shape)}")
    return jitter(pred - truth)


def jitter(poses: Array) -> Array:
    """Mean length of the second differences over time of poses (frame, joint, 3), m / frame^2.

    Raises InputError for fewer than 3 frames.
    """
    xp = array_namespace(poses)
    if poses.shape[0] < 3:
        raise InputError(f"acceleration needs at least 3 frames, got {poses.shape[0]}")
    second = poses[2:] - 2 * poses[1:-1] + poses[:-2]
    return xp.mean(xp.linalg.vector_norm(second, axis=-1))
