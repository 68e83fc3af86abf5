"""The likeliest sequence of left-right exchanges of one person's limbs, by the Viterbi algorithm.

A state says which limbs have their sides exchanged. Each state carries on its own expectation of where the joints will
be (position and speed), so that legs which cross while they swing cost nothing, and legs which bounce off one another
do. A change of state costs as much as strong evidence is worth.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from flowlift.limbs import freedom, limbs
from flowlift.skeleton import Skeleton

CHANGE = 16.0
"""What one change costs (of one limb or of the whole body), in units of log likelihood: odds of ten million to 1."""
JITTER, UNSTEADY, FASTEST = 0.012, 12.0, 0.6
"""How far keypoints are off, in body sizes; how much the motion of hands and feet changes, in body sizes / s^2; and by
how much they get away from where they are expected at most, in body sizes / s."""
TWIST, ACROSS = 40.0, 0.01
"""What it costs, per second, that hips and shoulders point opposite ways; in full where the product of the two vectors
from left to right has this size (in body sizes squared)."""
EXPLAINED = 100.0
"""What it costs, per second, to have the sides that explain a body worse: times how much worse (log of a ratio)."""
MINORITY = 1e-5
"""What it costs, per frame and joint, to be exchanged: of two stories equally likely, that which changes less."""
MEMORY = 0.25
"""Seconds after which nothing is known any more of a limb that is missing: what follows is judged by itself."""
_STEADY, _COAST = 0.06, 0.15  # seconds over which speed is averaged, and for which it is believed to last
_SHRINK = 1.0  # seconds in which a body's size follows a smaller one
_TAIL = 4.0
"""Degrees of freedom of Student's t: a keypoint that is far off is a mistake, and says little."""
_NEW = 3.0
"""What a joint costs of which nothing is expected yet."""


@dataclass(frozen=True, eq=False)
class States:
    """All ways to exchange limbs: `bits` (state, limb), and which joint is seen in each one's place (state, joint).

    `change` (from state, to state): what it costs to go from one to the other; all limbs at once are one change too.
    """

    parts: list[list[int]]
    mirror: Int64[np.ndarray, " joint"]
    free: Float64[np.ndarray, " joint"]
    bits: Int64[np.ndarray, "state limb"]
    order: Int64[np.ndarray, "state joint"]
    change: Float64[np.ndarray, "state state"]

    @classmethod
    def of(cls, skeleton: Skeleton) -> "States":
        """Those of a skeleton that has limbs."""
        parts, mirror = limbs(skeleton), np.array(skeleton.mirror)
        bits = (np.arange(2 ** len(parts))[:, None] >> np.arange(len(parts))) & 1
        order = np.tile(np.arange(len(mirror)), (len(bits), 1))
        for limb, joints in enumerate(parts):
            exchanged = bits[:, limb] == 1
            order[np.ix_(exchanged, joints)] = mirror[joints]
        flips = (bits[:, None] ^ bits).sum(axis=-1)
        change = CHANGE * np.minimum(flips, 1 + len(parts) - flips)
        return cls(parts, mirror, freedom(skeleton), bits, order, change)

    @property
    def odd(self) -> Float64[np.ndarray, " state"]:
        """What it costs to begin with some limbs exchanged and others not."""
        exchanged = self.bits.sum(axis=1)
        return CHANGE * np.minimum(exchanged, len(self.parts) - exchanged)

    @property
    def minority(self) -> Float64[np.ndarray, " state"]:
        """What it costs, per frame, to have joints exchanged."""
        return MINORITY * self.bits @ np.array([len(joints) for joints in self.parts])


@dataclass(frozen=True, eq=False)
class Expected:
    """What each state expects: joints `at` (px) with a `speed` (px/s), `seen` at a time (s), -inf where not yet."""

    at: Float64[np.ndarray, "state joint 2"]
    speed: Float64[np.ndarray, "state joint 2"]
    seen: Float64[np.ndarray, "state joint"]

    def costs(
        self, xy: Float64[np.ndarray, "joint 2"], weight: Float[np.ndarray, " joint"], time: float, scale: "Scale"
    ) -> Float64[np.ndarray, "state joint"]:
        """Of finding each joint at `xy`: Student's t about where it is expected. Joints of weight 0 cost nothing."""
        known = np.isfinite(self.seen)
        since = np.where(known, time - self.seen, 0.0)
        off = xy - self.at - self.speed * (_COAST * -np.expm1(-since / _COAST))[..., None]
        spread = scale.size * (JITTER + scale.free * np.minimum(UNSTEADY * since**2, FASTEST * since))
        cost = (_TAIL + 2) / 2 * np.log1p((off**2).sum(axis=-1) / (spread**2 * _TAIL))
        return weight * np.where(known, cost, _NEW)

    def after(
        self,
        before: Int64[np.ndarray, " state"],
        xy: Float64[np.ndarray, "state joint 2"],
        there: Bool[np.ndarray, "state joint"],
        time: float,
    ) -> "Expected":
        """What is expected once each state has come from the state `before` and has found its joints at `xy`."""
        at, speed, seen = self.at[before], self.speed[before], self.seen[before]
        known = there & np.isfinite(seen)
        since = np.maximum(np.where(known, time - seen, 1.0), 1e-6)[..., None]
        faster = speed - np.expm1(-since / _STEADY) * ((xy - at) / since - speed)
        return Expected(
            at=np.where(there[..., None], xy, at),
            speed=np.where(known[..., None], faster, speed),
            seen=np.where(there, time, seen),
        )


@dataclass(frozen=True, eq=False)
class Scale:
    """By what motion is measured: the body's `size`, px, and how `free` each joint is."""

    size: float
    free: Float64[np.ndarray, " joint"]


def search(
    xy: Float64[np.ndarray, "frame joint 2"],
    weight: Float[np.ndarray, "frame joint"],
    times: Float64[np.ndarray, " frame"],
    states: States,
    worse: Float64[np.ndarray, "frame state"],
) -> Bool[np.ndarray, "frame limb"]:
    """Which limbs have their sides exchanged. `xy` px; `weight` 0 where not seen; at least one frame. `worse`: how much
    worse each state explains the body than what was seen does (log of a ratio)."""
    sizes = _sizes(xy, weight, times)
    lasting = np.minimum(np.diff(times, prepend=times[0]), MEMORY)
    twisted = TWIST * lasting[:, None] * _twist(xy / sizes[:, None, None], weight, states)
    twisted += EXPLAINED * lasting[:, None] * worse
    path = _cheapest(xy, weight, times, sizes, twisted + states.minority, states)
    return _settled(states.bits[path], weight, times, twisted, states) == 1


def _cheapest(
    xy: Float64[np.ndarray, "frame joint 2"],
    weight: Float[np.ndarray, "frame joint"],
    times: Float64[np.ndarray, " frame"],
    sizes: Float64[np.ndarray, " frame"],
    own: Float64[np.ndarray, "frame state"],
    states: States,
) -> Int64[np.ndarray, " frame"]:
    """The sequence of states that costs least; `own`: what a state costs by itself, beside motion and changes."""
    mirror, nothing = states.mirror, np.zeros((*states.order.shape, 2))
    expected, total = Expected(nothing, nothing, np.full(states.order.shape, -np.inf)), states.odd
    back = np.zeros(own.shape, dtype=np.int64)
    for frame, time in enumerate(times):
        here, heavy, scale = xy[frame], weight[frame], Scale(float(sizes[frame]), states.free)
        as_seen = _by_limb(expected.costs(here, heavy, time, scale), states)
        mirrored = _by_limb(expected.costs(here[mirror], heavy[mirror], time, scale), states)
        moved = as_seen @ (1 - states.bits.T) + mirrored @ states.bits.T  # from state, to state
        costs = total[:, None] + states.change + moved + own[frame]
        back[frame], total = costs.argmin(axis=0), costs.min(axis=0)
        expected = expected.after(back[frame], here[states.order], heavy[states.order] > 0, time)
    path = np.zeros(len(xy), dtype=np.int64)
    path[-1] = total.argmin()
    for frame in range(len(xy) - 1, 0, -1):
        path[frame - 1] = back[frame, path[frame]]
    return path


def _settled(
    bits: Int64[np.ndarray, "frame limb"],
    weight: Float[np.ndarray, "frame joint"],
    times: Float64[np.ndarray, " frame"],
    twisted: Float64[np.ndarray, "frame state"],
    states: States,
) -> Int64[np.ndarray, "frame limb"]:
    """Each limb as most of its frames between long gaps have it, unless that twists the body."""
    bits, frames = bits.copy(), np.arange(len(bits))
    for limb, joints in enumerate(states.parts):
        for part in stretches(np.flatnonzero(weight[:, joints].any(axis=1)), times):
            if 2 * bits[part, limb].sum() > len(part):
                other = bits.copy()
                other[part, limb] ^= 1
                before, after = (
                    twisted[frames, each @ (1 << np.arange(each.shape[1]))].sum() for each in (bits, other)
                )
                bits = other if after - before <= CHANGE else bits
    return bits


def stretches(
    frames: Int64[np.ndarray, " some"], times: Float64[np.ndarray, " frame"]
) -> list[Int64[np.ndarray, " few"]]:
    """Frame numbers, cut at long gaps."""
    cuts = np.flatnonzero(np.diff(times[frames]) > MEMORY) + 1
    return np.split(frames, cuts) if len(frames) else []


def _sizes(
    xy: Float64[np.ndarray, "frame joint 2"],
    weight: Float[np.ndarray, "frame joint"],
    times: Float64[np.ndarray, " frame"],
) -> Float64[np.ndarray, " frame"]:
    """The body's size, px: the diagonal of the box around what was seen, which shrinks slowly; at least one."""
    there = (weight > 0)[..., None]
    box = np.where(there, xy, -np.inf).max(axis=1) - np.where(there, xy, np.inf).min(axis=1)
    sizes = np.maximum(np.linalg.norm(box, axis=-1), 1.0)
    for frame in range(1, len(sizes)):
        fading = sizes[frame - 1] * np.exp((times[frame - 1] - times[frame]) / _SHRINK)
        sizes[frame] = max(sizes[frame], fading)
    return sizes


def _by_limb(costs: Float64[np.ndarray, "state joint"], states: States) -> Float64[np.ndarray, "state limb"]:
    return np.stack([costs[:, joints].sum(axis=1) for joints in states.parts], axis=1)


def _twist(
    xy: Float64[np.ndarray, "frame joint 2"], weight: Float[np.ndarray, "frame joint"], states: States
) -> Float64[np.ndarray, "frame state"]:
    """By how much the limbs' roots (hips, shoulders) point opposite ways in each state; `xy` in body sizes."""
    left, right = np.array([joints[:2] for joints in states.parts]).T
    there = (weight[:, left] > 0) & (weight[:, right] > 0)
    across = np.where(there[..., None], xy[:, left] - xy[:, right], 0.0)
    alike = np.triu(np.clip(across @ across.swapaxes(1, 2) / ACROSS, -1.0, 1.0), 1)
    side = 1.0 - 2.0 * states.bits
    product = side[:, :, None] * side[:, None]  # state, limb, limb
    return np.maximum(0.0, -alike[:, None] * product).sum(axis=(2, 3))
