"""Two results of one motion, or a result and the truth: brought together in time, joints and space, and compared."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from flowlift.angles import Angles, angles_in, angles_of, vertical_of
from flowlift.camera import Camera
from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.evaluation.calibration import inside
from flowlift.evaluation.metrics import procrustes
from flowlift.ground import on_ground
from flowlift.skeleton import Skeleton
from flowlift.view.spread import mean_over

FEWEST = 4
"""Joints that two poses must share to be compared."""
LEVELS = np.linspace(0.05, 0.95, 19)
"""Probabilities of the regions whose reliability is measured."""
_GAP = 1.5
"""Between frames farther apart than this, in usual steps, nothing is filled in."""
_SIDES = {"l": "left", "r": "right", "left": "left", "right": "right"}
_HIPS = ("left_hip", "right_hip")


@dataclass(frozen=True, eq=False)
class Pair:
    """One person in two results, at the same times, with the same joints, relative to the same point, in one frame.

    `a`, `b` (frame, joint, 3): in their `units`, NaN where unknown. `cov` (frame, joint, 3, 3): of `a`. `left_out`: how
    many frames of `a` are not compared. `turned`: whether `b` was turned to fit; `offset`: what was added to its times.
    `clock`: "s", or "frames" where none tells its rate. `only_a`, `only_b`: joints without a partner. `poses`: both of
    them as poses, for their angles.
    """

    times: Float64[np.ndarray, " frame"]
    joints: tuple[str, ...]
    a: Float64[np.ndarray, "frame joint 3"]
    b: Float64[np.ndarray, "frame joint 3"]
    cov: Float64[np.ndarray, "frame joint 3 3"]
    left_out: int
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    turned: bool
    offset: float
    clock: str
    units: tuple[str, str]
    poses: tuple[Poses3D, Poses3D]


def canonical(joint: str) -> str:
    """A joint's name as flowlift writes it, however its words are joined and its side is told.

    >>> [canonical(name) for name in ("LKnee", "Left Knee", "R_Wrist", "hip", "left_big_toe", "KNEE_R")]
    ['left_knee', 'left_knee', 'right_wrist', 'hip', 'left_big_toe', 'right_knee']
    """
    apart = re.sub(r"^([LR])(?=[A-Z][a-z])", r"\1_", joint)
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+", apart)
    lower = [word.lower() for word in words]
    for place in (0, -1):
        if len(lower) > 1 and lower[place] in _SIDES:
            side = _SIDES[lower.pop(place)]
            return "_".join([side, *lower])
    return "_".join(lower)


def _names(skeleton: Skeleton) -> tuple[str, ...]:
    """The joints' canonical names; where several have the same one, their own."""
    called = [canonical(joint) for joint in skeleton.joints]
    return tuple(
        name if called.count(name) == 1 else joint for name, joint in zip(called, skeleton.joints, strict=True)
    )


def partner(second: Poses3D, person: int, other: int | None) -> int:
    """Who of the second is held against `person` of the first: `other` where it is told, the only one there is, else
    the one of the same number."""
    if other is not None:
        return other
    return 0 if second.people == 1 else person


def bring_together(
    a: Poses3D, b: Poses3D, *, people: tuple[int, int] = (0, 0), offset: float = 0.0, turn: bool | None = None
) -> Pair:
    """Match one person of each by time and by the names of joints.

    `b` is interpolated to the times of `a`, after `offset` (s) is added to its own. `turn`: turn `b` by the one
    rotation that fits the whole clip best; by default where their cameras do not say that they have the same axes.
    In each frame both are taken relative to the middle of the hips, where both know them; else to the joint `hip`, else
    to the mean of the joints that both know. Frames in which those are fewer than `FEWEST` are left out. Two results
    of which none tells its frame rate are matched by the numbers of their frames. Raises InputError for people, times
    or joints that do not meet.
    """
    clock = _common_clock(a, b)
    for which, poses, person in zip(("first", "second"), (a, b), people, strict=True):
        if not 0 <= person < poses.people:
            raise InputError(
                f"there is no person {person} in the {which}: it has {poses.people}, and they count from 0"
            )
    names_a, names_b = (_names(poses.skeleton) for poses in (a, b))
    shared = tuple(name for name in names_a if name in names_b)
    if len(shared) < FEWEST:
        raise InputError(
            f"the two share {len(shared)} joints, at least {FEWEST} are needed; one has {', '.join(names_a)}, "
            f"the other {', '.join(names_b)}"
        )
    times = _clock(a)
    xyz_b, there = _at(times, _clock(b) + offset, b.xyz[:, people[1]].astype(np.float64))
    xyz_a = a.xyz[:, people[0]].astype(np.float64)
    both = there & np.isfinite(xyz_a).any(axis=(1, 2))
    if not both.any():
        span = " and ".join(
            f"{t[0]:g} to {t[-1]:g} {clock}" if len(t) else "no frames" for t in (times, _clock(b) + offset)
        )
        raise InputError(f"the two have no frame in common: {span}; --offset moves the second")
    rows_a, rows_b = ([names.index(name) for name in shared] for names in (names_a, names_b))
    known = np.isfinite(xyz_a[:, rows_a]).all(axis=2) & np.isfinite(xyz_b[:, rows_b]).all(axis=2)
    both &= known.sum(axis=1) >= FEWEST
    if not both.any():
        raise InputError(
            f"in no frame do both know {FEWEST} of the joints that they share: {', '.join(shared)}; "
            "--offset moves the second"
        )
    centre = _centre(known[both], shared)
    placed_a, placed_b = _about(centre, xyz_a[both][:, rows_a]), _about(centre, xyz_b[both][:, rows_b])
    turned = turn if turn is not None else not _same_axes(a.camera, b.camera)
    rotation = _rotation(placed_b, placed_a) if turned else np.eye(3)
    return Pair(
        times=times[both],
        joints=shared,
        a=placed_a,
        b=placed_b @ rotation.T,
        cov=a.cov[both, people[0]][:, rows_a].astype(np.float64),
        left_out=int((~both).sum()),
        only_a=tuple(name for name in names_a if name not in shared),
        only_b=tuple(name for name in names_b if name not in shared),
        turned=turned,
        offset=offset,
        clock=clock,
        units=(a.unit, b.unit),
        poses=(
            _alone(a, xyz_a[both], names_a, a.cov[both, people[0]]),
            _alone(b, xyz_b[both] @ rotation.T, names_b, None),
        ),
    )


def _common_clock(a: Poses3D, b: Poses3D) -> str:
    """What times of both are in. Raises InputError where one tells its frame rate and the other, a clip, does not."""
    timed = [poses.timed for poses in (a, b)]
    for which, poses, known in zip(("first", "second"), (a, b), timed, strict=True):
        if any(timed) and not known and len(poses) > 1:
            raise InputError(f"the {which} does not tell its frame rate, so its times are not known; lift with --fps")
    return "s" if any(timed) else "frames"


def _same_axes(one: Camera | None, other: Camera | None) -> bool:
    """Whether two results were seen by cameras that stand alike; without one, a result's axes are its own."""
    if one is None or other is None or one.placed != other.placed:
        return False
    if not one.placed or one.rotation is None or other.rotation is None:
        return True
    return bool(np.allclose(one.rotation, other.rotation, atol=1e-4))


def find_offset(a: Poses3D, b: Poses3D, *, people: tuple[int, int] = (0, 0), within: float = 5.0) -> float:
    """The seconds to add to the times of `b` so that both show the same poses at the same time.

    What is tried: every shift by a frame, up to `within` seconds either way, that leaves at least half of the shorter
    clip in common; by the P-MPJPE, in up to 60 frames, of the joints that both mostly know. Raises InputError where
    there is no such shift.
    """
    step = min(_step(_clock(a)), _step(_clock(b)))
    least = min(len(a), len(b)) / 2 * step
    best: tuple[float, float] | None = None
    for count in sorted(range(-round(within / step), round(within / step) + 1), key=abs):
        try:
            pair = bring_together(a, b, people=people, offset=count * step, turn=False)
        except InputError:
            continue
        if pair.times[-1] - pair.times[0] + step < least:
            continue
        some = np.linspace(0, len(pair.times) - 1, min(60, len(pair.times))).round().astype(int)
        both = np.isfinite(pair.a[some]).all(axis=2) & np.isfinite(pair.b[some]).all(axis=2)
        joints = both.mean(axis=0) >= 0.5
        known = some[both[:, joints].all(axis=1)]
        if joints.sum() < FEWEST or len(known) < min(10, len(some)):
            continue
        one, other = pair.a[known][:, joints], pair.b[known][:, joints]
        error = float(np.linalg.norm(procrustes(one, other)(one) - other, axis=-1).mean())
        if best is None or error < best[0]:
            best = error, count * step
    if best is None:
        raise InputError(f"no shift within {within:g} s shows half of the shorter clip in both; give --offset")
    return best[1]


@dataclass(frozen=True, eq=False)
class JointErrors:
    """Distances (frame, joint) between two results, m: as they are, after the best scale, and after the best similarity
    of each frame; NaN where either is unknown. `inside` (frame, joint): whether `b` lies in the 90 % region of `a`;
    NaN where there is none."""

    mpjpe: Float64[np.ndarray, "frame joint"]
    n_mpjpe: Float64[np.ndarray, "frame joint"]
    p_mpjpe: Float64[np.ndarray, "frame joint"]
    inside: Float64[np.ndarray, "frame joint"]


def joint_errors(pair: Pair) -> JointErrors:
    """How far apart the two are, joint by joint; `b` counts as the truth."""
    known = np.isfinite(pair.a).all(axis=-1) & np.isfinite(pair.b).all(axis=-1)
    counted = known.astype(np.float64)
    given, true = (np.where(known[..., None], xyz, 0.0) for xyz in (pair.a, pair.b))
    power = (counted[..., None] * given**2).sum(axis=(1, 2))
    scale = (counted[..., None] * given * true).sum(axis=(1, 2)) / np.where(power > 0, power, 1.0)
    enough = known.sum(axis=1) >= FEWEST
    aligned = np.full_like(given, np.nan)
    if enough.any():
        aligned[enough] = procrustes(given[enough], true[enough], weights=counted[enough])(given[enough])

    def apart(xyz: Float64[np.ndarray, "frame joint 3"]) -> Float64[np.ndarray, "frame joint"]:
        return np.where(known, np.linalg.norm(xyz - true, axis=-1), np.nan)

    return JointErrors(apart(given), apart(scale[:, None, None] * given), apart(aligned), _covered(pair, known))


def _covered(
    pair: Pair, known: Bool[np.ndarray, "frame joint"], level: float = 0.9
) -> Float64[np.ndarray, "frame joint"]:
    stated = known & np.isfinite(pair.cov).all(axis=(-2, -1)) & (np.abs(pair.cov).max(axis=(-2, -1)) > 0)
    covered = np.full(known.shape, np.nan)
    if stated.any():
        covered[stated] = inside(pair.a[stated], pair.cov[stated], pair.b[stated], level=level)
    return covered


@dataclass(frozen=True, eq=False)
class AngleErrors:
    """`names`; `a`, `b` (frame, angle): degrees; `deviation` (frame, angle): what `a` states."""

    names: tuple[str, ...]
    a: Float64[np.ndarray, "frame angle"]
    b: Float64[np.ndarray, "frame angle"]
    deviation: Float64[np.ndarray, "frame angle"]


def angle_errors(pair: Pair) -> AngleErrors | None:
    """The joint angles that both skeletons have; None where there are none."""
    one, other = pair.poses
    if not angles_in(one.skeleton) or not angles_in(other.skeleton):
        return None
    up = vertical_of(one.camera, settled=on_ground(one))
    first, second = angles_of(one, up=up), angles_of(other, up=up)
    names = tuple(name for name in first.names if name in second.names)
    return AngleErrors(names, _columns(first, names), _columns(second, names), _columns(first, names, deviation=True))


def _columns(angles: Angles, names: tuple[str, ...], *, deviation: bool = False) -> Float64[np.ndarray, "frame angle"]:
    values = angles.deviation if deviation else angles.degrees
    return values[:, 0, [angles.names.index(name) for name in names]].astype(np.float64)


def _clock(poses: Poses3D) -> Float64[np.ndarray, " frame"]:
    return np.asarray(poses.frame_times, dtype=np.float64)


def _step(times: Float64[np.ndarray, " frame"]) -> float:
    return float(np.median(np.diff(times))) if len(times) > 1 else 1.0


def _at(
    wanted: Float64[np.ndarray, " n"], times: Float64[np.ndarray, " frame"], xyz: Float64[np.ndarray, "frame joint 3"]
) -> tuple[Float64[np.ndarray, "n joint 3"], Bool[np.ndarray, " n"]]:
    """Positions at the wanted times, linear between neighbouring frames; and where there are any."""
    if not len(times):
        return np.full((len(wanted), *xyz.shape[1:]), np.nan), np.zeros(len(wanted), dtype=bool)
    step = _step(times if len(times) > 1 else wanted)
    after = np.clip(np.searchsorted(times, wanted), 1, max(len(times) - 1, 1))
    before, after = after - 1, np.minimum(after, len(times) - 1)
    gap = times[after] - times[before]
    part = np.clip((wanted - times[before]) / np.where(gap > 0, gap, 1.0), 0, 1)[:, None, None]
    between = np.where(
        part == 0, xyz[before], np.where(part == 1, xyz[after], (1 - part) * xyz[before] + part * xyz[after])
    )
    near = (wanted >= times[0] - step / 2) & (wanted <= times[-1] + step / 2) & (gap <= _GAP * step)
    exact = np.minimum(np.abs(wanted - times[before]), np.abs(wanted - times[after])) < 1e-6
    there = (near | exact) & np.isfinite(between).any(axis=(1, 2))
    return between, there


def _centre(known: Bool[np.ndarray, "frame joint"], joints: tuple[str, ...]) -> Float64[np.ndarray, "frame joint"]:
    """What each joint counts for in the point that a frame is taken relative to: the middle of the hips, else the hip,
    else the mean of what is known, of which there must be something."""
    weights = known / known.sum(axis=1, keepdims=True)
    for points in (("hip",), _HIPS):
        if set(points) <= set(joints):
            columns = [joints.index(point) for point in points]
            weights[known[:, columns].all(axis=1)] = np.isin(np.arange(len(joints)), columns) / len(columns)
    return weights


def _about(
    centre: Float64[np.ndarray, "frame joint"], xyz: Float64[np.ndarray, "frame joint 3"]
) -> Float64[np.ndarray, "frame joint 3"]:
    counted = np.where(centre[..., None] > 0, xyz, 0.0)
    return xyz - (centre[..., None] * counted).sum(axis=1, keepdims=True)


def _rotation(
    source: Float64[np.ndarray, "frame joint 3"], target: Float64[np.ndarray, "frame joint 3"]
) -> Float64[np.ndarray, "3 3"]:
    """The one proper rotation that turns all of `source` onto `target` best."""
    known = np.isfinite(source).all(axis=-1) & np.isfinite(target).all(axis=-1)
    u, _, vh = np.linalg.svd(target[known].T @ source[known])
    return np.asarray(u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vh))]) @ vh, dtype=np.float64)


def _alone(
    poses: Poses3D,
    xyz: Float64[np.ndarray, "frame joint 3"],
    names: tuple[str, ...],
    cov: np.ndarray | None,
) -> Poses3D:
    """One person's poses under canonical names."""
    parents: Mapping[str, str | None] = dict(zip(poses.skeleton.joints, poses.skeleton.parents, strict=True))
    called = dict(zip(poses.skeleton.joints, names, strict=True))
    above = tuple(None if (parent := parents[joint]) is None else called[parent] for joint in poses.skeleton.joints)
    skeleton = Skeleton(poses.skeleton.name, names, above)
    unknown = np.full((*xyz.shape, 3), np.nan)
    return Poses3D(
        xyz=xyz[:, None],
        root=None,
        cov=(unknown if cov is None else cov)[:, None],
        skeleton=skeleton,
        camera=poses.camera,
        provenance=poses.provenance,
    )


def held(pair: Pair) -> Float64[np.ndarray, " level"]:
    """For each of `LEVELS` the share of joints whose true place (`b`) lies in the region of `a` that should hold it so
    often. NaN where no region is stated."""
    known = np.isfinite(pair.a).all(axis=-1) & np.isfinite(pair.b).all(axis=-1)
    return np.array([float(mean_over(_covered(pair, known, float(level)).ravel())) for level in LEVELS])
