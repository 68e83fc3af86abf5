"""A clip's poses made one motion: smoothed, with bones that keep their lengths, along a smooth path."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from flowlift.bone_lengths import clip_bone_lengths, with_lengths
from flowlift.camera import place_root
from flowlift.causal import causal_path
from flowlift.containers import Poses3D
from flowlift.gaps import seen_before
from flowlift.ground import known_vertical
from flowlift.lifting.readings import Draw, better_read
from flowlift.lifting.view import Seen
from flowlift.temporal import FEWEST, Smoothing, smooth_path, smooth_poses


def over_time(
    poses: Poses3D,
    seen: Seen,
    weights: Float[np.ndarray, "row joint"],
    smoothing: Smoothing,
    *,
    size_variance: float,
    draw: Draw | None = None,
) -> Poses3D:
    """Smooth a clip of one person that tells its frames' times. `seen`: the person, a row a frame, on the poses'
    skeleton, `weights` the joints'. `draw`: the person's hypotheses (m); those that read the clip better then count
    more (`lifting.readings`), but not where each frame knows only what came before it.

    `size_variance`: the part of the covariances that is doubt about the person's size, of the relative size; it is the
    same in all frames, and no smoothing takes it away. Hypotheses follow the smoothed joints.
    """
    xyz = poses.xyz
    if draw is not None and not smoothing.causal:
        read = xyz[:, 0].astype(np.float64), poses.frame_times, draw, poses.skeleton
        xyz = better_read(*read, up=known_vertical(poses.camera))[:, None]
    of_frames = replace(poses, xyz=xyz, cov=poses.cov - size_variance * outer(poses.xyz))
    smooth = smooth_poses(of_frames, smoothing)
    smooth = replace(smooth, hypotheses=moved_along(poses.hypotheses, poses.xyz, smooth.xyz))
    kept = with_clip_bones(smooth, causal=smoothing.causal)
    root = None
    if poses.root is not None:
        own = None if poses.root_cov is None else poses.root_cov - np.float32(size_variance) * outer(poses.root)
        root = _path(_roots(kept, seen, weights), own, kept.frame_times, smoothing)
    root_cov = None if root is None else _kept_over_gaps(poses.root_cov, np.isfinite(root[..., 0]))
    return replace(kept, root=root, root_cov=root_cov, cov=kept.cov + size_variance * outer(kept.xyz))


def moved_along(
    hypotheses: Float32[np.ndarray, "frame person hypothesis joint 3"] | None,
    before: Float[np.ndarray, "frame person joint 3"],
    after: Float[np.ndarray, "frame person joint 3"],
) -> Float32[np.ndarray, "frame person hypothesis joint 3"] | None:
    """Hypotheses moved as their answer was, joint by joint: what else may be, beside what is known now."""
    if hypotheses is None:
        return None
    return hypotheses + np.nan_to_num(after - before).astype(np.float32)[:, :, None]


def _path(
    root: Float64[np.ndarray, "frame person 3"],
    cov: Float32[np.ndarray, "frame person 3 3"] | None,
    times: Float64[np.ndarray, " frame"],
    smoothing: Smoothing,
) -> Float64[np.ndarray, "frame person 3"]:
    return causal_path(root, times) if smoothing.causal else smooth_path(root, times, smoothing, cov=cov)


def _kept_over_gaps(
    cov: Float32[np.ndarray, "frame person 3 3"] | None, there: Bool[np.ndarray, "frame person"]
) -> Float32[np.ndarray, "frame person 3 3"] | None:
    """Root covariances; where a gap was bridged twice as unsure as before it."""
    if cov is None:
        return None
    known = np.isfinite(cov).all(axis=(2, 3))
    before = np.maximum(seen_before(~known), 0)
    held = np.take_along_axis(cov, before[..., None, None], axis=0)
    return np.where(known[..., None, None], cov, np.where(there[..., None, None], 4 * held, np.nan))


def outer(xyz: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """x x^T of each position."""
    return xyz[..., :, None] * xyz[..., None, :]


def with_clip_bones(poses: Poses3D, *, causal: bool = False) -> Poses3D:
    """Each person's bones as long in all frames as they are over the clip, those of hypotheses, too; `causal`: as they
    were until then, hypotheses excepted."""
    xyz, cov = poses.xyz.astype(np.float64), poses.cov.astype(np.float64)
    drawn = None if poses.hypotheses is None or causal else poses.hypotheses.copy()
    for person in range(poses.people):
        there = np.isfinite(xyz[:, person]).all(axis=(1, 2))
        if there.sum() < (1 if causal else FEWEST):
            continue
        part = xyz[there, person], cov[there, person]
        lengths = clip_bone_lengths(*part, poses.skeleton, causal=causal)
        xyz[there, person] = with_lengths(*part, lengths, poses.skeleton, causal=causal)
        if drawn is None:
            continue
        for hypothesis in range(drawn.shape[2]):
            own = drawn[there, person, hypothesis].astype(np.float64)
            drawn[there, person, hypothesis] = with_lengths(own, part[1], lengths, poses.skeleton, causal=True)
    return replace(poses, xyz=xyz, hypotheses=poses.hypotheses if drawn is None else drawn)


def _roots(
    poses: Poses3D, seen: Seen, weights: Float[np.ndarray, "row joint"]
) -> Float64[np.ndarray, "frame person 3"]:
    """Where the new poses fit what was seen; NaN where too little was, as in bridged gaps."""
    xyz = poses.xyz.reshape(-1, *poses.xyz.shape[2:]).astype(np.float64)
    there = np.isfinite(xyz).all(axis=(1, 2)) & (seen.visible.sum(axis=1) >= 3)
    root = np.full((len(xyz), 3), np.nan)
    root[there] = place_root(xyz[there], seen.rays[there], weights[there])
    return root.reshape(len(poses), poses.people, 3)
