"""Postures that captures of walking and dancing lack: squatting, kneeling, sitting, lying, on all fours.

Made by geometry, with the bones that a body has: how high the hip is above the ground, how far the trunk leans, where
feet and hands rest; knees and elbows follow. People who squat keep their balance: the feet are under the body's middle.
Coordinates of the body as it faces: x to its left, y up, z forward; lengths in legs, angles in radians.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from flowlift.skeletons import HUMAN36M17
from flowlift.training.draw import Draw
from flowlift.training.segments import Bones, about_axis, leg_lengths, segment_frames, unit

ON_FEET, KNEELING, SITTING, LYING, ON_FOURS = range(5)
SHARES = (0.45, 0.12, 0.15, 0.18, 0.10)
"""How often each of them is drawn."""

_CAPTURED, _REACH, _ON_KNEES, _ON_GROUND, _ON_HEAD = range(5)
_HANDS = torch.tensor(
    [
        [0.25, 0.45, 0.15, 0.07, 0.08],
        [0.40, 0.30, 0.12, 0.10, 0.08],
        [0.30, 0.20, 0.20, 0.25, 0.05],
        [0.45, 0.35, 0.05, 0.07, 0.08],
        [0.10, 0.00, 0.00, 0.90, 0.00],
    ]
)
"""Where the hands are, by posture: as captured, reached out, on the knees, on the ground, on the head."""

_S = HUMAN36M17
_SIDES = (("left", 1.0), ("right", -1.0))
_TRUNK = _S.indices(["thorax", "left_shoulder", "right_shoulder"])
_ROLLED = (0.5, 0.15, 0.15, 0.2)
"""How often who lies does so on the back, on each side, on the belly."""
_BUTTOCKS, _ANKLE, _WRIST = 0.1, 0.08, 0.04
"""Heights of the hip, the ankle and the wrist above the ground that they rest on."""

Points = Float[Tensor, "b 3"]
Numbers = Float[Tensor, " b"]


@dataclass(frozen=True, eq=False)
class _Body:
    """Bones on their way into a posture, told in their segments' frames; `pelvis` and `chest` turn those to the world,
    whose origin is the hip. `ground` is how high that lies; `leg` the unit of lengths."""

    bones: Bones
    kind: Int64[Tensor, " b"]
    pelvis: Float[Tensor, "b 3 3"]
    chest: Float[Tensor, "b 3 3"]
    lean: Numbers
    leg: Numbers
    ground: Numbers

    def at(self, *chain: str) -> Points:
        """Where a joint of trunk or legs is: the sum of the bones that lead to it from the hip."""
        return torch.einsum("bij,bj->bi", self.pelvis, self.bones[:, _S.indices(chain)].sum(dim=1))


def in_postures(bones: Bones, draw: Draw, *, shares: Sequence[float] = SHARES) -> tuple[Bones, Float[Tensor, "b 3 3"]]:
    """Put every body into a posture: the new bones, and each pelvis' frame to the world (Y up). Lengths stay.

    `bones` are told in the frames of pelvis and chest (`training.segments`); `shares`: how often each posture is drawn.
    """
    kind = _drawn(torch.tensor(shares, device=bones.device).expand(len(bones), -1), draw)
    body = _legs(_trunk(bones, kind, draw), draw)
    return _arms(body, draw), body.pelvis


def _drawn(shares: Float[Tensor, "b kind"], draw: Draw) -> Int64[Tensor, " b"]:
    return (draw.uniform(len(shares), 1) > shares.cumsum(dim=1)[:, :-1]).sum(dim=1)


def _by_kind(kind: Int64[Tensor, " b"], of: Sequence[Numbers]) -> Numbers:
    return torch.stack(list(of)).gather(0, kind[None])[0]


def _trunk(bones: Bones, kind: Int64[Tensor, " b"], draw: Draw) -> _Body:
    """Lean the chest, and the pelvis by a part of it; a deep squat or seat tucks the pelvis under. Some lean aside."""
    count = len(bones)
    bent = draw.uniform(count) < 0.25
    on_feet = torch.where(bent, draw.between(0.8, 1.8, count), draw.between(-0.15, 1.0, count))
    lean = _by_kind(
        kind,
        [
            on_feet,
            draw.between(-0.3, 0.9, count),
            draw.between(-1.3, 0.8, count),
            0.15 * draw.normal(count) - math.pi / 2,
            draw.between(0.9, 1.8, count),
        ],
    )
    tuck = torch.where(kind <= SITTING, 0.7 * draw.uniform(count), 0.0)
    share = torch.where(kind == LYING, 1.0, draw.between(0.35, 1.0, count))
    pitch = lean * share - tuck
    leant_aside = (kind <= SITTING) & (draw.uniform(count) < 0.3)
    aside = torch.where(leant_aside, draw.between(-0.8, 0.8, count), 0.0)
    by_pelvis = draw.uniform(count)
    bent_aside = aside * (1 - by_pelvis) + 0.1 * draw.normal(count)
    twist = about_axis(1, 0.2 * draw.normal(count)) @ about_axis(2, bent_aside)
    bones = bones.clone()
    bones[:, _TRUNK] = bones[:, _TRUNK] @ (about_axis(0, lean - pitch) @ twist).mT
    spine = _S.index("spine")
    bones[:, [spine]] = bones[:, [spine]] @ about_axis(0, (lean - pitch) / 2).mT
    neck = torch.where(lean > 0, -lean.clamp(max=1.2), 0.4) * draw.uniform(count).sqrt()
    head = _S.indices(["nose", "head"])
    bones[:, head] = bones[:, head] @ about_axis(0, neck).mT
    pelvis = about_axis(2, aside * by_pelvis + 0.1 * draw.normal(count)) @ about_axis(0, pitch)
    chest = pelvis @ segment_frames(bones)[1]
    return _Body(bones, kind, pelvis, chest, lean, leg_lengths(bones), torch.zeros_like(lean))


@dataclass(frozen=True, eq=False)
class _Stance:
    """What both legs share; lengths in legs. `height`: of the hip above the ground. `ahead`, `aside`: how far forward
    and left of it the feet stand. `lunge`: half of how far the left one is before the right. `leant`: a kneeling
    thigh's angle forwards. `own`: whether the left leg is the one that does something of its own, where `one_leg` or
    `one_knee` says so.
    `alike`: whether the legs of who sits or lies do the same."""

    height: Numbers
    ahead: Numbers
    aside: Numbers
    lunge: Numbers
    leant: Numbers
    kneels: Bool[Tensor, " b"]
    one_knee: Bool[Tensor, " b"]
    one_leg: Bool[Tensor, " b"]
    own: Bool[Tensor, " b"]
    on_back: Bool[Tensor, " b"]
    rolled: Numbers
    alike: Bool[Tensor, " b"]
    far: Numbers
    turned_out: Numbers
    raised: Numbers


def _legs(body: _Body, draw: Draw) -> _Body:
    """Place both feet, or the knees; find the ground."""
    stance = _stance(body, draw)
    bones = body.bones.clone()
    for side, sign in _SIDES:
        names = _S.indices([f"{side}_knee", f"{side}_ankle"])
        lengths = bones[:, names].norm(dim=-1)
        hip = body.at(f"{side}_hip")
        placed = bend(_foot(body, stance, hip, sign, draw) - hip, lengths, _knee_side(stance, sign, draw))
        kneels = stance.kneels & (~stance.one_knee | (stance.own == (sign > 0)))
        loose = (body.kind == LYING) & ~stance.on_back
        ways = zip(placed, _kneeling(stance, sign, draw), _lying(stance, sign, draw), strict=True)
        for bone, (stands, rests, lies) in enumerate(ways):
            way = torch.where(kneels[:, None], unit(rests), torch.where(loose[:, None], unit(lies), unit(stands)))
            way = unit(way + 0.05 * draw.normal(len(way), 3))
            bones[:, names[bone]] = torch.einsum("bji,bj->bi", body.pelvis, way) * lengths[:, bone, None]
    rolled = stance.rolled + 0.2 * draw.normal(len(hip))
    roll = about_axis(2, torch.where(body.kind == LYING, rolled, 0.0))
    ground = -stance.height * body.leg
    return replace(body, bones=bones, pelvis=roll @ body.pelvis, chest=roll @ body.chest, ground=ground)


def _stance(body: _Body, draw: Draw) -> _Stance:
    count, kind, leg = len(body.kind), body.kind, body.leg
    on_feet, on_fours = kind == ON_FEET, kind == ON_FOURS
    thigh = body.bones[:, _S.indices(["left_knee", "right_knee"])].norm(dim=-1).mean(dim=1) / leg
    stretched = on_fours & (draw.uniform(count) < 0.4)
    kneels = (kind == KNEELING) | (on_fours & ~stretched)
    one_knee = (kind == KNEELING) & (draw.uniform(count) < 0.5)
    upright = on_fours | one_knee
    leant = torch.where(upright, 0.3 * draw.normal(count), draw.between(-0.25, 1.1, count)).clamp(-0.6, 1.3)

    on_chair = on_feet & (draw.uniform(count) < 0.2)
    upright_leg = draw.between(torch.where(draw.uniform(count) < 0.3, 0.9, 0.17), 0.98, count)
    above_ankles = torch.where(on_chair, draw.between(0.35, 0.75, count), upright_leg)
    above_ankles = torch.where(stretched, draw.between(0.3, 0.9, count), above_ankles)
    height = torch.where(on_feet | stretched, above_ankles + _ANKLE, _BUTTOCKS)
    height = torch.where(kneels, thigh * leant.cos() + _ANKLE / 2, height)

    middle = 0.55 * body.at("spine", "thorax")[:, [0, 2]] / leg[:, None]  # the body's, left and forward of the hip
    over_feet = middle[:, 1] + 0.12 * (1 - above_ankles) + 0.08 * draw.normal(count) - 0.04
    ahead = torch.where(on_chair, draw.between(0.1, 0.6, count), over_feet)
    reach = (0.97**2 - above_ankles.square()).clamp(min=0).sqrt()
    ahead = torch.where(stretched, -reach * draw.between(0.4, 1.0, count), ahead)
    lunge = torch.where(draw.uniform(count) < 0.3, draw.between(-0.45, 0.45, count), 0.03 * draw.normal(count))
    one_leg = on_feet & ~on_chair & (above_ankles > 0.6) & (draw.uniform(count) < 0.45)
    rolled = _by_kind(
        _drawn(leg.new_tensor(_ROLLED).expand(count, -1), draw),
        [torch.full_like(leg, angle) for angle in (0.0, math.pi / 2, -math.pi / 2, math.pi)],
    )
    return _Stance(
        height=height,
        ahead=ahead,
        aside=torch.where(on_feet & ~on_chair, middle[:, 0], 0.0),
        lunge=lunge,
        leant=leant,
        kneels=kneels,
        one_knee=one_knee,
        one_leg=one_leg,
        own=draw.uniform(count) < 0.5,
        on_back=(kind == SITTING) | ((kind == LYING) & (rolled == 0)),
        rolled=rolled,
        alike=draw.uniform(count) < 0.6,
        far=draw.uniform(count),
        turned_out=draw.uniform(count),
        raised=draw.uniform(count),
    )


def _far(stance: _Stance, draw: Draw) -> Numbers:
    """How far one leg goes in what both do, from 0 to 1: nearly as far as the other, or as it likes."""
    count = len(stance.far)
    return torch.where(stance.alike, stance.far + 0.05 * draw.normal(count), draw.uniform(count))


def _foot(body: _Body, stance: _Stance, hip: Points, sign: float, draw: Draw) -> Points:
    """Where an ankle is: on the ground, or somewhere about the hip of who stands on the other leg."""
    count, leg = len(hip), body.leg[:, None]
    far = _far(stance, draw)
    ahead = torch.where(stance.one_leg, stance.ahead, stance.ahead + sign * stance.lunge)
    ahead = torch.where(stance.on_back, 0.2 + 0.8 * far, ahead)
    ahead = torch.where(stance.one_knee, draw.between(0.2, 0.6, count), ahead)
    beside = hip[:, 0] / body.leg + sign * draw.between(-0.05, 0.35, count)
    beside = stance.aside + torch.where(stance.one_leg, 0.05 * draw.normal(count), beside)
    lifted = 0.06 * draw.uniform(count)
    lifted = torch.where(stance.on_back & (stance.raised < 0.12), draw.uniform(count), lifted)
    foot = torch.stack([beside, lifted + _ANKLE - stance.height, ahead], dim=-1) * leg
    straight = draw.uniform(count) < 0.5
    held = torch.where(straight, draw.between(0.88, 1.0, count), draw.between(0.3, 1.0, count))
    held = unit(draw.normal(count, 3) + hip.new_tensor([0.0, -0.9, 0.0])) * held[:, None]
    free = stance.one_leg & (stance.own == (sign > 0))
    return torch.where(free[:, None], hip + held * leg, foot)


def _knee_side(stance: _Stance, sign: float, draw: Draw) -> Points:
    """Which way a knee points: forwards and out; upwards where the legs lie before the body."""
    out = torch.where(stance.on_back, draw.between(-0.4, 1.4, len(stance.height)), 1.4 * stance.turned_out)
    up, forward = torch.where(stance.on_back, 1.0, 0.15), torch.where(stance.on_back, 0.2, 1.0)
    return torch.stack([sign * out, up, forward], dim=-1)


def _kneeling(stance: _Stance, sign: float, draw: Draw) -> tuple[Points, Points]:
    """The ways of thigh and shank with the knee on the ground, the shank behind it."""
    count, leant = len(stance.leant), stance.leant
    thigh = torch.stack([sign * 0.3 * draw.uniform(count), -leant.cos(), leant.sin()], dim=-1)
    aside, up = 0.2 * draw.normal(count), 0.08 * draw.normal(count)
    return thigh, torch.stack([aside, up, -torch.ones_like(up)], dim=-1)


def _lying(stance: _Stance, sign: float, draw: Draw) -> tuple[Points, Points]:
    """The ways of thigh and shank of who lies on a side or the belly, told as if on the back: hip and knee bent."""
    count, prone = len(stance.far), stance.rolled == math.pi
    far = _far(stance, draw)
    hip = torch.where(prone, 0.3 * far - 0.1, 1.8 * far)
    hip = torch.where(prone & (stance.raised > 0.85), 1.5 * draw.uniform(count), hip)
    knee = far * torch.where(prone, 1.6, 2.2) * draw.uniform(count)
    aside = sign * 0.25 * draw.uniform(count)
    thigh, shank = (torch.stack([aside, angle.sin(), angle.cos()], dim=-1) for angle in (hip, hip - knee))
    return thigh, shank


def _arms(body: _Body, draw: Draw) -> Bones:
    """Put the hands where they may be."""
    count, kind, bones = len(body.kind), body.kind, body.bones.clone()
    shares = _HANDS.to(bones.device)[kind]
    both, alike = _drawn(shares, draw), draw.uniform(count) < 0.75
    toward = torch.stack([draw.between(low, high, count) for low, high in ((-0.6, 0.5), (-0.7, 0.6))], dim=-1)
    stretch = 1 - draw.uniform(count) ** 4
    head = body.at("spine", "thorax") + _told(body, bones[:, _S.indices(["nose", "head"])].sum(dim=1))
    for side, sign in _SIDES:
        where = torch.where(alike, both, _drawn(shares, draw))
        names = _S.indices([f"{side}_elbow", f"{side}_wrist"])
        lengths = bones[:, names].norm(dim=-1)
        shoulder = body.at("spine", "thorax", f"{side}_shoulder")
        arm = lengths.sum(dim=1, keepdim=True)
        side_way = torch.where(alike, toward[:, 0], draw.between(-0.6, 0.5, count))
        up_way = torch.where(alike, toward[:, 1], draw.between(-0.7, 0.6, count))
        way = unit(torch.stack([sign * side_way, up_way, torch.ones_like(up_way)], dim=-1))
        way = torch.where((kind == LYING)[:, None], _told(body, way), way)
        out = shoulder + way * arm * (0.5 + 0.5 * torch.where(alike, stretch, 1 - draw.uniform(count) ** 4))[:, None]
        knee = body.at(f"{side}_hip", f"{side}_knee") + 0.1 * body.leg[:, None] * draw.normal(count, 3)
        beside = shoulder[:, 0] + sign * draw.between(-0.05, 0.4, count) * body.leg
        leans_back = (kind == SITTING) & (body.lean < 0.2)
        before = torch.where(
            leans_back,
            -draw.between(0.1, 0.6, count) * body.leg,
            shoulder[:, 2] + 0.2 * draw.normal(count) * body.leg,
        )
        ground = torch.stack([beside, body.ground + _WRIST * body.leg, before], dim=-1)
        crown = head + _told(body, bones.new_tensor([sign * 0.1, -0.02, -0.02]).expand(count, 3))
        targets = torch.stack([out, out, knee, ground, crown])
        target = targets.gather(0, where[None, :, None].expand(1, -1, 3))[0]
        pole = _told(body, bones.new_tensor([sign * 0.7, -0.6, -0.5]) + 0.35 * draw.normal(count, 3))
        placed = torch.stack(bend(target - shoulder, lengths, pole), dim=1)
        placed = torch.einsum("bji,bkj->bki", body.chest, placed)
        bones[:, names] = torch.where((where == _CAPTURED)[:, None, None], bones[:, names], placed)
    return bones


def _told(body: _Body, in_chest: Points) -> Points:
    return torch.einsum("bij,bj->bi", body.chest, in_chest)


def bend(target: Points, lengths: Float[Tensor, "b 2"], pole: Points) -> tuple[Points, Points]:
    """Two bones of some lengths from the origin towards `target`, the joint between them on the side of `pole`.

    As far as they reach: a target too far is pointed at, and no joint folds beyond a fifth of its reach.
    """
    first, second = lengths.unbind(dim=1)
    whole = first + second
    far = torch.minimum(torch.maximum(target.norm(dim=-1), 0.2 * whole), 0.998 * whole)
    far = torch.maximum(far, (first - second).abs() * 1.01)
    along = unit(target)
    onto = (first.square() - second.square() + far.square()) / (2 * far)
    aside = (first.square() - onto.square()).clamp(min=0).sqrt()
    across = unit(pole - (pole * along).sum(dim=-1, keepdim=True) * along)
    middle = along * onto[:, None] + across * aside[:, None]
    return middle, along * far[:, None] - middle
