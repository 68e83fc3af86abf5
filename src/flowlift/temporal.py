"""Poses over time: smoothed by a Rauch-Tung-Striebel smoother whose measurement noise is the hypotheses' covariance.

Part of a frame's error is its own and averages out over time; the rest (a leg that is taken for bent all along) lasts.
Which part, and how fast each joint moves, is what makes the clip most likely (maximum likelihood over a small grid).
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float64

from flowlift.containers import Poses3D
from flowlift.errors import InputError
from flowlift.gaps import LIMIT, gaps, runs, seen_before
from flowlift.kalman import Smoothed, Track, kalman_filter, robust_smooth

FEWEST = 4
"""Frames of a stretch below which nothing is smoothed."""

_SHARES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
_DRIVES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
_FITTED = 200
"""Frames, in the middle of a stretch, that shares and drives are chosen on."""
_BLOCK, _OVERLAP = 2000, 100
"""Frames smoothed together, and beyond them on either side: bounds the memory."""


@dataclass(frozen=True)
class Smoothing:
    """`seconds`: motion that is faster is smoothed away; None: as the clip itself says; 0: nothing is smoothed.

    `causal`: each frame is made of what came until then alone, as of a stream that goes on; with fixed settings.
    """

    seconds: float | None = None
    causal: bool = False

    @property
    def word(self) -> str:
        """As it was asked for."""
        if self.seconds is None:
            return "causal" if self.causal else "auto"
        return f"{self.seconds:g} s" if self.seconds else "off"

    @classmethod
    def parse(cls, smooth: str | float) -> "Smoothing":
        """From "auto", "off", "causal" or seconds. Raises InputError."""
        if smooth in ("auto", "off", "causal"):
            return cls(0.0 if smooth == "off" else None, causal=smooth == "causal")
        try:
            seconds = np.nan if isinstance(smooth, bool) else float(smooth)
        except (TypeError, ValueError):
            seconds = np.nan
        if not 0 <= seconds <= 10:
            raise InputError(f'smooth must be "auto", "off", "causal" or seconds between 0 and 10, got {smooth!r}')
        return cls(seconds)


def smooth_poses(poses: Poses3D, smoothing: Smoothing) -> Poses3D:
    """Smooth each person's joints over time; short gaps (`gaps.LIMIT`) are bridged, with growing uncertainty.

    Hypotheses and roots stay as they are. Without frame times nothing changes.
    """
    if smoothing.seconds == 0 or not poses.timed:
        return poses
    xyz, cov = poses.xyz.astype(np.float64), poses.cov.astype(np.float64)
    there = np.isfinite(xyz).all(axis=(2, 3))
    for person in range(poses.people):
        for frames in stretches(there[:, person], poses.frame_times, causal=smoothing.causal):
            part = xyz[frames, person], cov[frames, person]
            xyz[frames, person], cov[frames, person] = _smooth(*part, poses.frame_times[frames], smoothing)
    bridged = (np.isfinite(xyz).all(axis=(2, 3)) & ~there)[..., None] & np.ones(xyz.shape[2], dtype=bool)
    return replace(poses, xyz=xyz, cov=cov, bridged=bridged)


def stretches(
    there: Bool[np.ndarray, " frame"], times: Float64[np.ndarray, " frame"], *, causal: bool = False
) -> list[slice]:
    """Unbroken stretches of a clip in which somebody is there, short gaps included; FEWEST frames or more. `causal`:
    any number, and what follows on somebody for as long as a short gap lasts, as nobody knows yet when it ends."""
    whole = there | (_just_seen(there, times) if causal else gaps(~there, times))
    return [frames for frames in runs(whole) if causal or there[frames].sum() >= FEWEST]


def _just_seen(there: Bool[np.ndarray, " frame"], times: Float64[np.ndarray, " frame"]) -> Bool[np.ndarray, " frame"]:
    last = seen_before(~there)
    return (last >= 0) & (times - times[np.maximum(last, 0)] <= LIMIT * (1 + 1e-6))


def _smooth(
    xyz: Float64[np.ndarray, "frame joint 3"],
    cov: Float64[np.ndarray, "frame joint 3 3"],
    times: Float64[np.ndarray, " frame"],
    smoothing: Smoothing,
) -> tuple[Float64[np.ndarray, "frame joint 3"], Float64[np.ndarray, "frame joint 3 3"]]:
    there = np.isfinite(xyz).all(axis=-1)
    cov = _filled(cov, there)
    # In units of the doubt itself: a person who is said to be twice as tall moves twice as far.
    doubt = np.trace(cov, axis1=-2, axis2=-1).max(axis=1)
    unit = max(float(np.sqrt((doubt[0] if smoothing.causal else np.median(doubt)) / 3)), 1e-9) / TYPICAL
    xyz, cov = xyz / unit, cov / unit**2
    known = np.where(there[..., None], xyz, 0.0)
    if smoothing.causal:
        share, drive = np.full(xyz.shape[1], CAUSAL_SHARE), np.full(xyz.shape[1], CAUSAL_DRIVE)
    else:
        share, drive = _most_likely(known, cov, there, times, smoothing)
    noise = share[:, None, None] * cov + FLOOR * np.eye(3)
    new_xyz, new_cov = xyz.copy(), cov.copy()
    for first in range(0, len(xyz), _BLOCK):
        own = slice(first, min(first + _BLOCK, len(xyz)))
        wide = slice(max(0, own.start - _OVERLAP), own.stop + _OVERLAP)
        found = _estimate(Track(times[wide], known[wide], noise[wide], there[wide]), drive, smoothing)
        inner = slice(own.start - wide.start, own.stop - wide.start)
        new_xyz[own] = found.mean[inner]
        new_cov[own] = (1 - share)[:, None, None] * cov[own] + found.cov[inner]
    still = ~cov.any(axis=(0, 2, 3))  # the root: it is 0 by definition
    new_xyz[:, still], new_cov[:, still] = 0, 0
    return new_xyz * unit, new_cov * unit**2


def _estimate(track: Track, drive: Float64[np.ndarray, " point"], smoothing: Smoothing) -> Smoothed:
    if not smoothing.causal:
        return robust_smooth(track, drive)
    found, dim = kalman_filter(track, drive, robust=True), track.y.shape[2]
    return Smoothed(found.mean[..., :dim], found.cov[..., :dim, :dim])


CAUSAL_SHARE, CAUSAL_DRIVE = 0.03, 10.0
"""What most joints of most clips choose."""
TYPICAL = 0.1
"""m: the standard deviation of the least sure joint of a person of usual height."""
FLOOR = 1e-8
"""m^2: a tenth of a millimetre, so that no matrix is singular."""


def _filled(
    cov: Float64[np.ndarray, "frame joint 3 3"], there: Bool[np.ndarray, "frame joint"]
) -> Float64[np.ndarray, "frame joint 3 3"]:
    """Covariances in gaps: those of the last frame before."""
    return cov[np.maximum(seen_before(~there), 0), np.arange(there.shape[1])]


def _most_likely(
    xyz: Float64[np.ndarray, "frame joint 3"],
    cov: Float64[np.ndarray, "frame joint 3 3"],
    there: Bool[np.ndarray, "frame joint"],
    times: Float64[np.ndarray, " frame"],
    smoothing: Smoothing,
) -> tuple[Float64[np.ndarray, " joint"], Float64[np.ndarray, " joint"]]:
    """Each joint's share of the covariance that is a frame's own, and its drive q (`flowlift.kalman`)."""
    middle = max(0, (len(xyz) - _FITTED) // 2)
    part = slice(middle, middle + _FITTED)
    xyz, cov, there, times = xyz[part], cov[part], there[part], times[part]
    joints = xyz.shape[1]
    share = np.repeat(_SHARES, 1 if smoothing.seconds else len(_DRIVES))
    if smoothing.seconds:
        size = np.median(np.trace(cov, axis1=-2, axis2=-1), axis=0) / 3
        step = float(np.median(np.diff(times)))
        drive = share[:, None] * size * step / smoothing.seconds**4
    else:
        drive = np.tile(_DRIVES, len(_SHARES))[:, None] * np.ones(joints)
    return _chosen(Track(times, xyz, cov, there), share, drive, floor=FLOOR)


def _chosen(
    track: Track, share: Float64[np.ndarray, " tried"], drive: Float64[np.ndarray, "tried point"], *, floor: float
) -> tuple[Float64[np.ndarray, " point"], Float64[np.ndarray, " point"]]:
    """The share of its noise (above a floor) and the drive that make each point's track most likely."""
    frames, points, dim = track.y.shape
    tried = len(share)
    noise = share[:, None, None, None] * track.r[:, None] + floor * np.eye(dim)
    many = Track(
        track.times,
        np.tile(track.y, (1, tried, 1)),
        noise.reshape(frames, -1, dim, dim),
        np.tile(track.there, (1, tried)),
    )
    best = kalman_filter(many, drive.ravel()).log_likelihood.reshape(tried, points).argmax(axis=0)
    return share[best], drive[best, np.arange(points)]


def smooth_path(
    root: Float64[np.ndarray, "frame person 3"],
    times: Float64[np.ndarray, " frame"],
    smoothing: Smoothing,
    *,
    cov: Float[np.ndarray, "frame person 3 3"] | None = None,
) -> Float64[np.ndarray, "frame person 3"]:
    """Each person's path (m, camera frame), smoothed in direction and distance; gaps are bridged as joints' are.

    A root's error is its own in each frame, of a size that the path's own roughness tells; larger where the root is
    less sure (`cov`) than in most frames, as where only a head is in view.
    """
    path = root.copy()
    for person in range(root.shape[1]):
        there = np.isfinite(root[:, person]).all(axis=-1)
        for frames in stretches(there, times):
            part = np.where(there[frames, None], root[frames, person], 1.0)
            seen = np.stack([part[:, 0] / part[:, 2], part[:, 1] / part[:, 2], np.log(part[:, 2])], axis=-1)
            doubt = np.ones_like(seen) if cov is None else _doubt(part, cov[frames, person], there[frames])
            known = doubt[there[frames]]
            of_differences = known[:-2] + 4 * known[1:-1] + known[2:]
            rough = np.var(np.diff(seen[there[frames]], n=2, axis=0) / of_differences**0.5, axis=0) + 1e-12
            noise = (rough * doubt)[..., None, None]
            held = np.repeat(there[frames, None], 3, axis=1)
            share, drive = _path_settings(seen[..., None], noise, rough, held, times[frames], smoothing)
            track = Track(times[frames], seen[..., None], share[:, None, None] * noise, held)
            found = robust_smooth(track, drive)
            x, y, log_z = np.moveaxis(found.mean[..., 0], -1, 0)
            z = np.exp(log_z)
            path[frames, person] = np.stack([x * z, y * z, z], axis=-1)
    return path


def _doubt(
    root: Float64[np.ndarray, "frame 3"], cov: Float[np.ndarray, "frame 3 3"], there: Bool[np.ndarray, " frame"]
) -> Float64[np.ndarray, "frame 3"]:
    """How many times as large the variances of directions and of the logarithm of the distance are as in most frames;
    at least once."""
    x, y, z = np.moveaxis(root, -1, 0)
    one, zero = np.ones_like(z), np.zeros_like(z)
    slopes = (
        np.stack([one, zero, -x / z, zero, one, -y / z, zero, zero, one], axis=-1).reshape(-1, 3, 3) / z[:, None, None]
    )
    variances = np.einsum("fij,fjk,fik->fi", slopes, cov.astype(np.float64), slopes)
    known = variances[there & np.isfinite(variances).all(axis=-1)]
    usual = np.median(known, axis=0) if len(known) else np.zeros(3)
    times = np.nan_to_num(variances / np.where(usual > 0, usual, 1.0), nan=_MOST_DOUBT).clip(1.0, _MOST_DOUBT)
    return np.where(there[:, None] & (usual > 0), times, 1.0)


_MOST_DOUBT = 1e6
"""Of what is not told at all."""
_PATH_SHARES = (0.1, 0.3, 1.0)
_PATH_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""In frames: how long a path's noise is averaged over."""


def _path_settings(
    seen: Float64[np.ndarray, "frame 3 1"],
    noise: Float64[np.ndarray, "frame 3 1 1"],
    rough: Float64[np.ndarray, " 3"],
    there: Bool[np.ndarray, "frame 3"],
    times: Float64[np.ndarray, " frame"],
    smoothing: Smoothing,
) -> tuple[Float64[np.ndarray, " 3"], Float64[np.ndarray, " 3"]]:
    """Share of the noise and drive of each coordinate that make the path most likely."""
    step = float(np.median(np.diff(times)))
    spans = [smoothing.seconds] if smoothing.seconds else [frames * step for frames in _PATH_SECONDS]
    share = np.repeat(_PATH_SHARES, len(spans))
    drive = share[:, None] * rough * step / np.tile(spans, len(_PATH_SHARES))[:, None] ** 4
    return _chosen(Track(times, seen, noise, there), share, drive, floor=0.0)
