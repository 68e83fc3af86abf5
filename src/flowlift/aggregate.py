"""Many hypotheses to one answer: mean, median, JPMA, reprojection-weighted mean (RPEA), and the covariance about it."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from array_api_compat import array_namespace, device

from flowlift.camera import root_from_pose
from flowlift.errors import InputError
from flowlift.screen import project_to_screen

Array = Any  # a NumPy array or a torch tensor; shapes stand in the docstrings
Method = Literal["mean", "median", "jpma", "rpea-joint", "rpea-pose"]


@dataclass(frozen=True)
class Aggregation:
    """How hypotheses become one pose. `keep` and `temperature` (in the unit of the errors) are RPEA's.

    "jpma": each joint from the hypothesis that reprojects it best (D3DP). "rpea-joint": as published; "rpea-pose":
    hypotheses are weighted as a whole. Raises InputError for settings out of range.
    """

    method: str = "rpea-pose"
    keep: int = 8
    temperature: float = 0.005

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise InputError(f"no aggregation {self.method!r}; known: {', '.join(get_args(Method))}")
        if not self.temperature > 0 or self.keep < 1:
            raise InputError(f"RPEA needs a positive temperature and keep >= 1, got {self.temperature} and {self.keep}")

    @property
    def needs_errors(self) -> bool:
        """Whether reprojection errors enter."""
        return self.method not in ("mean", "median")


def aggregate(hypotheses: Array, errors: Array | None, aggregation: Aggregation) -> Array:
    """Hypotheses (B, H, J, 3) -> (B, J, 3), by reprojection errors (B, H, J) where the method needs them."""
    xp = array_namespace(hypotheses)
    if aggregation.method == "mean":
        return xp.mean(hypotheses, axis=1)
    if aggregation.method == "median":
        return median(hypotheses)
    if errors is None:
        raise InputError(f"{aggregation.method} needs reprojection errors, and so a camera")
    keep, temperature = aggregation.keep, aggregation.temperature
    if aggregation.method == "jpma":
        return rpea(hypotheses, errors, keep=1, temperature=temperature, per_joint=True)
    return rpea(hypotheses, errors, keep=keep, temperature=temperature, per_joint=aggregation.method == "rpea-joint")


def median(hypotheses: Array) -> Array:
    """Median (B, J, 3) of hypotheses (B, H, J, 3), coordinate by coordinate."""
    xp = array_namespace(hypotheses)
    ordered, count = xp.sort(hypotheses, axis=1), hypotheses.shape[1]
    return (ordered[:, (count - 1) // 2] + ordered[:, count // 2]) / 2


class Reprojection(NamedTuple):
    """How hypotheses miss the rays on the plane z = 1: `x`, `y` (B, H, J), and the `depth` (B, H, J) of each joint."""

    x: Array
    y: Array
    depth: Array


def reproject(hypotheses: Array, rays: Array, weights: Array, *, placed_as: Array | None = None) -> Reprojection:
    """Where hypotheses (B, H, J, 3) lie beside rays (B, J, 2) on the plane z = 1; the root is solved.

    Each hypothesis stands at the root position that fits it best (`solve_root`, `weights` (B, J), 0 = missing): no
    ground truth enters. Missing joints miss nothing. `placed_as` (B, 1, J, 3): stand where this pose, such as the mean
    of the hypotheses, fits best.
    """
    xp = array_namespace(hypotheses, rays, weights)
    w, seen = weights[:, None, :], rays[:, None, :, :]
    placed = hypotheses if placed_as is None else placed_as
    # As `solve_root` does, in one product of matrices a row: that takes a third of the time.
    size = 3 * hypotheses.shape[2]
    of_pose = xp.reshape(root_from_pose(rays, weights), (-1, size, 3))
    root = xp.reshape(placed, (*placed.shape[:2], size)) @ xp.astype(of_pose, placed.dtype)
    x, y, z = (hypotheses[..., i] + root[..., None, i] for i in range(3))
    depth = xp.clip(z, 1e-6, None)
    off_x, off_y = x / depth - seen[..., 0], y / depth - seen[..., 1]
    zero = xp.zeros_like(off_x)
    return Reprojection(xp.where(w > 0, off_x, zero), xp.where(w > 0, off_y, zero), depth)


def reprojection_errors(hypotheses: Array, rays: Array, weights: Array, *, placed_as: Array | None = None) -> Array:
    """Distances (B, H, J) on the plane z = 1 between hypotheses (B, H, J, 3) and rays (B, J, 2): see `reproject`."""
    missed = reproject(hypotheses, rays, weights, placed_as=placed_as)
    return array_namespace(missed.x).sqrt(missed.x * missed.x + missed.y * missed.y)


def oracle_errors(hypotheses: Array, screen: Array, *, true_root: Array, intrinsics: Array, root: int) -> Array:
    """Distances (B, H, J) in screen units between hypotheses (B, H, J, 3) and 2D (B, J, 2), ORACLE: as published.

    Hypotheses are put at the TRUE root (B, 3) of the test set and seen with its TRUE camera (B, 9), see
    `screen_intrinsics`. The joint `root` has error 0: it has no say. Whatever comes of these errors must be labelled
    "oracle". FMPose3D, "Reprojection-based Posterior Expectation Aggregation".
    """
    xp = array_namespace(hypotheses, screen, true_root, intrinsics)
    placed = hypotheses - hypotheses[:, :, root : root + 1] + true_root[:, None, None]
    error = xp.linalg.vector_norm(project_to_screen(placed, intrinsics[:, None, None]) - screen[:, None], axis=-1)
    return xp.concat([error[..., :root], xp.zeros_like(error[..., :1]), error[..., root + 1 :]], axis=-1)


def rpea_weights(errors: Array, *, keep: int, temperature: float) -> Array:
    """Weights (B, H, ...) over hypotheses: the `keep` smallest errors (B, H, ...), softened, sum to 1 over H.

    exp(-min(e, 20 T) / T) for temperature T, as published; other hypotheses weigh nothing. Raises InputError.
    """
    if temperature <= 0 or keep < 1:
        raise InputError(f"RPEA needs a positive temperature and keep >= 1, got {temperature} and {keep}")
    xp = array_namespace(errors)
    # The common factor exp(min e / T) cancels; taking it out keeps small temperatures from underflowing.
    clipped = xp.clip(errors, None, 20 * temperature)
    least = xp.min(clipped, axis=1, keepdims=True)
    weights = xp.exp((least - clipped) / temperature)
    if keep < errors.shape[1]:
        rank = xp.argsort(xp.argsort(errors, axis=1, stable=True), axis=1, stable=True)
        weights = xp.where(rank < keep, weights, xp.zeros_like(weights))
    return weights / xp.sum(weights, axis=1, keepdims=True)


def weighted_mean(hypotheses: Array, weights: Array) -> Array:
    """Mean (B, J, 3) of hypotheses (B, H, J, 3) by weights (B, H) or, joint by joint, (B, H, J); they sum to 1."""
    weights = weights if weights.ndim == 3 else weights[..., None]
    xp = array_namespace(hypotheses, weights)
    return xp.sum(hypotheses * weights[..., None], axis=1)


def rpea(hypotheses: Array, errors: Array, *, keep: int, temperature: float, per_joint: bool) -> Array:
    """Reprojection-weighted aggregation of hypotheses (B, H, J, 3) with errors (B, H, J) -> (B, J, 3).

    `per_joint`: each joint chooses for itself (as published); else a pose is chosen as a whole, by its mean error.
    FMPose3D, "Reprojection-based Posterior Expectation Aggregation".
    """
    xp = array_namespace(hypotheses, errors)
    judged = errors if per_joint else xp.mean(errors, axis=2)
    return weighted_mean(hypotheses, rpea_weights(judged, keep=keep, temperature=temperature))


def covariance(hypotheses: Array, centre: Array, *, expected: Array, weight: float) -> Array:
    """Covariance (B, J, 3, 3) of hypotheses (B, H, J, 3) about `centre` (B, J, 3), shrunk towards an expected one.

    `expected` (B, J, 3): variance along each axis that hypotheses of such a joint have on average; it counts as
    `weight` > 0 further hypotheses, so a few already have an uncertainty, and one alone has the expected one.
    """
    xp = array_namespace(hypotheses, centre, expected)
    count = hypotheses.shape[1]
    off = [hypotheses[..., i] - centre[:, None, :, i] for i in range(3)]
    # Each of the six products by itself: small matrices one by one take several times as long.
    of = {(i, j): xp.sum(off[i] * off[j], axis=1) for i in range(3) for j in range(i, 3)}
    spread = xp.stack([xp.stack([of[min(i, j), max(i, j)] for j in range(3)], axis=-1) for i in range(3)], axis=-2)
    known = expected[..., None] * xp.eye(3, dtype=expected.dtype, device=device(expected)) * weight
    return (spread + known) / (count - 1 + weight)
