"""Which frames are trained on, which choose the epoch, and which test: by session, or by stretches of time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from flowlift.datasets.session import Session
from flowlift.errors import InputError

STRETCHES = 10
"""A single session is cut into so many stretches of time."""
CHOOSING, TESTING = (4,), (2, 8)
"""Of them, by number: those that choose the epoch and calibrate, and those that are left for a test."""
APART = 0.01
"""Share of a single session that is left out on both sides of a cut: neighbouring frames are nearly the same."""


@dataclass(frozen=True, eq=False)
class Split:
    """Of each session, which frames (frame,) train, choose and test."""

    train: tuple[Bool[np.ndarray, " frame"], ...]
    choose: tuple[Bool[np.ndarray, " frame"], ...]
    test: tuple[Bool[np.ndarray, " frame"], ...]


def split_of(sessions: Sequence[Session], held_out: Sequence[str] = ()) -> Split:
    """Several sessions: those whose name contains one of the texts `held_out` choose the epoch, without a text the last
    one; nothing of them is left for a test, which takes a session of its own. A single session: `STRETCHES`.

    Raises InputError where a text names no session, or nothing is left to train on.
    """
    if len(sessions) == 1:
        if held_out:
            raise InputError("a single session is held out by stretches of time, not by its name")
        return _by_time(sessions[0])
    for text in held_out:
        if not any(text in session.name for session in sessions):
            raise InputError(f"no session is called like {text!r}; there are {', '.join(s.name for s in sessions)}")
    kept = [any(text in session.name for text in held_out) for session in sessions]
    kept = kept if held_out else [session is sessions[-1] for session in sessions]
    if all(kept):
        raise InputError("every session is held out: nothing is left to train on")
    frames = [len(session.xyz) for session in sessions]
    choose = tuple(np.full(count, keep) for count, keep in zip(frames, kept, strict=True))
    return Split(tuple(~which for which in choose), choose, tuple(np.zeros(count, dtype=bool) for count in frames))


def _by_time(session: Session) -> Split:
    place = np.arange(len(session.xyz)) / len(session.xyz) * STRETCHES
    number = place.astype(int)
    of = np.full(STRETCHES, 0)
    of[list(CHOOSING)], of[list(TESTING)] = 1, 2
    kind = of[number]
    cuts = np.flatnonzero(np.diff(of)) + 1.0
    near = (np.abs(place[:, None] - cuts) < APART * STRETCHES / 2).any(axis=1)
    return Split(*(((kind == which) & ~near,) for which in (0, 1, 2)))
