"""Smoothing from the past alone, frame by frame: what `temporal` does to a clip with `causal`, for a stream.

What is kept of the past has a fixed size, and a frame's answer is the one that the whole clip would give it.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from flowlift.kalman import State, predict, started, update
from flowlift.temporal import CAUSAL_DRIVE, CAUSAL_SHARE, FLOOR, TYPICAL, stretches

_PATH_NOISE, _PATH_DRIVE = (1e-3, 1e-3, 1e-2), 4.0
"""Of a path: standard deviations of its direction (radians) and of the logarithm of its distance in a frame; and how
hips move (m^2/s^3): they accelerate by some 3 m/s^2 for some 0.2 s."""


class Joints(NamedTuple):
    """One person's joints up to now, in units of `unit` (m); `cov` (joint, 3, 3): the last that was measured."""

    unit: float
    state: State
    cov: Float64[np.ndarray, "joint 3 3"]


class Measured(NamedTuple):
    """One person in one frame: `xyz` (joint, 3) m, relative to the root, `cov` (joint, 3, 3) m^2."""

    xyz: Float64[np.ndarray, "joint 3"]
    cov: Float64[np.ndarray, "joint 3 3"]


def begin_joints(found: Measured) -> Joints:
    """A person's first frame, or the first after a gap that was too long to bridge."""
    doubt = np.trace(found.cov, axis1=-2, axis2=-1).max()
    unit = max(float(np.sqrt(doubt / 3)), 1e-9) / TYPICAL
    cov = found.cov / unit**2
    return _measured(Joints(unit, started(found.xyz / unit, _noise(cov)), cov), found)


def follow_joints(before: Joints, passed: float, found: Measured | None) -> Joints:
    """`passed` seconds later, with what was then measured, if anything."""
    joints = len(before.cov)
    after = before._replace(state=predict(before.state, passed, np.full(joints, CAUSAL_DRIVE)))
    return after if found is None else _measured(after, found)


def joints_now(now: Joints) -> Measured:
    """Where the joints are, and how sure that is."""
    place, cov = now.state.mean[:, :3], (1 - CAUSAL_SHARE) * now.cov + now.state.cov[:, :3, :3]
    moves = now.cov.any(axis=(1, 2))  # the root does not: it is 0 by definition
    return Measured(place * moves[:, None] * now.unit, cov * moves[:, None, None] * now.unit**2)


def follow_path(before: State | None, passed: float, root: Float64[np.ndarray, "3"] | None) -> State | None:
    """A path (m, camera frame) `passed` seconds later, with the place that was then measured, if any; None before it
    has begun."""
    noise = (np.array(_PATH_NOISE) ** 2)[:, None, None]
    if before is None:
        after = None if root is None else started(_seen(root), noise)
    else:
        distance = np.exp(before.mean[2, 0])
        after = predict(before, passed, np.full(3, _PATH_DRIVE / distance**2))
    if after is None or root is None:
        return after
    return update(after, _seen(root), noise, np.ones(3, dtype=bool), robust=True)[0]


def path_now(now: State | None) -> Float64[np.ndarray, "3"]:
    """The place (m, camera frame); NaN before a path has begun."""
    if now is None:
        return np.full(3, np.nan)
    x, y, log_z = now.mean[:, 0]
    return np.array([x, y, 1.0]) * np.exp(log_z)


def causal_path(
    root: Float64[np.ndarray, "frame person 3"], times: Float64[np.ndarray, " frame"]
) -> Float64[np.ndarray, "frame person 3"]:
    """Each person's path over a clip (m, camera frame), each place from what came until then."""
    path = root.copy()
    for person in range(root.shape[1]):
        there = np.isfinite(root[:, person]).all(axis=-1)
        for frames in stretches(there, times, causal=True):
            now, last = None, times[frames.start]
            for frame in range(frames.start, frames.stop):
                now = follow_path(now, times[frame] - last, root[frame, person] if there[frame] else None)
                path[frame, person], last = path_now(now), times[frame]
    return path


def _measured(predicted: Joints, found: Measured) -> Joints:
    cov = found.cov / predicted.unit**2
    every = np.ones(len(cov), dtype=bool)
    state, _ = update(predicted.state, found.xyz / predicted.unit, _noise(cov), every, robust=True)
    return predicted._replace(state=state, cov=cov)


def _noise(cov: Float64[np.ndarray, "joint 3 3"]) -> Float64[np.ndarray, "joint 3 3"]:
    return CAUSAL_SHARE * cov + FLOOR * np.eye(3)


def _seen(root: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3 1"]:
    """A path is smoothed in direction and in the logarithm of its distance."""
    x, y, z = root
    return np.array([[x / z], [y / z], [np.log(z)]])
