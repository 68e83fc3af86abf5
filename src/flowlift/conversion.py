"""Keypoints from one skeleton to another: each target joint is a weighted sum of named source joints, or missing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D
from flowlift.errors import InputError
from flowlift.skeleton import Skeleton
from flowlift.skeletons import BODY25, BODY25B

Sum = Mapping[str, float]
"""Source joint -> weight; the weights of a position sum to 1."""

_HIP: Sum = {"left_hip": 0.5, "right_hip": 0.5}  # the hip centre is the middle of both hips by definition
_SHOULDERS: Sum = {"left_shoulder": 0.5, "right_shoulder": 0.5}

# Human3.6M's `thorax` is the lower neck, which BODY_25's and COCO-18's neck (trained as the middle of the shoulders) is
# some centimetres below and BODY_25B's (the upper neck) above: it is left missing rather than moved by guesswork.
_BUILT_TO: Mapping[str, Mapping[str, Sum]] = {
    "human36m17": {"hip": _HIP, "head": {"head_top": 1.0}},
    "mpi_inf_3dhp17": {"hip": _HIP},
    "body25": {"hip": _HIP, "neck": _SHOULDERS},
    "coco18": {"neck": _SHOULDERS},
}
_BETWEEN: Mapping[tuple[str, str], Mapping[str, Sum]] = {
    ("mpi_inf_3dhp17", "human36m17"): {"head": {"head_top": 1.0}, "nose": {"head": 1.0}, "thorax": {"neck": 1.0}},
    ("human36m17", "mpi_inf_3dhp17"): {"head_top": {"head": 1.0}, "head": {"nose": 1.0}, "neck": {"thorax": 1.0}},
}
_SAME_NAME_OTHER_PLACE = {"neck", "head"}
"""Joints whose name means another place in another skeleton: never carried over by name alone."""

LEAST = 6
"""With fewer joints in common two skeletons do not convert."""


@dataclass(frozen=True, eq=False)
class Conversion:
    """Target joints as weighted sums of source joints.

    `weights` (2, J_target, J_source): one matrix for x, one for y (the published recipe treats them apart). A target
    joint with no weights is missing. `score_weights` (J_target, J_source): how scores are averaged; None: the
    smallest score of the joints that enter.
    """

    source: Skeleton
    target: Skeleton
    weights: Float64[np.ndarray, "2 target source"]
    score_weights: Float64[np.ndarray, "target source"] | None = None

    def __call__(self, keypoints: Keypoints2D) -> Keypoints2D:
        """Convert: a joint is missing (NaN, score NaN) where any joint that it is built from is."""
        uses = (self.weights != 0).any(axis=0)
        seen = np.isfinite(keypoints.xy[..., 0])
        there = uses.any(axis=1) & ~(~seen[..., None, :] & uses).any(axis=-1)
        known = np.nan_to_num(keypoints.xy).astype(np.float64)
        xy = np.stack([known[..., axis] @ self.weights[axis].T for axis in (0, 1)], axis=-1)
        score = np.where(there, self._scores(keypoints, uses), np.nan)
        return replace(keypoints, xy=np.where(there[..., None], xy, np.nan), score=score, skeleton=self.target)

    def _scores(self, keypoints: Keypoints2D, uses: np.ndarray) -> Float64[np.ndarray, "frame person target"]:
        score = keypoints.score.astype(np.float64)
        if self.score_weights is not None:
            return np.nan_to_num(score) @ self.score_weights.T
        columns = [score[..., row].min(axis=-1) if row.any() else np.full(score.shape[:2], np.nan) for row in uses]
        return np.stack(columns, axis=-1)


def convert(keypoints: Keypoints2D, target: Skeleton, rule: str = "default") -> Keypoints2D:
    """Keypoints on another skeleton. `rule`: "default", or "published" (COCO to Human3.6M as the method's authors do).

    By default joints of the same name carry over, hip centres are built from both hips, and what the source lacks is
    missing. Raises InputError when the two skeletons share too little, or for an unknown rule.
    """
    if rule == "default":
        return conversion(keypoints.skeleton, target)(keypoints)
    if rule == "published":
        return published_conversion(keypoints.skeleton, target)(keypoints)
    raise InputError(f'no conversion rule {rule!r}; known: "default", "published"')


@cache
def conversion(source: Skeleton, target: Skeleton) -> Conversion:
    """The default conversion. Raises InputError when fewer than 6 joints of the target can be had."""
    weights = np.zeros((len(target), len(source)))
    for row, joint in enumerate(target.joints):
        for name, weight in _rule(source, target, joint).items():
            weights[row, source.index(name)] = weight
    found = int((weights != 0).any(axis=1).sum())
    if found < LEAST:
        raise InputError(
            f"{source.name!r} keypoints do not convert to {target.name!r}: they share {found} joints by name; "
            f"{target.name!r} has {', '.join(target.joints)}"
        )
    return Conversion(source, target, np.stack([weights, weights]))


def _rule(source: Skeleton, target: Skeleton, joint: str) -> Sum:
    if source == target:
        return {joint: 1.0}
    between = _BETWEEN.get((source.name, target.name), {})
    if joint in between:
        return between[joint]
    same_place = joint not in _SAME_NAME_OTHER_PLACE or _family(source) == _family(target)
    if joint in source.joints and same_place:
        return {joint: 1.0}
    built = _BUILT_TO.get(target.name, {}).get(joint, {})
    return built if all(name in source.joints for name in built) else {}


def _family(skeleton: Skeleton) -> str:
    """Skeletons that mean the same places by `neck` and `head`."""
    return "openpose" if skeleton.name in ("body25", "coco18") else skeleton.name


@cache
def published_conversion(source: Skeleton, target: Skeleton) -> Conversion:
    """COCO-17 to Human3.6M-17 as the method's authors feed their networks; x right and y down matter.

    Head: above the eyes by as much as the nose is below them. Thorax: a third of the way from the shoulders' middle
    to the nose, then lifted. Spine: the torso's middle, pushed away from the line of pelvis and thorax in x. Nose: a
    quarter towards the shoulders. Raises InputError for other skeletons.
    """
    if (source.name, target.name) != ("coco17", "human36m17"):
        raise InputError(f"the published recipe is for coco17 to human36m17, not {source.name!r} to {target.name!r}")

    def at(*joints: str) -> Float64[np.ndarray, " source"]:
        """The mean of some joints, as a row of weights."""
        row = np.zeros(len(source))
        row[source.indices(joints)] = 1 / len(joints)
        return row

    eyes, nose = at("left_eye", "right_eye"), at("nose")
    shoulders, hips = at("left_shoulder", "right_shoulder"), at("left_hip", "right_hip")
    torso, face = (shoulders + hips) / 2, at("left_eye", "right_eye", "left_ear", "right_ear")
    thorax = shoulders + (nose - shoulders) / 3
    rows = {
        "hip": (hips, hips),
        "spine": (torso + 2 * (torso - (hips + thorax) / 2), torso),
        "thorax": (thorax, thorax - (eyes - nose) * 2 / 3),
        "nose": (nose - (nose - shoulders) / 4,) * 2,
        "head": (face, 2 * eyes - nose),
    }
    scores = {"hip": hips, "spine": (hips + shoulders) / 2, "thorax": shoulders, "nose": nose, "head": face}
    weights = np.stack([[rows[j][axis] if j in rows else at(j) for j in target.joints] for axis in (0, 1)])
    return Conversion(source, target, weights, np.stack([scores[j] if j in scores else at(j) for j in target.joints]))


def check_geometry(keypoints: Keypoints2D) -> str | None:
    """A warning when keypoints called BODY_25 can only be BODY_25B, or the other way round; else None.

    Both have 25 joints, in another order: under the wrong name bones join joints at random, and are far longer.
    """
    others = {BODY25.name: BODY25B, BODY25B.name: BODY25}
    other = others.get(keypoints.skeleton.name)
    if other is None:
        return None
    named_length, other_length = (_bone_length(keypoints, s) for s in (keypoints.skeleton, other))
    if not (np.isfinite(named_length) and other_length * 1.3 < named_length):
        return None
    return (
        f"these keypoints are called {keypoints.skeleton.name}, but their geometry is that of {other.name} "
        f"(bones {named_length / other_length:.1f} times as long); choose it with --skeleton {other.name}"
    )


def _bone_length(keypoints: Keypoints2D, skeleton: Skeleton) -> float:
    """Mean length of all bones seen, as a fraction of the person's extent; NaN where nothing can be said."""
    bones = np.array(skeleton.bones)
    lengths = np.linalg.norm(keypoints.xy[..., bones[:, 0], :] - keypoints.xy[..., bones[:, 1], :], axis=-1)
    seen = np.isfinite(keypoints.xy[..., 0])
    enough = seen.sum(axis=-1) >= 8
    if not enough.any():
        return float("nan")
    people = keypoints.xy[enough]
    extent = np.linalg.norm(np.nanmax(people, axis=1) - np.nanmin(people, axis=1), axis=-1)
    return float(np.nanmedian(lengths[enough] / np.maximum(extent, 1e-6)[:, None], axis=1).mean())
