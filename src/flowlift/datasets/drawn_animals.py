"""Quadrupeds that nobody animated: proportions and postures drawn at random, put together by geometry.

Animations of a few rigs lack most animals, and most of what animals do: sit, lie, rear, look back. Coordinates of an
animal as it faces: x to its left, y up, z forward; angles in degrees; the trunk, neck to tail base, is 1 long.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from flowlift.datasets.quadruped_postures import FRONT_LIFTED, HIND_LIFTED, POSTURES, Legs, Posture
from flowlift.datasets.quadruped_proportions import Proportions, draw_proportions
from flowlift.skeletons import ANIMAL3D26

Numbers = Float64[np.ndarray, " pose"]
Points = Float64[np.ndarray, "pose 3"]
Frames = Float64[np.ndarray, "pose 3 3"]
"""Columns: left, up, forward."""

POSES = 80
"""Of each animal."""
_AT = {joint: index for index, joint in enumerate(ANIMAL3D26.joints)}
_SIDES = (("left", 1.0), ("right", -1.0))
_HIND_RESTS = [_AT[f"{side}_back_{joint}"] for side, _ in _SIDES for joint in ("knee", "paw")]
_FRONT_RESTS = [_AT[f"{side}_front_{joint}"] for side, _ in _SIDES for joint in ("thigh", "knee", "paw")]
"""What animals rest on, besides the trunk's ends."""
_CHEST, _BUTTOCKS = 0.35, 0.12
"""How far the trunk's ends lie above the ground when an animal rests on them."""
_ROUNDS = 8
"""So often the trunk is leant nearer to where front and hind rest on one ground."""


def drawn_animals(count: int, *, seed: int = 0) -> list[Float32[np.ndarray, "pose 26 3"]]:
    """POSES poses of each of so many animals, on animal3d26: Y up, about the tail base, in body lengths (nose to neck
    to tail base as it stands). The first ones are the same however many there are."""
    animals = []
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        body = draw_proportions(rng)
        drawn = rng.multinomial(POSES, [posture.share for posture in POSTURES.values()])
        poses = [
            draw_poses(body, posture, int(often), rng)
            for posture, often in zip(POSTURES.values(), drawn, strict=True)
            if often
        ]
        animals.append(np.concatenate(poses).astype(np.float32))
    return animals


def draw_poses(
    body: Proportions, posture: Posture, count: int, rng: np.random.Generator
) -> Float64[np.ndarray, "pose 26 3"]:
    """A body in a posture, as often as asked: (count, 26, 3), about the tail base, in the body's lengths."""
    turn = np.where(rng.random(count) < 0.3, rng.normal(0, 35, count), rng.normal(0, 5, count)).clip(-75, 75)
    stance = _Stance(
        turn=turn,
        hump=rng.normal(0, posture.humped, count),
        pelvis_roll=rng.normal(0, 5, count),
        chest_roll=rng.normal(0, 5, count),
        front=_legs(body.front_stands, posture, True, rng, count),
        hind=_legs(body.hind_stands, posture, False, rng, count),
        opened=rng.uniform(*posture.opened, (2, 2, count)),
    )
    pitch = rng.uniform(*posture.pitch, count)
    xyz = np.zeros((count, len(ANIMAL3D26), 3))
    ground = _place_legs(xyz, body, posture, stance, pitch)
    for _ in range(_ROUNDS if posture.stands else 0):
        pitch = (pitch + 0.8 * np.degrees(np.arctan(ground[0] - ground[1]))).clip(-60, 75)
        ground = _place_legs(xyz, body, posture, stance, pitch)
    _place_head(xyz, body, turn, pitch, rng)
    _place_tail(xyz, body, turn, pitch, np.minimum(*ground) if posture.stands else np.full(count, -np.inf), rng)
    rolled = rng.choice([-1.0, 1.0], count) * rng.uniform(*posture.rolled, count)
    return np.einsum("nij,nkj->nki", _frames(_way(np.zeros(count), np.zeros(count)), rolled), xyz) / body.size


@dataclass(frozen=True, eq=False)
class _Stance:
    """What was drawn of poses: how far the spine turns left (`turn`) and bends (`hump`); `front`, `hind`: angles of the
    legs' bones (2, pose, 3), left and right; `opened` (front or hind, side, pose)."""

    turn: Numbers
    hump: Numbers
    pelvis_roll: Numbers
    chest_roll: Numbers
    front: Float64[np.ndarray, "2 pose 3"]
    hind: Float64[np.ndarray, "2 pose 3"]
    opened: Float64[np.ndarray, "2 2 pose"]


def _legs(
    stands: Float64[np.ndarray, "3"], posture: Posture, front: bool, rng: np.random.Generator, count: int
) -> Float64[np.ndarray, "2 pose 3"]:
    """Angles of the bones of left and right legs: as they stand and swing, or as the posture holds them."""
    held, lifted = (posture.front, FRONT_LIFTED) if front else (posture.hind, HIND_LIFTED)
    if held:
        ways = np.stack([_within(legs, rng, count) for legs in held])
        angles = ways[rng.integers(len(held), size=count), :, np.arange(count)].swapaxes(0, 1)
    else:
        angles = stands + _swung(posture, front, rng, count)
    angles = np.where(rng.random((2, count, 1)) < posture.lifted, _within(lifted, rng, count), angles)
    return angles + rng.normal(0, 5, (2, count, 3))


def _within(legs: Legs, rng: np.random.Generator, count: int) -> Float64[np.ndarray, "2 pose 3"]:
    """Angles within ranges; left and right are often alike."""
    low, high = np.array(legs).T
    own = rng.uniform(low, high, (2, count, 3))
    return np.where(rng.random((count, 1)) < 0.5, own[:1], own)


def _swung(posture: Posture, front: bool, rng: np.random.Generator, count: int) -> Float64[np.ndarray, "2 pose 3"]:
    """How far a gait turns the bones of left and right legs. A leg that swings forward is bent."""
    phases = np.array(posture.phases)[[1, 3] if front else [0, 2], None]
    when = 2 * np.pi * (rng.random(count) + phases + rng.normal(0, posture.uneven, (2, count)))
    swing = rng.uniform(*posture.swing, count)
    bent = np.clip(-np.sin(when), 0, None) * rng.uniform(0.3, 1.1, count) * (posture.swing[1] > 0)
    far = (0.7, 1.0, 1.0) if front else (0.7, 0.8, 0.9)
    bend = (25.0, 35.0, -75.0) if front else (25.0, -35.0, -5.0)
    return (swing * np.cos(when))[..., None] * far + bent[..., None] * bend


def _place_legs(
    xyz: Float64[np.ndarray, "pose 26 3"], body: Proportions, posture: Posture, stance: _Stance, pitch: Numbers
) -> tuple[Numbers, Numbers]:
    """Put the neck and the legs on a trunk that rises so far. How low hind and front reach."""
    neck = _way(pitch, np.zeros_like(pitch))
    xyz[:, _AT["neck"]] = neck
    pelvis = _frames(_way(pitch + stance.hump, -stance.turn / 2), stance.pelvis_roll)
    chest = _frames(_way(pitch - stance.hump, stance.turn / 2), stance.chest_roll)
    carried = pitch if posture.held else np.zeros_like(pitch)
    for index, (side, sign) in enumerate(_SIDES):
        mirror = np.array([sign, 1.0, 1.0])
        at = pelvis @ (body.hip * mirror)
        for bone, joint in enumerate(("back_thigh", "back_knee", "back_paw")):
            angle = stance.hind[index, :, bone]
            at = at + body.hind[bone] * _hanging(angle, sign * stance.opened[1, index], -stance.turn / 2)
            xyz[:, _AT[f"{side}_{joint}"]] = at
        at = neck + chest @ (body.shoulder * mirror)
        xyz[:, _AT[f"{side}_shoulder"]] = at
        for bone, joint in enumerate(("front_thigh", "front_knee", "front_paw")):
            angle = stance.front[index, :, bone] + carried
            at = at + body.front[bone] * _hanging(angle, sign * stance.opened[0, index], stance.turn / 2)
            xyz[:, _AT[f"{side}_{joint}"]] = at
    return (
        np.minimum(xyz[:, _HIND_RESTS, 1].min(axis=1), -_BUTTOCKS),
        np.minimum(xyz[:, _FRONT_RESTS, 1].min(axis=1), neck[:, 1] - _CHEST),
    )


def _place_head(
    xyz: Float64[np.ndarray, "pose 26 3"], body: Proportions, turn: Numbers, pitch: Numbers, rng: np.random.Generator
) -> None:
    """Neck and head: as the body carries them, low (one in five, as who grazes) or high, ahead or looking about."""
    count, mood = len(xyz), rng.random(len(xyz))
    rise = body.neck_up + 0.25 * pitch + rng.normal(0, 12, count)
    rise = np.where(mood > 0.85, body.neck_up + rng.uniform(10, 45, count), rise)
    rise = np.where(mood < 0.2, rng.uniform(-65, -20, count), rise).clip(-75, 88)
    head = body.head_up + 0.35 * (rise - body.neck_up) + rng.normal(0, 14, count)
    head = np.where(mood < 0.2, rng.uniform(-80, -20, count), head).clip(-88, 70)
    aside = 0.7 * turn + rng.normal(0, np.where(rng.random(count) < 0.3, 45, 12))
    rolled = rng.normal(0, np.where(rng.random(count) < 0.1, 20, 8))
    skull = _frames(_way(head, aside + rng.normal(0, np.where(rng.random(count) < 0.3, 35, 10))), rolled)
    nape = xyz[:, _AT["neck"]] + body.neck * _way(rise, aside)

    def put(joint: str, point: Float64[np.ndarray, "*pose 3"]) -> None:
        xyz[:, _AT[joint]] = nape + body.skull * np.einsum("nij,nj->ni", skull, np.broadcast_to(point, (count, 3)))

    put("nose", np.array([0.0, 0.0, 1.0]))
    opened = np.abs(rng.normal(0, 0.06, count)) * (rng.random(count) < 0.3)
    put("mouth_mid", body.mouth - opened[:, None] * [0.0, 1.0, 0.0])
    for side, sign in _SIDES:
        mirror = np.array([sign, 1.0, 1.0])
        put(f"{side}_eye", body.eye * mirror)
        put(f"{side}_mouth_corner", body.corner * mirror)
        moved = rng.normal(0, 0.25, (count, 3)) * np.linalg.norm(body.ear_tip)
        put(f"{side}_ear", (body.ear + body.ear_tip + moved) * mirror)


def _place_tail(
    xyz: Float64[np.ndarray, "pose 26 3"],
    body: Proportions,
    turn: Numbers,
    pitch: Numbers,
    ground: Numbers,
    rng: np.random.Generator,
) -> None:
    """A tail that turns up or down evenly, and wags; it lies where it would go into the ground."""
    count, half = len(xyz), body.tail / 2
    rise = body.tail_up - 0.3 * pitch + rng.normal(0, 20, count)
    curl = body.tail_curl + rng.normal(0, 20, count)
    aside = 180 - 0.7 * turn + rng.normal(0, 25, count)
    end = xyz[:, _AT["tail_base"]]
    for joint, turned, wagged in (("tail_mid", 0.25, 0.0), ("tail_end", 0.75, rng.normal(0, 20, count))):
        least = ((ground - end[:, 1]) / half).clip(-1, 1)
        end = end + half * _at_least(least, _way(rise + turned * curl, aside + wagged))
        xyz[:, _AT[joint]] = end


def _way(rise: Numbers, aside: Numbers) -> Points:
    """Directions that rise from the ground, turned from forward to the left."""
    rise, aside = np.radians(rise), np.radians(aside)
    return np.stack([np.cos(rise) * np.sin(aside), np.sin(rise), np.cos(rise) * np.cos(aside)], axis=-1)


def _at_least(least: Numbers, way: Points) -> Points:
    """Directions that rise at least so far (a sine), the same way round."""
    rise = np.maximum(way[:, 1], least)
    level = np.maximum(np.hypot(way[:, 0], way[:, 2]), 1e-9)
    flat = np.sqrt(1 - rise**2) / level
    return np.stack([way[:, 0] * flat, rise, way[:, 2] * flat], axis=-1)


def _hanging(angle: Numbers, left: Numbers, aside: Numbers) -> Points:
    """Directions of bones that hang from a body that looks aside: so far forward, and opened to the left."""
    angle, left = np.radians(angle), np.radians(left)
    x, y, z = np.sin(left) * np.cos(angle), -np.cos(left) * np.cos(angle), np.sin(angle)
    c, s = np.cos(np.radians(aside)), np.sin(np.radians(aside))
    return np.stack([c * x + s * z, y, c * z - s * x], axis=-1)


def _frames(forward: Points, roll: Numbers) -> Frames:
    """Frames that look forward, with left level, then rolled."""
    left = np.cross([0.0, 1.0, 0.0], forward)
    left = left / np.linalg.norm(left, axis=-1, keepdims=True)
    up = np.cross(forward, left)
    c, s = np.cos(np.radians(roll))[:, None], np.sin(np.radians(roll))[:, None]
    return np.stack([c * left + s * up, c * up - s * left, forward], axis=-1)
