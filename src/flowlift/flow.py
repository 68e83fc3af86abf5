"""Flow matching: the straight path from noise to poses, the velocity along it, and ODE solvers that follow it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flowlift.errors import InputError

Array = Any  # a NumPy array or a torch tensor; shapes stand in the docstrings
Velocity = Callable[[Array, float], Array]
"""v(x (..., J, 3), t in [0, 1]) -> (..., J, 3)."""


@dataclass(frozen=True)
class PathSample:
    """A point on the path, `x_t` (..., J, 3), and the velocity there that a network learns, `velocity` (..., J, 3)."""

    x_t: Array
    velocity: Array


def path(x_0: Array, x_1: Array, t: Array) -> PathSample:
    """x_t = (1 - t) x_0 + t x_1 and dx_t/dt = x_1 - x_0 (FMPose3D's conditional flow); t broadcasts."""
    return PathSample((1 - t) * x_0 + t * x_1, x_1 - x_0)


def euler(velocity: Velocity, x: Array, t: float, dt: float) -> Array:
    """One step of order 1."""
    return x + dt * velocity(x, t)


def midpoint(velocity: Velocity, x: Array, t: float, dt: float) -> Array:
    """One step of order 2 through the middle of the interval."""
    return x + dt * velocity(x + dt / 2 * velocity(x, t), t + dt / 2)


def heun(velocity: Velocity, x: Array, t: float, dt: float) -> Array:
    """One step of order 2 with the mean of the velocities at both ends."""
    first = velocity(x, t)
    return x + dt / 2 * (first + velocity(x + dt * first, t + dt))


SOLVERS = {"euler": euler, "midpoint": midpoint, "heun": heun}


def times(steps: int, *, warp: float = 1.0) -> tuple[float, ...]:
    """Where `steps` steps begin and end: (i / steps) ** warp. 1: uniform; above 1: shorter steps near t = 0.

    Below 1 the first step stays long, and solvers of order 2 lose some of it. Raises InputError for no step or a warp
    that is not positive.
    """
    if steps < 1:
        raise InputError(f"steps must be at least 1, got {steps}")
    if not (math.isfinite(warp) and warp > 0):
        raise InputError(f"warp must be a positive number, got {warp}")
    return tuple((i / steps) ** warp for i in range(steps + 1))


def integrate(velocity: Velocity, x_0: Array, *, steps: int, solver: str = "euler", warp: float = 1.0) -> Array:
    """Follow the velocity from t = 0 to 1. Raises InputError for no step, a bad warp or an unknown solver."""
    if solver not in SOLVERS:
        raise InputError(f"no solver named {solver!r}; known: {', '.join(SOLVERS)}")
    step, x = SOLVERS[solver], x_0
    for start, end in pairwise(times(steps, warp=warp)):
        x = step(velocity, x, start, end - start)
    return x
