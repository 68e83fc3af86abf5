"""Where hypotheses start, and how they are sampled: half of them from the mirrored view, and mirrored back."""

from functools import partial

import numpy as np
from array_api_compat import array_namespace, device
from jaxtyping import Float32

from flowlift.lifting.view import Array, Conditioning, View
from flowlift.runtime import Engine
from flowlift.sampling import sample
from flowlift.skeleton import Skeleton

CENTRE = 0.8
"""How much the first pair of hypotheses counts in the answer where it starts at the noise's centre: on held-out poses
nearer to the truth than the mean of the others (docs/experiments/2026-11-centre.md)."""


START_SPREAD = 0.2
"""Standard deviation of what a seed adds to starts that were learned."""


def hypothesis_noise(
    count: int,
    skeleton: Skeleton,
    seed: int,
    *,
    centred: bool = False,
    learned: Float32[np.ndarray, "start joint 3"] | None = None,
) -> Float32[np.ndarray, "hypothesis joint 3"]:
    """Where each hypothesis starts, N(0, I). The same for all frames and people: the flow is deterministic, so motion
    that is continuous in 2D stays so in 3D, and no result depends on how frames are batched. In pairs of opposite
    sign (antithetic), one of each pair on the mirrored view: an odd error in the mean cancels. `centred`: the first
    pair starts at 0. `learned`: where those after it start instead, and a small random part (`training.covering`)."""
    generator = np.random.default_rng(seed)
    half = generator.standard_normal(((count + 1) // 2, len(skeleton), 3), dtype=np.float32)
    paired = np.stack([half, -half], axis=1).reshape(-1, len(skeleton), 3)
    if centred:
        paired[:2] = 0
    if learned is not None:
        near = paired[2 : 2 + len(learned)]
        near[:] = START_SPREAD * near + learned[: len(near)]
    return paired[:count]


def centre_weighted(weights: Array) -> Array:
    """Weights (row, hypothesis), with CENTRE for the first two and the rest for the others; they sum to 1."""
    xp, count = array_namespace(weights), weights.shape[1]
    shares = [CENTRE / 2] * min(2, count) + [(1 - CENTRE) / max(1, count - 2)] * (count - 2)
    shared = weights * xp.asarray(shares, dtype=weights.dtype, device=device(weights))
    return shared / xp.sum(shared, axis=1, keepdims=True)


def sample_hypotheses(
    engine: Engine,
    conditioning: Conditioning,
    view: View,
    x_0: Float32[np.ndarray, "#row hypothesis joint 3"],
    *,
    method: str,
    steps: int,
) -> Array:
    """Follow noise `x_0`, of each view or one for all, to what the network gives (row, hypothesis, joint, 3), all as
    the engine holds it; every second hypothesis is sampled from the mirrored view and mirrored back. Views and mirrored
    views go through the network together."""
    rows, count, paired = len(view.condition), x_0.shape[1], x_0.shape[1] // 2 * 2
    starts = engine.put(x_0)
    xp, parts = array_namespace(starts), []

    def for_each(some: Array) -> Array:
        return xp.broadcast_to(some, (rows, *some.shape[1:]))

    if paired:
        condition = np.concatenate([view.condition, view.mirrored])
        halves = xp.concat([for_each(starts[:, part:paired:2]) for part in (0, 1)], axis=0)
        found = follow(engine, condition, halves, method=method, steps=steps)
        pairs = xp.stack([found[:rows], conditioning.unmirror(found[rows:])], axis=2)
        parts.append(xp.reshape(pairs, (rows, paired, *x_0.shape[2:])))
    if paired < count:
        parts.append(follow(engine, view.condition, for_each(starts[:, paired:]), method=method, steps=steps))
    return xp.concat(parts, axis=1) if len(parts) > 1 else parts[0]


def follow(
    engine: Engine, condition: Float32[np.ndarray, "row *inputs"], x_0: Array, *, method: str, steps: int
) -> Array:
    """What the noise `x_0` (row, hypothesis, joint, 3) becomes under one condition for each row, a part of the
    hypotheses at a time; all as the engine holds it."""
    network = partial(engine.velocity, engine.encode(engine.put(condition)))
    most = max(1, engine.together // max(1, len(x_0)))
    parts = [
        sample(method, network, x_0[:, start : start + most], steps=steps) for start in range(0, x_0.shape[1], most)
    ]
    return array_namespace(x_0).concat(parts, axis=1) if len(parts) > 1 else parts[0]
