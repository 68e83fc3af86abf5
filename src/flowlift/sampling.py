"""From noise to poses, for every way of learning that is compared: flow, diffusion, and those that need one call.

All share one interface: a network `net(x (..., J, 3), t) -> (..., J, 3)` that already knows the 2D, and noise
(..., J, 3) from N(0, I) to start from. What the network's answer means is what differs.
"""

from collections.abc import Callable
from itertools import pairwise
from math import cos, pi, sin
from typing import Any, Literal, get_args

from flowlift.errors import InputError
from flowlift.flow import integrate, times

Array = Any  # a NumPy array or a torch tensor; shapes stand in the docstrings
Network = Callable[[Array, float], Array]
Method = Literal["flow", "flow-x1", "diffusion", "regression", "cvae", "normalizing-flow"]
METHODS: tuple[str, ...] = get_args(Method)
LATEST = 1 - 1e-2
"""Largest t at which a predicted pose is turned into a velocity: that divides by 1 - t."""
SAMPLES_ONE = "regression"
"""The method that knows a single answer, whatever the noise."""


def velocity_to(pose: Array, x: Array, t: Any) -> Array:
    """The velocity (x_1 - x_t) / (1 - t) of a flow whose network predicts the pose x_1; t broadcasts."""
    left = 1 - min(t, LATEST) if isinstance(t, float) else (1 - t).clip(min=1 - LATEST)
    return (pose - x) / left


def signal_and_noise(t: float) -> tuple[float, float]:
    """How much of the pose and of the noise is in x_t of a diffusion; their squares add up to 1. t = 0 is noise.

    The cosine schedule (Nichol and Dhariwal, 2021) in the direction of time that the flow has.
    """
    return sin(pi / 2 * t), cos(pi / 2 * t)


def ddim(network: Network, x_0: Array, *, steps: int) -> Array:
    """Deterministic diffusion sampling (DDIM, Song et al. 2021); the network predicts the pose."""
    x = x_0
    for start, end in pairwise(times(steps)):
        pose = network(x, start)
        signal, noise = signal_and_noise(start)
        x = _mixed(pose, (x - signal * pose) / noise, end)
    return x


def ddpm(network: Network, x_0: Array, *, steps: int, draw: Callable[[], Array]) -> Array:
    """Ancestral diffusion sampling (DDPM, Ho et al. 2020): fresh noise, as `draw()` gives it, enters at each step."""
    x = x_0
    for start, end in pairwise(times(steps)):
        pose = network(x, start)
        (signal, noise), (next_signal, next_noise) = signal_and_noise(start), signal_and_noise(end)
        # The posterior of x at `end` given x and the pose: its variance is what DDIM with eta = 1 adds.
        fresh = next_noise / noise * (max(0.0, 1 - (signal / max(next_signal, 1e-12)) ** 2)) ** 0.5
        kept = max(0.0, next_noise**2 - fresh**2) ** 0.5
        x = next_signal * pose + kept * (x - signal * pose) / noise + fresh * draw()
    return x


def _mixed(pose: Array, noise: Array, t: float) -> Array:
    a, b = signal_and_noise(t)
    return a * pose + b * noise


def sample(method: str, network: Network, x_0: Array, *, steps: int, solver: str = "euler", warp: float = 1.0) -> Array:
    """Poses (..., J, 3) from noise (..., J, 3). `steps` counts for flow and diffusion; the others call once.

    Raises InputError for an unknown method, no step or an unknown solver.
    """
    if method == "flow":
        return integrate(network, x_0, steps=steps, solver=solver, warp=warp)
    if method == "flow-x1":
        return integrate(lambda x, t: velocity_to(network(x, t), x, t), x_0, steps=steps, solver=solver, warp=warp)
    if method == "diffusion":
        return ddim(network, x_0, steps=steps)
    if method not in METHODS:
        raise InputError(f"no method {method!r}; known: {', '.join(METHODS)}")
    return network(0 * x_0 if method == SAMPLES_ONE else x_0, 0.0)
