"""A Kalman filter and Rauch-Tung-Striebel smoother for points that move: position and velocity, driven by white noise.

Batches of points share their times; every matrix is small. The state is (position, velocity); acceleration is white
noise of density `q` (m^2/s^3), the same in every direction.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

TAIL = 4.0
"""Degrees of freedom of Student's t, by which measurements far from where they were expected are judged."""

FIRST_SPEED = 3.0
"""Standard deviation (units a second) of the velocity before anything is known of it."""


@dataclass(frozen=True, eq=False)
class Track:
    """Measured points: `y` (frame, point, D) with covariance `r` (frame, point, D, D); `there` (frame, point)."""

    times: Float64[np.ndarray, " frame"]
    y: Float64[np.ndarray, "frame point D"]
    r: Float64[np.ndarray, "frame point D D"]
    there: Bool[np.ndarray, "frame point"]


class State(NamedTuple):
    """What is known of some points at one time: `mean` (position, then velocity) and `cov` of both."""

    mean: Float64[np.ndarray, "point state"]
    cov: Float64[np.ndarray, "point state state"]


class Filtered(NamedTuple):
    """State and covariance at each frame, given the measurements until then, and as predicted before its own."""

    mean: Float64[np.ndarray, "frame point state"]
    cov: Float64[np.ndarray, "frame point state state"]
    predicted_mean: Float64[np.ndarray, "frame point state"]
    predicted_cov: Float64[np.ndarray, "frame point state state"]
    log_likelihood: Float64[np.ndarray, " point"]


class Smoothed(NamedTuple):
    """Positions and their covariance at each frame, given all measurements."""

    mean: Float64[np.ndarray, "frame point D"]
    cov: Float64[np.ndarray, "frame point D D"]


def kalman_filter(track: Track, q: Float64[np.ndarray, " point"], *, robust: bool = False) -> Filtered:
    """Filter forward. A point starts where it is first measured; frames without a measurement are predicted. `robust`:
    a measurement that is far from the prediction is believed less, as if its error had the tails of Student's t."""
    frames, points, dim = track.y.shape
    mean, cov = np.zeros((frames, points, 2 * dim)), np.zeros((frames, points, 2 * dim, 2 * dim))
    predicted_mean, predicted_cov = mean.copy(), cov.copy()
    likelihood = np.zeros(points)
    state = _start(track)
    for t in range(frames):
        if t:
            state = predict(state, track.times[t] - track.times[t - 1], q)
        predicted_mean[t], predicted_cov[t] = state
        state, gained = update(state, track.y[t], track.r[t], track.there[t], robust=robust)
        likelihood += gained
        mean[t], cov[t] = state
    return Filtered(mean, cov, predicted_mean, predicted_cov, likelihood)


def predict(state: State, dt: float, q: Float64[np.ndarray, " point"]) -> State:
    """How points go on over `dt` seconds."""
    step, noise = transition(dt, q, state.mean.shape[1] // 2)
    return State(state.mean @ step.T, step @ state.cov @ step.T + noise)


def update(
    state: State,
    y: Float64[np.ndarray, "point D"],
    r: Float64[np.ndarray, "point D D"],
    there: Bool[np.ndarray, " point"],
    *,
    robust: bool = False,
) -> tuple[State, Float64[np.ndarray, " point"]]:
    """The state with what was measured at its time, and the logarithm of how likely that was; `robust` as above."""
    (m, p), dim = state, y.shape[1]
    s = p[:, :dim, :dim] + r
    inverse = np.linalg.inv(s)
    off = np.where(there[:, None], y - m[:, :dim], 0.0)
    far = np.einsum("pi,pij,pj->p", off, inverse, off)
    surprise = 0.5 * np.log(np.linalg.det(s)) + (TAIL + dim) / 2 * np.log1p(far / TAIL)
    if robust:
        doubt = np.maximum(1.0, (TAIL + far) / (TAIL + dim))
        inverse = np.linalg.inv(p[:, :dim, :dim] + r * doubt[:, None, None])
    gain = p[:, :, :dim] @ inverse * there[:, None, None]
    m = m + np.einsum("pij,pj->pi", gain, off)
    kept = np.eye(2 * dim) - np.concatenate([gain, np.zeros_like(gain)], axis=-1)
    p = kept @ p
    return State(m, (p + np.swapaxes(p, -1, -2)) / 2), -surprise * there


def robust_smooth(track: Track, q: Float64[np.ndarray, " point"], *, rounds: int = 2) -> Smoothed:
    """`rts_smooth` that believes outliers less: measurements far from the smooth path are given larger covariances, as
    if their errors had the tails of Student's t (iteratively reweighted), and all is smoothed anew."""
    found, dim = rts_smooth(track, q), track.y.shape[2]
    for _ in range(rounds):
        off = np.where(track.there[..., None], track.y - found.mean, 0.0)
        far = np.einsum("fpi,fpij,fpj->fp", off, np.linalg.inv(track.r), off)
        doubt = np.maximum(1.0, (TAIL + far) / (TAIL + dim))
        found = rts_smooth(replace(track, r=track.r * doubt[..., None, None]), q)
    return found


def rts_smooth(track: Track, q: Float64[np.ndarray, " point"]) -> Smoothed:
    """Rauch, Tung and Striebel (1965): the filter's answer, improved backwards by what came later."""
    found = kalman_filter(track, q)
    dim = track.y.shape[2]
    mean, cov = found.mean.copy(), found.cov.copy()
    for t in range(len(mean) - 2, -1, -1):
        step, _ = transition(track.times[t + 1] - track.times[t], q, dim)
        back = found.cov[t] @ step.T @ np.linalg.inv(found.predicted_cov[t + 1])
        mean[t] += np.einsum("pij,pj->pi", back, mean[t + 1] - found.predicted_mean[t + 1])
        cov[t] += back @ (cov[t + 1] - found.predicted_cov[t + 1]) @ np.swapaxes(back, -1, -2)
    return Smoothed(mean[..., :dim], cov[..., :dim, :dim])


def transition(
    dt: float, q: Float64[np.ndarray, " point"], dim: int
) -> tuple[Float64[np.ndarray, "state state"], Float64[np.ndarray, "point state state"]]:
    """How a state goes on over `dt` seconds, and the covariance that white acceleration adds."""
    same, carried, place, both, speed = _parts(dim)
    unit = dt**3 / 3 * place + dt**2 / 2 * both + dt * speed
    return same + dt * carried, q[:, None, None] * unit


@cache
def _parts(dim: int) -> Float64[np.ndarray, "5 state state"]:
    """The matrices that a transition is made of: identity, velocity to position, and where each power of dt stands."""
    blocks = np.array([[[1, 0], [0, 1]], [[0, 1], [0, 0]], [[1, 0], [0, 0]], [[0, 1], [1, 0]], [[0, 0], [0, 1]]])
    return np.stack([np.kron(block, np.eye(dim)) for block in blocks])


def started(y: Float64[np.ndarray, "point D"], r: Float64[np.ndarray, "point D D"]) -> State:
    """Before the first measurement: somewhere about it, at any speed that a limb has."""
    points, dim = y.shape
    cov = np.zeros((points, 2 * dim, 2 * dim))
    cov[:, :dim, :dim] = 100 * r + np.eye(dim)
    cov[:, dim:, dim:] = FIRST_SPEED**2 * np.eye(dim)
    return State(np.concatenate([y, np.zeros_like(y)], axis=1), cov)


def _start(track: Track) -> State:
    """Of a whole track: each point where it is first measured."""
    first, every = np.argmax(track.there, axis=0), np.arange(track.y.shape[1])
    return started(np.where(track.there.any(axis=0)[:, None], track.y[first, every], 0.0), track.r[first, every])
