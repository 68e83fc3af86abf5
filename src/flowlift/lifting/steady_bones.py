"""How much the bones of hypotheses change while the body moves.

One camera leaves open whether a thigh leans towards it or away. As the body moves, the wrong reading pays: its bones
have to grow and shrink to fit the image.
"""

import numpy as np
from jaxtyping import Float64

from flowlift.lifting.windows import running_mean
from flowlift.skeleton import Skeleton


def unsteadiness(
    drawn: Float64[np.ndarray, "frame hypothesis joint 3"], window: int, skeleton: Skeleton
) -> Float64[np.ndarray, "frame hypothesis"]:
    """How much the bones of each hypothesis change against one another about each frame: the root-mean-square, over
    bones, of the standard deviation of the log of their lengths over `window` frames."""
    parent, child = map(list, zip(*skeleton.bones, strict=True))
    length = np.log(np.linalg.norm(drawn[:, :, child] - drawn[:, :, parent], axis=-1).clip(1e-9))
    length -= length.mean(axis=-1, keepdims=True)  # the whole body's size may change: it is not what is asked
    variance = running_mean(length**2, window) - running_mean(length, window) ** 2
    return np.sqrt(variance.clip(0).mean(axis=-1))
