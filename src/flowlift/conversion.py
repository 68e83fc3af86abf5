"""Keypoints from one skeleton to another: each target joint is a weighted sum of named source joints, or missing.

Between built-in skeletons definitions decide. The joints of any other are found by their names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from jaxtyping import Bool, Float64

from flowlift.animal_rules import ANIMAL_RULES, Sum
from flowlift.animal_skeletons import ANIMALS
from flowlift.containers import Keypoints2D
from flowlift.errors import InputError, UnknownJointsError
from flowlift.joint_names import LEAST, joints_by_name
from flowlift.skeleton import Skeleton, plain_name
from flowlift.skeletons import BODY25, BODY25B, BUILT_IN

_HIP: Sum = {"left_hip": 0.5, "right_hip": 0.5}  # the hip centre is the middle of both hips by definition
_SHOULDERS: Sum = {"left_shoulder": 0.5, "right_shoulder": 0.5}

# Human3.6M's `thorax` is the lower neck, which BODY_25's and COCO-18's neck (trained as the middle of the shoulders) is
# some centimetres below and BODY_25B's (the upper neck) above: it is left missing rather than moved by guesswork.
_BUILT_TO: Mapping[str, Mapping[str, Sum]] = {
    "human36m17": {"hip": _HIP, "head": {"head_top": 1.0}},
    "mpi_inf_3dhp17": {"hip": _HIP},
    "halpe26": {"hip": _HIP},
    "body25": {"hip": _HIP, "neck": _SHOULDERS},
    "coco18": {"neck": _SHOULDERS},
}
_BETWEEN: Mapping[tuple[str, str], Mapping[str, Sum]] = {
    ("mpi_inf_3dhp17", "human36m17"): {"head": {"head_top": 1.0}, "nose": {"head": 1.0}, "thorax": {"neck": 1.0}},
    ("human36m17", "mpi_inf_3dhp17"): {"head_top": {"head": 1.0}, "head": {"nose": 1.0}, "neck": {"thorax": 1.0}},
    ("human36m17", "body25b"): {"head_top": {"head": 1.0}},
    ("human36m17", "halpe26"): {"head_top": {"head": 1.0}},
    **ANIMAL_RULES,
}
_SAME_NAME_OTHER_PLACE = {"neck", "head"}
"""Joints whose name means another place in another skeleton: never carried over by name alone."""

_FACE = {"nose", "eye", "ear", "mouth", "head"}
"""Words in the names of joints that every animal has: they tell nothing of two bodies being alike."""

_EVIDENCE = 6.0
"""Log-likelihood ratio from which a skeleton's name is called wrong: odds of 400 to 1."""

_OFF_PLACE = 0.1
"""How far a keypoint stands from its joint, in bones: keeps joints that coincide in the image possible."""

_ENOUGH = 500
"""So many people, spread over the clip, tell which skeleton it is."""


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
        missing = np.isnan(keypoints.xy[..., 0])
        there = uses.any(axis=1) & ~_any_used(missing, uses)
        known = np.nan_to_num(keypoints.xy).astype(np.float64)
        xy = np.stack([known[..., axis] @ self.weights[axis].T for axis in (0, 1)], axis=-1)
        score = np.where(there, self._scores(keypoints, uses), np.nan)
        return replace(keypoints, xy=np.where(there[..., None], xy, np.nan), score=score, skeleton=self.target)

    @cached_property
    def own(self) -> Bool[np.ndarray, " target"]:
        """Target joints that lie where the target means them: none that a built-in skeleton has under another
        definition. In a skeleton of one's own, names mean what it says: all but what is the mean of several joints, or
        shares its joint with another."""
        if self.source == self.target:
            return np.ones(len(self.target), dtype=bool)
        built_in = self.target.name in BUILT_IN or BUILT_IN.get(self.source.name) == self.source
        uses = (self.weights != 0).any(axis=0)
        shared = uses[:, uses.sum(axis=0) > 1].any(axis=1)
        return (uses.sum(axis=1) <= 1) & ~shared & (not built_in)

    def _scores(
        self, keypoints: Keypoints2D, uses: Bool[np.ndarray, "target source"]
    ) -> Float64[np.ndarray, "frame person target"]:
        score = keypoints.score.astype(np.float64)
        if self.score_weights is not None:
            mean = np.nan_to_num(score) @ self.score_weights.T
            return np.where(_any_used(np.isnan(score), self.score_weights != 0), np.nan, mean)
        columns = [score[..., row].min(axis=-1) if row.any() else np.full(score.shape[:2], np.nan) for row in uses]
        return np.stack(columns, axis=-1)


def _any_used(
    which: Bool[np.ndarray, "frame person source"], uses: Bool[np.ndarray, "target source"]
) -> Bool[np.ndarray, "frame person target"]:
    """Whether any of the source joints that a target joint uses is one of `which`."""
    return which.astype(np.float32) @ uses.T.astype(np.float32) > 0


def convert(keypoints: Keypoints2D, target: Skeleton, rule: str = "default") -> Keypoints2D:
    """Keypoints on another skeleton. `rule`: "default", or "published" (COCO to Human3.6M as the method's authors do).

    By default joints of the same name carry over, hip centres are built from both hips, and what the source lacks is
    missing; the nose of a face stands for Human3.6M's nose. Raises InputError when the two skeletons share too little,
    or for an unknown rule.
    """
    if rule == "default":
        return conversion(keypoints.skeleton, target)(keypoints)
    if rule == "published":
        return published_conversion(keypoints.skeleton, target)(keypoints)
    raise InputError(f'no conversion rule {rule!r}; known: "default", "published"')


@cache
def conversion(source: Skeleton, target: Skeleton) -> Conversion:
    """The default conversion. Raises UnknownJointsError when fewer than 6 joints below the face can be had.

    A skeleton of one's own means what it says: joints of the same name are the same, and half of them are enough.
    """
    found = rules(source, target)
    if target.name not in BUILT_IN:
        lacking = [joint for joint in target.joints if joint not in found]
        if len(lacking) > len(target) / 2:
            raise UnknownJointsError(
                f"{source.name!r} keypoints do not convert to {target.name!r}: nothing among "
                f"{', '.join(source.joints)} is called {', '.join(lacking)}"
            )
        return conversion_by(found, source, target)
    body = [joint for joint in found if not _FACE & set(joint.split("_"))]
    if source != target and len(body) < LEAST:
        raise UnknownJointsError(
            f"{source.name!r} keypoints do not convert to {target.name!r}: below the face they share "
            f"{', '.join(body) or 'no joints'}, and at least {LEAST} joints are needed; "
            f"{target.name!r} has {', '.join(target.joints)}"
        )
    return conversion_by(found, source, target)


def conversion_by(found: Mapping[str, Sum], source: Skeleton, target: Skeleton) -> Conversion:
    """The conversion that makes each target joint of what `found` says; others are missing."""
    weights = np.zeros((len(target), len(source)))
    for joint, rule in found.items():
        for name, weight in rule.items():
            weights[target.index(joint), source.index(name)] = weight
    return Conversion(source, target, np.stack([weights, weights]))


def rules(source: Skeleton, target: Skeleton) -> dict[str, Sum]:
    """What each target joint is made of, for those that can be had, in the target's order."""
    if {source, target} <= set(BUILT_IN.values()) and (source in ANIMALS) is not (target in ANIMALS):
        return {}
    by_name = {} if source == target or BUILT_IN.get(source.name) == source else joints_by_name(source.joints, target)
    if target.name not in BUILT_IN:
        alike = {plain_name(name): {name: 1.0} for name in reversed(source.joints)}
        same = {joint: alike[plain_name(joint)] for joint in target.joints if plain_name(joint) in alike}
        taken = {name for rule in same.values() for name in rule}
        others = {joint: rule for joint, rule in by_name.items() if taken.isdisjoint(rule)}
        found = {joint: same.get(joint) or others.get(joint, {}) for joint in target.joints}
    else:
        found = {joint: by_name.get(joint) or _rule(source, target, joint) for joint in target.joints}
    return {joint: rule for joint, rule in found.items() if rule}


def _rule(source: Skeleton, target: Skeleton, joint: str) -> Sum:
    if source == target:
        return {joint: 1.0}
    between = _BETWEEN.get((source.name, target.name), {})
    built = between.get(joint, {})
    if joint in between and not built:
        return {}
    same_place = joint not in _SAME_NAME_OTHER_PLACE or _family(source) == _family(target)
    if not built and joint in source.joints and same_place:
        return {joint: 1.0}
    built = built or _BUILT_TO.get(target.name, {}).get(joint, {})
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

    Both have 25 joints, in another order: under the wrong name bones join joints that lie far apart.
    """
    named, other = keypoints.skeleton, {BODY25: BODY25B, BODY25B: BODY25}.get(keypoints.skeleton)
    if other is None:
        return None
    people = keypoints.xy[np.isfinite(keypoints.xy[..., 0]).sum(axis=-1) >= LEAST].astype(np.float64)
    people = people[(np.nanmax(people, axis=1) > np.nanmin(people, axis=1)).any(axis=-1)]
    if not len(people):
        return None
    some = people[np.linspace(0, len(people) - 1, min(len(people), _ENOUGH)).round().astype(int)]
    evidence = float(np.median(_log_likelihood(some, other) - _log_likelihood(some, named)))
    if evidence < _EVIDENCE:
        return None
    return (
        f"these keypoints are called {named.name}, but their geometry is that of {other.name}: linked as {named.name} "
        f"the joints of its bones lie far apart, as {other.name} close together; choose it with --skeleton {other.name}"
    )


def _log_likelihood(xy: Float64[np.ndarray, "person joint 2"], skeleton: Skeleton) -> Float64[np.ndarray, " person"]:
    """How well points, NaN where missing, fit a skeleton wherever, however large and however turned it is.

    Each joint is taken to stand off its parent by a normal step in any direction, all bones alike, so the joints are
    jointly normal and what is missing drops out. Place and size are fitted. Up to a constant of the points' number.
    """
    seen = np.isfinite(xy[..., 0])
    covariance = np.where(seen[:, :, None] & seen[:, None], _tree_covariance(skeleton), np.eye(len(skeleton)))
    precision, ones = np.linalg.inv(covariance), seen.astype(np.float64)
    points = np.where(seen[..., None], xy - np.nanmean(xy, axis=1, keepdims=True), 0.0)
    row_sums = np.einsum("pij,pj->pi", precision, ones)
    total = np.einsum("pi,pi->p", row_sums, ones)
    spread = np.einsum("pik,pij,pjk->p", points, precision, points)
    spread = spread - (np.einsum("pi,pik->pk", row_sums, points) ** 2).sum(axis=-1) / total
    return -(seen.sum(axis=-1) - 1) * np.log(spread) - np.linalg.slogdet(covariance)[1] - np.log(total)


def _tree_covariance(skeleton: Skeleton) -> Float64[np.ndarray, "joint joint"]:
    """Covariance of the joints when each stands one unit step off its parent: the bones that two paths share."""
    path = np.zeros((len(skeleton), len(skeleton)))
    for joint in skeleton.topological:
        if joint != skeleton.root:
            path[joint] = path[skeleton.parent_indices[joint]]
            path[joint, joint] = 1
    return path @ path.T + np.eye(len(skeleton)) * _OFF_PLACE**2
