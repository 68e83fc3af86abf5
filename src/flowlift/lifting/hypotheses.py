"""Where hypotheses start, and how they are sampled: half of them from the mirrored view, and mirrored back."""

from functools import partial

import numpy as np
from jaxtyping import Float32

from flowlift.lifting.view import Conditioning, States, View
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


def centre_weighted(weights: Float32[np.ndarray, "row hypothesis"]) -> Float32[np.ndarray, "row hypothesis"]:
    """Weights of hypotheses, with CENTRE for the first two and the rest for the others; they sum to 1."""
    count = weights.shape[1]
    share = np.full(count, (1 - CENTRE) / max(1, count - 2), dtype=np.float32)
    share[:2] = CENTRE / 2
    shared = weights * share
    return shared / shared.sum(axis=1, keepdims=True)


def sample_hypotheses(
    engine: Engine, conditioning: Conditioning, view: View, x_0: States, *, method: str, steps: int
) -> States:
    """Follow noise `x_0` (one row a view) to poses as the network gives them; every second one is sampled from the
    mirrored view and mirrored back. Views and mirrored views go through the network together."""
    rows, paired = len(x_0), x_0.shape[1] // 2 * 2
    states = np.empty_like(x_0)
    if paired:
        starts = np.concatenate([x_0[:, 0:paired:2], x_0[:, 1:paired:2]])
        condition = np.concatenate([view.condition, view.mirrored])
        found = follow(engine, condition, starts, method=method, steps=steps)
        states[:, 0:paired:2] = found[:rows]
        states[:, 1:paired:2] = conditioning.unmirror(found[rows:])
    if paired < x_0.shape[1]:
        states[:, paired:] = follow(engine, view.condition, x_0[:, paired:], method=method, steps=steps)
    return states


def follow(
    engine: Engine, condition: Float32[np.ndarray, "row *inputs"], x_0: States, *, method: str, steps: int
) -> States:
    """What the noise `x_0` becomes under one condition for each row, a part of the hypotheses at a time. It stays where
    the engine is until it is a pose."""
    network = partial(engine.velocity, engine.encode(engine.put(condition)))
    most = max(1, engine.together // max(1, len(x_0)))
    parts = [
        engine.take(sample(method, network, engine.put(x_0[:, start : start + most]), steps=steps))
        for start in range(0, x_0.shape[1], most)
    ]
    return np.concatenate(parts, axis=1)
