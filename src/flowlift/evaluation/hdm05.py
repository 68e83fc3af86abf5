"""HDM05: marker capture of three actors, seen by virtual cameras. For measuring, never for training."""

import re
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from flowlift.datasets.asf_amc import human36m17_from_acclaim, read_acclaim, read_asf
from flowlift.datasets.bvh import Motion
from flowlift.errors import InputError
from flowlift.evaluation.lifting import Lift, LiftSettings, Said, said
from flowlift.evaluation.report import Conditions, PerFrame, Result, Row, frame_mean, mean_of_rows
from flowlift.evaluation.scoring import join_clips, score_poses
from flowlift.evaluation.views import Capture, Variation, view

FPS = 120.0
STRIDE = 12
ACTORS = ("bd", "bk", "dg")
_NAME = re.compile(r"HDM_(?P<actor>[a-z]+)_(?P<action>[A-Za-z0-9]+)_(?P<trial>\d+)_\d+")

# The capture's own names for its takes, and what they show.
ACTIONS = {
    "depositFloorR": "deposit",
    "elbowToKnee": "elbow to knee",
    "grabHighR": "grab",
    "hopBothLegs": "hop",
    "jogLeftCircle": "jog",
    "kickLFront": "kick",
    "lieDownFloor": "lie down",
    "rotateArmsBothBackward": "rotate arms",
    "sneak": "sneak",
    "squat": "squat",
    "throwBasketball": "throw",
}

Scored = tuple[Capture, list[PerFrame]]


def read_captures(source: str | Path, *, actors: Sequence[str] = ACTORS, stride: int = STRIDE) -> list[Capture]:
    """Every clip of the actors, from the archive (tar) or the folder it unpacks to, in order of name.

    Raises InputError when there is none or a file is damaged.
    """
    captures: list[Capture] = []
    with _unpacked(Path(source)) as folder:
        for asf in sorted(folder.rglob("HDM_*.asf")):
            skeleton = read_asf(asf)
            for amc in sorted(asf.parent.glob(f"{asf.stem}_*.amc")):
                named = _NAME.fullmatch(amc.stem)
                if named is None or named["actor"] not in actors:
                    continue
                motion = read_acclaim(skeleton, amc, fps=FPS, stride=stride)
                xyz = human36m17_from_acclaim(motion).astype(np.float32)
                captures.append(Capture(named["actor"], action_of(named["action"]), xyz, upright(motion), motion.fps))
    if not captures:
        raise InputError(f"{source}: no HDM05 clip of {', '.join(actors)} found (HDM_ACTOR_ACTION_TRIAL_120.amc)")
    return [replace(c, height=median(o.height for o in captures if o.actor == c.actor)) for c in captures]


def upright(motion: Motion) -> float:
    """How far the head's end ever stands above the lower toes' end in a clip, m: about the actor's height."""
    toes = np.minimum(motion.joint("ltoes")[:, 1], motion.joint("rtoes")[:, 1])
    return float((motion.joint("head")[:, 1] - toes).max())


def action_of(take: str) -> str:
    """What a take shows, by the capture's name for it: hopBothLegs3hops -> hop. Unknown names stay as they are."""
    return next((action for start, action in ACTIONS.items() if take.startswith(start)), take)


@contextmanager
def _unpacked(source: Path) -> Iterator[Path]:
    """The folder itself, or a temporary one that holds what the archive does."""
    if source.is_dir():
        yield source
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(source) as archive:
                archive.extractall(folder, filter="data")
        except (OSError, EOFError, tarfile.TarError) as error:
            raise InputError(f"{source}: cannot read it as an archive of HDM05: {error}") from error
        yield Path(folder)


def evaluate_hdm05(
    captures: Sequence[Capture],
    lift: Lift,
    settings: LiftSettings,
    variation: Variation,
    *,
    name: str = "",
    camera_seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Lift every clip and compare: over all frames, as the mean of the actions, by actor, by action.

    Clip i is seen by the same camera whatever the method: camera and noise follow from `camera_seed` and i.
    """
    scored: list[Scored] = []
    told: Said | None = None
    for i, capture in enumerate(captures):
        seen = view(capture, variation, np.random.default_rng([camera_seed, i]))
        camera = seen.camera if variation.intrinsics else None
        height = capture.height if variation.height else None
        per_seed = []
        for seed in settings.seeds:
            poses = settings.run(lift, seen.keypoints, camera=camera, height=height, seed=seed)
            per_seed.append(score_poses(poses, seen.truth))
            told = said(poses)
        scored.append((capture, per_seed))
        if progress is not None:
            progress(i + 1, len(captures))
    if told is None:
        raise InputError("nothing to evaluate: no clip, or no seed")
    conditions = _conditions(captures, settings, variation, camera_seed, told)
    return Result(name or settings.model, conditions, tuple(_rows(scored)))


def _rows(scored: Sequence[Scored]) -> Iterator[Row]:
    def mean(group: str, clips: Sequence[list[PerFrame]]) -> Row:
        return frame_mean(group, [join_clips(per_seed) for per_seed in zip(*clips, strict=True)])

    actions = [
        mean(action, [values for capture, values in scored if capture.action == action])
        for action in sorted({capture.action for capture, _ in scored})
    ]
    yield mean("all", [values for _, values in scored])
    yield mean_of_rows("mean of actions", actions)
    for actor in sorted({capture.actor for capture, _ in scored}):
        yield mean(f"actor {actor}", [values for capture, values in scored if capture.actor == actor])
    yield from actions


def _conditions(
    captures: Sequence[Capture], settings: LiftSettings, variation: Variation, camera_seed: int, told: Said
) -> Conditions:
    views = variation.views
    actors = sorted({capture.actor for capture in captures})
    rates = sorted({f"{capture.fps:g}" for capture in captures})
    return Conditions(
        dataset="HDM05",
        split=f"actors {', '.join(actors)}; {len(captures)} clips at {'/'.join(rates)} fps",
        cameras=(
            f"virtual, one a clip, seed {camera_seed}: {views.distance[0]:g} to {views.distance[1]:g} m, pitch "
            f"{views.pitch[0]:g} to {views.pitch[1]:g} degrees, any yaw, field of view {views.fov[0]:g} to "
            f"{views.fov[1]:g} degrees, {views.image_size[0]}x{views.image_size[1]} or upright, body in the image"
        ),
        keypoints=variation.keypoints,
        joints="17, Human3.6M's, relative to the hip (whose zero counts)",
        scale="the true height given" if variation.height else "the model's",
        smoothing=settings.smooth,
        seeds=settings.seeds,
        **told,
    )
