"""Run a model over a labelled data set: every aggregation, with the root solved and with the oracle, by protocol."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float, Shaped

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D, Poses3D
from flowlift.conversion import conversion, convert
from flowlift.datasets.labelled import DataSet, LabelledClip
from flowlift.errors import InputError
from flowlift.evaluation.calibration import energy_score, inside, over_hypotheses
from flowlift.evaluation.lifting import UNSAID, Lift, Said, said
from flowlift.evaluation.metrics import auc, mpjpe_per_pose, n_mpjpe_per_pose, p_mpjpe_per_pose, pck
from flowlift.evaluation.motion import acceleration_error, jitter, mpsce, mpsse
from flowlift.evaluation.protocols import Protocol
from flowlift.evaluation.reliability import Reliability, reliability
from flowlift.evaluation.report import Conditions, Result
from flowlift.evaluation.tally import Tally, rows
from flowlift.evaluation.ways import ORACLE, PUBLISHED, Oracle, Shown, Way, all_ways, answers
from flowlift.screen import screen_intrinsics, to_screen
from flowlift.skeleton import Skeleton

CURVE_FRAMES = 40
"""Frames of each clip, evenly spread, that the reliability curve is made of: it needs all hypotheses at once."""
CHUNK = 256
"""Frames that are aggregated together. It bounds the memory and changes no result."""
MODEL = "the model's answer"

Figures = Mapping[str, Shaped[np.ndarray, " frame"]]
Poses = Float[np.ndarray, "frame joint 3"]
Hypotheses = Float[np.ndarray, "frame hypothesis joint 3"]


@dataclass(frozen=True)
class EvaluationSettings:
    """How a model is evaluated. `counts`: numbers of hypotheses; `every`: every nth valid frame of each clip only."""

    model: str
    counts: tuple[int, ...] = (1, 2, 5, 10, 20, 40)
    steps: int | None = None
    seeds: tuple[int, ...] = (0,)
    every: int = 1
    keep: int = PUBLISHED.keep
    temperature: float = PUBLISHED.temperature

    def __post_init__(self) -> None:
        if not self.counts or min(self.counts) < 1:
            raise InputError(f"hypotheses must be numbers of at least 1, got {self.counts}")
        if not self.seeds or self.every < 1:
            raise InputError("an evaluation needs at least one seed, and every must be at least 1")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What came out. `ways`: each aggregation and number of hypotheses; `spread`: what the hypotheses say together;
    `own`: the model's own answer with its covariances; `curve`: the reliability of the first seed's hypotheses;
    `motion`: MPSSE, MPSCE, acceleration error and jitter of the model's answer, mm (per frame^2 of the frames that were
    compared), means over clips; `notes`: what could not be measured, and why.
    """

    dataset: str
    protocol: Protocol
    settings: EvaluationSettings
    own: Result
    ways: tuple[Result, ...]
    spread: tuple[Result, ...]
    curve: Reliability | None
    motion: Mapping[str, float]
    notes: tuple[str, ...]


@dataclass
class _Seed:
    """What one seed adds up to."""

    own: Tally = field(default_factory=Tally)
    ways: dict[tuple[str, int], Tally] = field(default_factory=dict)
    spread: dict[int, Tally] = field(default_factory=dict)


@dataclass
class _Collected:
    seeds: dict[int, _Seed]
    samples: list[tuple[Hypotheses, Poses]] = field(default_factory=list)
    motion: dict[str, list[float]] = field(default_factory=dict)
    clips: int = 0
    told: Said | None = None
    no_oracle: int = 0
    no_camera: int = 0


def evaluate(
    lift: Lift,
    dataset: DataSet,
    protocol: Protocol,
    settings: EvaluationSettings,
    *,
    progress: Callable[[int, str], None] | None = None,
) -> Evaluation:
    """Lift every clip of the protocol's split and compare. Raises InputError when there is nothing to compare."""
    found = _Collected({seed: _Seed() for seed in settings.seeds})
    ways = all_ways(keep=settings.keep, temperature=settings.temperature)
    for clip in dataset.clips(protocol.split):
        part = _valid_part(clip, settings.every)
        if part is None:
            continue
        for seed in settings.seeds:
            _one_clip(lift, part, protocol, settings, ways, seed, found)
        found.clips += 1
        if progress is not None:
            progress(found.clips, clip.name)
    if not found.clips:
        raise InputError(f"{dataset.name}, {protocol.split}: no valid frame to evaluate")
    return _evaluation(dataset, protocol, settings, ways, found)


def _valid_part(clip: LabelledClip, every: int) -> LabelledClip | None:
    """The frames that count, as a clip of their own."""
    kept = np.flatnonzero(clip.valid.astype(bool) & np.isfinite(clip.xyz).any(axis=(1, 2)))[::every]
    if not len(kept):
        return None
    seen = replace(clip.keypoints, xy=clip.keypoints.xy[kept], score=clip.keypoints.score[kept], times=None)
    root = None if clip.root is None else clip.root[kept]
    return replace(clip, keypoints=seen, xyz=clip.xyz[kept], root=root, valid=clip.valid[kept])


def _one_clip(
    lift: Lift,
    clip: LabelledClip,
    protocol: Protocol,
    settings: EvaluationSettings,
    ways: tuple[Way, ...],
    seed: int,
    found: _Collected,
) -> None:
    poses = lift(
        clip.keypoints,
        camera=clip.camera,
        hypotheses=max(settings.counts),
        steps=settings.steps,
        seed=seed,
        smooth="off",
        height=None,
        keep_hypotheses=True,
    )
    found.told = said(poses)
    compared = _Compared.of(poses.skeleton, clip)
    tallies, group = found.seeds[seed], clip.labels.get(protocol.group, "all")
    own = compared(poses.xyz[:, 0])
    figures = dict(_figures(own, compared.truth, protocol, compared.names))
    if protocol.absolute:
        figures["coverage_90"] = _coverage(poses, compared, own)
    tallies.own.add(group, figures)
    if seed == settings.seeds[0]:
        _sample(poses, compared, own, clip, found)
    if poses.hypotheses is None:
        return
    for start in range(0, len(own), CHUNK):
        part = slice(start, start + CHUNK)
        drawn = poses.hypotheses[part, 0]
        shown = _shown(clip, poses, part)
        found.no_oracle += int(start == 0 and seed == settings.seeds[0] and shown.oracle is None)
        for count in settings.counts:
            truth = compared.truth[part]
            for name, pose in answers(drawn[:, :count], shown, ways, root=poses.skeleton.root).items():
                tally = tallies.ways.setdefault((name, count), Tally())
                tally.add(group, _figures(compared(pose), truth, protocol, compared.names))
            if count > 1:
                together = _together(compared(drawn[:, :count]), truth, protocol)
                tallies.spread.setdefault(count, Tally()).add(group, together)


@dataclass(frozen=True, eq=False)
class _Compared:
    """The joints that a model and a data set share by meaning: the model's, brought to the data set's, root at 0."""

    weights: Float[np.ndarray, "compared joint"]
    names: tuple[str, ...]
    root: int
    truth: Poses

    @classmethod
    def of(cls, model: Skeleton, clip: LabelledClip) -> "_Compared":
        skeleton = clip.skeleton
        weights = np.eye(len(model)) if model == skeleton else conversion(model, skeleton).weights[0]
        there = np.flatnonzero((weights != 0).any(axis=1))
        names = tuple(skeleton.joints[joint] for joint in there)
        root = skeleton.joints[skeleton.root]
        if root not in names:
            raise InputError(f"{clip.name}: the model's joints do not tell where the root {root!r} is")
        truth = clip.xyz[:, there].astype(np.float32)
        return cls(weights[there].astype(np.float32), names, names.index(root), truth)

    def __call__(self, xyz: Float[np.ndarray, "*batch joint 3"]) -> Float[np.ndarray, "*batch compared 3"]:
        moved = np.einsum("cj,...jx->...cx", self.weights, xyz)
        return moved - moved[..., [self.root], :]


def _figures(pred: Poses, truth: Poses, protocol: Protocol, names: tuple[str, ...]) -> Figures:
    """Each frame's errors, m (shown as mm), or thousandths of the unit where it is none."""
    if not protocol.absolute:
        return {"p_mpjpe_mm": p_mpjpe_per_pose(pred, truth)}
    figures = {
        "mpjpe_mm": mpjpe_per_pose(pred, truth),
        "n_mpjpe_mm": n_mpjpe_per_pose(pred, truth),
        "p_mpjpe_mm": p_mpjpe_per_pose(pred, truth),
    }
    if protocol.away is not None:
        counted = np.array([name not in protocol.away for name in names], dtype=np.float32)
        figures["pck_150"] = pck(pred, truth, threshold=0.15, weights=counted)
        figures["auc"] = auc(pred, truth, weights=counted)
    return figures


def _together(drawn: Hypotheses, truth: Poses, protocol: Protocol) -> Figures:
    """The best, the mean and the median hypothesis of each frame, beside the energy score that keeps them honest."""
    p_errors = over_hypotheses(drawn, truth, metric=p_mpjpe_per_pose)
    figures = {"min_p_mpjpe_mm": p_errors.minimum, "mean_p_mpjpe_mm": p_errors.mean}
    if not protocol.absolute:
        return figures
    errors = over_hypotheses(drawn, truth)
    return figures | {
        "min_mpjpe_mm": errors.minimum,
        "mean_mpjpe_mm": errors.mean,
        "median_mpjpe_mm": errors.median,
        "energy_mm": np.nanmean(energy_score(drawn, truth), axis=1),
    }


def _coverage(poses: Poses3D, compared: _Compared, own: Poses) -> Float[np.ndarray, " frame"]:
    """Share of joints in their nominal 90 % region; the root, which is 0 by definition, does not count."""
    moving = [joint for joint in range(len(compared.names)) if joint != compared.root]
    # A joint built from several is taken to be as uncertain as the mean of them.
    cov = np.einsum("cj,fjxy->fcxy", compared.weights, poses.cov[:, 0])
    good = np.isfinite(own).all(axis=-1) & np.isfinite(compared.truth).all(axis=-1)
    held = inside(np.nan_to_num(own), np.nan_to_num(cov), np.nan_to_num(compared.truth), level=0.9)
    share = np.where(good, held, np.nan)[:, moving]
    known = np.isfinite(share).sum(axis=1)
    return np.where(known > 0, np.nansum(share, axis=1) / np.maximum(known, 1), np.nan)


def _sample(poses: Poses3D, compared: _Compared, own: Poses, clip: LabelledClip, found: _Collected) -> None:
    """Keep some frames for the reliability curve, and the bones' lengths."""
    if np.isfinite(own).all() and len(compared.names) == len(clip.skeleton):
        for name, value in _motion(own, compared.truth, clip):
            found.motion.setdefault(name, []).append(1000 * float(value))
    found.no_camera += int(clip.camera is None)
    if poses.hypotheses is None or poses.hypotheses.shape[2] < 2:
        return
    rows = np.unique(np.linspace(0, len(own) - 1, min(len(own), CURVE_FRAMES)).astype(int))
    moving = [joint for joint in range(len(compared.names)) if joint != compared.root]
    drawn, truth = compared(poses.hypotheses[rows, 0])[:, :, moving], compared.truth[rows][:, moving]
    good = np.isfinite(drawn).all(axis=(1, 2, 3)) & np.isfinite(truth).all(axis=(1, 2))
    found.samples.append((drawn[good], truth[good]))


def _motion(own: Poses, truth: Poses, clip: LabelledClip) -> Iterator[tuple[str, float]]:
    """What single frames do not show of one clip, m (per frame^2), by name: where the clip is long enough for it."""
    yield "mpsse_mm", mpsse(own, clip.skeleton)
    if len(own) > 1:
        yield "mpsce_mm", mpsce(own, clip.skeleton)
    if len(own) > 2:
        yield "acceleration_error_mm", acceleration_error(own, truth)
        yield "jitter_mm", jitter(own)


def _shown(clip: LabelledClip, poses: Poses3D, part: slice) -> Shown:
    """What the clip's 2D tells, on the model's joints; with the truth where the data set has it."""
    camera: Camera = clip.camera or poses.camera or Camera.from_fov(55.0, clip.keypoints.image_size, assumed=True)
    keypoints: Keypoints2D = convert(clip.keypoints, poses.skeleton)
    xy = keypoints.xy[part, 0].astype(np.float64)
    there = np.isfinite(xy).all(axis=-1)
    rays = np.where(there[..., None], camera.rays(np.nan_to_num(xy)), 0.0)
    focal = 2 * float(camera.matrix[0, 0]) / camera.image_size[0]
    shown = Shown(rays.astype(np.float32), there.astype(np.float32), focal)
    if clip.camera is None or clip.root is None:
        return shown
    screen = np.where(there[..., None], to_screen(np.nan_to_num(xy), camera.image_size), 0.0)
    root = clip.root[part].astype(np.float32)
    lens = np.tile(screen_intrinsics(camera), (len(root), 1))
    return replace(shown, oracle=Oracle(screen.astype(np.float32), root, lens))


def _evaluation(
    dataset: DataSet, protocol: Protocol, settings: EvaluationSettings, ways: tuple[Way, ...], found: _Collected
) -> Evaluation:
    seeds = [found.seeds[seed] for seed in settings.seeds]
    conditions = _conditions(dataset, protocol, settings, found)
    kind = protocol.group

    def results(pairs: Iterator[tuple[str, int, Conditions, list[Tally]]]) -> tuple[Result, ...]:
        return tuple(Result(name, own, rows(tallies, kind=kind)) for name, _, own, tallies in pairs)

    def by_way() -> Iterator[tuple[str, int, Conditions, list[Tally]]]:
        for way in ways:
            root = {"oracle": ORACLE, "consensus": "solved once, for the mean of the hypotheses"}.get(
                way.root, "solved"
            )
            for count in settings.counts:
                if all((way.name, count) in seed.ways for seed in seeds):
                    own = replace(conditions, hypotheses=count, root=root)
                    yield f"{way.name}, N = {count}", count, own, [seed.ways[way.name, count] for seed in seeds]

    def by_count() -> Iterator[tuple[str, int, Conditions, list[Tally]]]:
        for count in settings.counts:
            if all(count in seed.spread for seed in seeds):
                own = replace(conditions, hypotheses=count)
                yield f"hypotheses, N = {count}", count, own, [seed.spread[count] for seed in seeds]

    own = Result(MODEL, conditions, rows([seed.own for seed in seeds], kind=kind))
    curve = (
        reliability(*(np.concatenate(arrays) for arrays in zip(*found.samples, strict=True))) if found.samples else None
    )
    motion = {name: float(np.mean(values)) for name, values in found.motion.items()}
    notes = _notes(found)
    return Evaluation(
        dataset.name, protocol, settings, own, results(by_way()), results(by_count()), curve, motion, notes
    )


def _notes(found: _Collected) -> tuple[str, ...]:
    notes = []
    if found.no_oracle:
        notes.append(f"oracle root left out for {found.no_oracle} of {found.clips} clips: no true root or camera there")
    if found.no_camera:
        notes.append(
            f"{found.no_camera} of {found.clips} clips tell no camera: a field of view of 55 degrees is assumed"
        )
    return tuple(notes)


def _conditions(dataset: DataSet, protocol: Protocol, settings: EvaluationSettings, found: _Collected) -> Conditions:
    told = found.told or UNSAID
    every = "" if settings.every == 1 else f", every {settings.every}th valid frame only"
    return Conditions(
        dataset=dataset.name,
        split=f"{protocol.split}, {found.clips} clips{every}",
        cameras="the data set's",
        keypoints=dataset.keypoints,
        joints=f"all that model and data set share, relative to the root (which counts); {protocol.name}",
        intrinsics=told["intrinsics"],
        vertical=told["vertical"],
        root=told["root"],
        scale="the model's" if protocol.absolute else "none: only Procrustes errors, in thousandths of the data's unit",
        hypotheses=max(settings.counts),
        steps=told["steps"],
        smoothing="off",
        seeds=settings.seeds,
    )
