"""Feet that stand do not slide: the path through the room follows from them, and the legs take up the rest."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64

from flowlift.contacts import Leg, foot_path, leg_length, legs_of, seen, standing
from flowlift.containers import Poses3D, Provenance
from flowlift.errors import InputError
from flowlift.gaps import runs
from flowlift.ground import Ground, calibrated_ground, find_ground, in_world

ASIDE, DEPTH, LASTING = 0.01, 0.03, 0.2
"""How far off the root is across the line of sight and along it, as shares of its distance (one standard deviation);
and for how many seconds such an error lasts."""
DRIFT, SLIP = 2.0, 1.5
"""Metres per second by which the root's errors may change where no foot stands; and by how much a standing foot may
slip before the root follows it. What is left the legs take up: chosen on the demo's figure, whose path a smaller slip
made worse."""
GROUNDS = ("off", "auto", "calibration")
"""Where the ground comes from: nowhere, the feet, or the calibrated world."""
UNEVEN = 0.05
"""Metres, one standard deviation of a standing foot's height."""
BLEND = 0.1
"""Seconds over which a leg goes back to its own pose before and after its foot stands."""


@dataclass(frozen=True)
class Contact:
    """A foot of one person that stands in some frames."""

    person: int
    leg: Leg
    frames: slice


def contacts_on(poses: Poses3D, ground: Ground) -> list[Contact]:
    """Every stretch of frames in which a foot that was seen is slow and near the ground."""
    place, times = poses.absolute.astype(np.float64), poses.frame_times
    found = []
    for leg in legs_of(poses.skeleton):
        there, sole = seen(poses, leg.foot), leg.sole * leg_length(poses, leg)
        for person in range(poses.people):
            foot = foot_path(place[:, person, leg.foot], there[:, person], times)
            stands = standing(foot, times, height=ground.height(foot) - sole)
            found += [Contact(person, leg, stand) for stand in stands]
    return found


def stand_on_ground(poses: Poses3D, ground: str = "auto") -> Poses3D:
    """The poses on a ground: standing feet held, and the camera's pose known in a world that stands upright.

    Where the clip does not tell, a warning says why, and the poses stay as they are; `provenance` says what came of it.
    """
    if ground == "off":
        return poses
    try:
        _check(poses)
        found = calibrated_ground(poses.camera) if ground == "calibration" else find_ground(poses)
    except InputError as error:
        warnings.warn(f"{error}; the poses stay in the camera's frame", UserWarning, stacklevel=2)
        return replace(poses, provenance={**poses.provenance, "ground": "not found"})
    contacts = contacts_on(poses, found)
    told: Provenance = {
        "ground": ground,
        "ground_tilt_sd_degrees": round(found.tilt_sd, 2),
        "contacts": len(contacts),
    }
    held = hold_feet(in_world(poses, found), found, contacts)
    return replace(held, provenance={**poses.provenance, **told})


def _check(poses: Poses3D) -> None:
    """Raises InputError for poses whose feet nobody can judge."""
    if not poses.timed:
        raise InputError("ground: nothing tells the frame rate, and so how fast feet are; give fps")
    if poses.provenance.get("unit", "m") != "m":
        raise InputError("ground: these poses are not in metres; give the size")


def hold_feet(poses: Poses3D, ground: Ground, contacts: Sequence[Contact] | None = None) -> Poses3D:
    """The poses with each standing foot in one place: first the root's path is corrected, most of it along the line of
    sight, then knees and ankles, which keep the legs' lengths. What was moved is that much less certain.

    `contacts`: found where not given. Hypotheses stay as they are. Poses without a root come back as they are.
    """
    if poses.root is None:
        return poses
    contacts = contacts_on(poses, ground) if contacts is None else contacts
    root, xyz = poses.root.astype(np.float64), poses.xyz.astype(np.float64)
    for person in range(poses.people):
        own = [contact for contact in contacts if contact.person == person]
        if own:
            root[:, person] += _root_correction(poses, ground, own, person)
            for leg in {contact.leg for contact in own}:
                stands = [contact.frames for contact in own if contact.leg == leg]
                _plant(xyz[:, person], root[:, person], leg, stands, poses.frame_times)
    return replace(
        poses,
        xyz=xyz,
        root=root,
        cov=_less_sure(poses.cov, xyz - poses.xyz),
        root_cov=None if poses.root_cov is None else _less_sure(poses.root_cov, root - poses.root),
    )


def _less_sure(
    cov: Float32[np.ndarray, "*batch 3 3"], moved: Float64[np.ndarray, "*batch 3"]
) -> Float64[np.ndarray, "*batch 3 3"]:
    return cov + moved[..., :, None] * moved[..., None, :]


def _root_correction(
    poses: Poses3D, ground: Ground, contacts: Sequence[Contact], person: int
) -> Float64[np.ndarray, "frame 3"]:
    """What to add to one person's root: a linear least-squares problem in all frames of a stretch at once, whose normal
    equations are block tridiagonal."""
    place, times = poses.absolute[:, person].astype(np.float64), poses.frame_times
    root = place[:, poses.skeleton.root]
    known = np.isfinite(root).all(axis=-1)
    correction = np.zeros_like(root)
    for run in runs(known):
        lasting = np.diff(times[run], append=times[run][-1:])
        lasting[-1] = np.median(lasting[:-1]) if len(lasting) > 1 else LASTING
        diagonal, right = _own_information(root[run]) * (lasting / LASTING)[:, None, None], np.zeros_like(root[run])
        steps = np.tile(np.eye(3), (len(lasting) - 1, 1, 1)) / ((DRIFT * lasting[:-1]) ** 2)[:, None, None]
        wanted = np.zeros((len(lasting) - 1, 3))  # information times the step that is wanted from frame to frame
        for contact in contacts:
            if not (run.start <= contact.frames.start and contact.frames.stop <= run.stop):
                continue
            foot = place[contact.frames, contact.leg.foot]
            here = slice(contact.frames.start - run.start, contact.frames.stop - run.start)
            between = slice(here.start, here.stop - 1)
            firm = 1 / (SLIP * lasting[between]) ** 2
            steps[between] += firm[:, None, None] * np.eye(3)
            wanted[between] -= firm[:, None] * np.diff(foot, axis=0)
            off = ground.height(foot) - contact.leg.sole * leg_length(poses, contact.leg)
            sure = lasting[here] / LASTING / UNEVEN**2
            diagonal[here] += sure[:, None, None] * np.outer(ground.up, ground.up)
            right[here] -= (sure * off)[:, None] * ground.up
        diagonal[:-1] += steps
        diagonal[1:] += steps
        right[:-1] -= wanted
        right[1:] += wanted
        correction[run] = solve_tridiagonal(diagonal, -steps, right)
    return correction


def _own_information(root: Float64[np.ndarray, "frame 3"]) -> Float64[np.ndarray, "frame 3 3"]:
    """Of the root as it was solved: it is known well across the line of sight, badly along it."""
    distance = np.linalg.norm(root, axis=-1)[:, None, None]
    sight = root[..., None] / distance
    along = sight @ sight.swapaxes(1, 2)
    return along / (DEPTH * distance) ** 2 + (np.eye(3) - along) / (ASIDE * distance) ** 2


def solve_tridiagonal(
    diagonal: Float64[np.ndarray, "n 3 3"], beside: Float64[np.ndarray, "m 3 3"], right: Float64[np.ndarray, "n 3"]
) -> Float64[np.ndarray, "n 3"]:
    """Solve a symmetric block-tridiagonal system; `beside` (n - 1): the blocks right of the diagonal, symmetric."""
    diagonal, right = diagonal.copy(), right.copy()
    for i in range(1, len(diagonal)):
        factor = np.linalg.solve(diagonal[i - 1], beside[i - 1]).T
        diagonal[i] -= factor @ beside[i - 1]
        right[i] -= factor @ right[i - 1]
    for i in range(len(diagonal) - 1, -1, -1):
        behind = beside[i] @ right[i + 1] if i + 1 < len(diagonal) else 0.0
        right[i] = np.linalg.solve(diagonal[i], right[i] - behind)
    return right


def _plant(
    xyz: Float64[np.ndarray, "frame joint 3"],
    root: Float64[np.ndarray, "frame 3"],
    leg: Leg,
    stands: Sequence[slice],
    times: Float64[np.ndarray, " frame"],
) -> None:
    """Put one foot where it stands each time, in `xyz` itself; the shift fades before and after."""
    place = xyz[:, leg.foot] + root
    shift, strength = np.zeros_like(place), np.zeros(len(place))
    for stand in stands:
        anchor = place[stand].mean(axis=0)
        away = np.maximum(times[stand.start] - times, times - times[stand.stop - 1]).clip(0)
        fading = np.clip(1 - away / BLEND, 0, 1)
        end = np.clip(np.arange(len(times)), stand.start, stand.stop - 1)
        stronger = fading > strength
        shift[stronger] = (fading[:, None] * (anchor - place[end]))[stronger]
        strength = np.maximum(strength, fading)
    moved = (strength > 0) & np.isfinite(place).all(axis=-1)
    hip, knee, foot = (xyz[moved, joint] for joint in (leg.hip, leg.knee, leg.foot))
    xyz[moved, leg.knee], xyz[moved, leg.foot] = bend(hip, knee, foot, foot + shift[moved])


def bend(
    hip: Float64[np.ndarray, "n 3"],
    knee: Float64[np.ndarray, "n 3"],
    foot: Float64[np.ndarray, "n 3"],
    target: Float64[np.ndarray, "n 3"],
) -> tuple[Float64[np.ndarray, "n 3"], Float64[np.ndarray, "n 3"]]:
    """Knee and foot of a leg that reaches for `target`, as far as its two lengths allow; the knee stays in the plane
    of the target and where it was."""
    thigh, shank = (np.linalg.norm(a - b, axis=-1, keepdims=True) for a, b in ((knee, hip), (foot, knee)))
    way = target - hip
    far = np.linalg.norm(way, axis=-1, keepdims=True)
    along = way / np.maximum(far, 1e-9)
    length = np.clip(far, np.abs(thigh - shank) + 1e-6, thigh + shank - 1e-6)
    aside = knee - hip - ((knee - hip) * along).sum(axis=-1, keepdims=True) * along
    width = np.linalg.norm(aside, axis=-1, keepdims=True)
    across = np.where(width > 1e-6, aside / np.maximum(width, 1e-9), _perpendicular(along))
    forward = (thigh**2 - shank**2 + length**2) / (2 * length)
    return hip + forward * along + np.sqrt(np.maximum(thigh**2 - forward**2, 0)) * across, hip + length * along


def _perpendicular(along: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
    axis = np.eye(3)[np.abs(along).argmin(axis=-1)]
    across = np.cross(along, axis)
    return across / np.linalg.norm(across, axis=-1, keepdims=True)
