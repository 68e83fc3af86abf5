"""HDM05: marker capture of three actors, seen by virtual cameras. For measuring, never for training."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from flowlift.datasets.views import Capture, Variation, view
from flowlift.errors import InputError
from flowlift.evaluation.lifting import Lift, LiftSettings, Said, said
from flowlift.evaluation.report import Conditions, PerFrame, Result, Row, frame_mean, mean_of_rows
from flowlift.evaluation.scoring import join_clips, score_poses

Scored = tuple[Capture, list[PerFrame]]


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
        intrinsics = seen.camera if variation.vertical else seen.camera.without_pose
        camera = intrinsics if variation.intrinsics else None
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
