"""How good a model of any skeleton is on recordings that it has not seen: errors in body lengths."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D
from flowlift.datasets import session_rig
from flowlift.datasets.rotations import quaternion_to_matrix
from flowlift.datasets.session import Session
from flowlift.datasets.session_rig import Rig
from flowlift.datasets.session_split import split_of
from flowlift.datasets.virtual_camera import ViewRange, draw_camera, to_camera_frame
from flowlift.errors import InputError
from flowlift.evaluation.calibration import inside
from flowlift.evaluation.metrics import mpjpe_per_pose, n_mpjpe_per_pose, p_mpjpe_per_pose
from flowlift.evaluation.report import Conditions, Result, to_json, to_markdown
from flowlift.evaluation.tally import Tally, rows
from flowlift.io.atomic import written_whole
from flowlift.lifter import Lifter
from flowlift.models import Model
from flowlift.models.card import card_of, trainings
from flowlift.models.words import words_of

TOGETHER = 30
"""So many frames are seen by one virtual camera, which follows the animal."""
VIEWS = ViewRange(distance=(2.5, 8.0), pitch=(-10.0, 80.0), fov=(35.0, 65.0), aim=0.2, image_size=(1280, 1024))
"""Distances and aim in body lengths."""
NOISE, MISSING = 0.015, 0.1
"""Of "noise": each joint's error, as a share of the body's length, and the share of joints that are missing."""


@dataclass(frozen=True, eq=False)
class SessionResult:
    """What came out: a result for each kind of view; each joint's mean error in exact views, in body lengths."""

    results: tuple[Result, ...]
    joints: Mapping[str, float]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Stretch:
    """Some frames of a session as one camera saw them: keypoints, and the truth (frame, joint, 3) about the root."""

    session: str
    keypoints: Keypoints2D
    xyz: Float64[np.ndarray, "frame joint 3"]
    camera: Camera


def evaluate_sessions(
    lifter: Lifter,
    sessions: Sequence[Session],
    *,
    rigs: Sequence[tuple[Rig, Mapping[str, Camera]]] = (),
    hypotheses: int = 20,
    steps: int | None = None,
    seeds: Sequence[int] = (0,),
    every: int = 1,
) -> SessionResult:
    """Lift what virtual cameras (and the sessions' own, `rigs`) see of the frames that the model has not seen.

    Raises InputError where it has seen all of them.
    """
    frames, notes = _unseen(lifter.model, sessions)
    notes += tuple(
        f"{session.name}, {session_rig.in_words(rig)}" for session, (rig, _) in zip(sessions, rigs, strict=False)
    )
    kinds = {"exact": list(_virtual(sessions, frames, every, noisy=False, model=lifter.model))}
    kinds["noise"] = list(_virtual(sessions, frames, every, noisy=True, model=lifter.model))
    if rigs:
        kinds["own cameras"] = list(_own(sessions, frames, every, rigs, model=lifter.model))
    results, joints = [], np.zeros((2, len(lifter.model.skeleton)))
    for kind, stretches in kinds.items():
        tallies = [Tally() for _ in seeds]
        for seed, tally in zip(seeds, tallies, strict=True):
            for stretch in stretches:
                poses = lifter(stretch.keypoints, stretch.camera, hypotheses=hypotheses, steps=steps, seed=seed)
                found, truth = poses.xyz[:, 0], stretch.xyz.astype(np.float32)
                tally.add(stretch.session, _figures(found, poses.cov[:, 0], truth, lifter.model.skeleton.root))
                if kind == "exact":
                    error = np.linalg.norm(found - truth, axis=-1)
                    known = np.isfinite(error)
                    joints += [np.where(known, error, 0).sum(axis=0), known.sum(axis=0)]
        conditions = _conditions(kind, lifter.model, hypotheses, steps, tuple(seeds), every, _smoothing(sessions))
        results.append(Result(f"{lifter.model.name}, {kind}", conditions, rows(tallies, kind="session")))
    means = joints[0] / np.maximum(joints[1], 1)
    by_joint = dict(zip(lifter.model.skeleton.joints, (float(mean) for mean in means), strict=True))
    return SessionResult(tuple(results), by_joint, notes)


def _figures(
    found: Float32[np.ndarray, "frame joint 3"],
    cov: Float32[np.ndarray, "frame joint 3 3"],
    truth: Float32[np.ndarray, "frame joint 3"],
    root: int,
) -> Mapping[str, Float32[np.ndarray, " frame"]]:
    """Each frame's errors in body lengths, and the share of joints in their nominal 90 % regions."""
    known = np.isfinite(truth).all(axis=-1) & np.isfinite(found).all(axis=-1)
    known[:, root] = False
    held = inside(np.nan_to_num(found), np.nan_to_num(cov), np.nan_to_num(truth), level=0.9) & known
    return {
        "mpjpe": mpjpe_per_pose(found, truth),
        "n_mpjpe": n_mpjpe_per_pose(found, truth),
        "p_mpjpe": p_mpjpe_per_pose(found, truth),
        "coverage_90": (held.sum(axis=1) / np.maximum(known.sum(axis=1), 1)).astype(np.float32),
    }


def _unseen(model: Model, sessions: Sequence[Session]) -> tuple[list[Int64[np.ndarray, " some"]], tuple[str, ...]]:
    """Of each session, the frames that took no part in training: what the model's card says of the same file, also in
    the trainings of the models that it comes from."""
    told = [each.get("sessions", []) for each in trainings(card_of(model).get("training", {}))]
    frames, notes = [], []
    for session in sessions:
        usable = session.usable[np.isfinite(session.xyz[session.usable, model.skeleton.root, 0])]
        together = [len(those) for those in told if session.sha256 in {each["sha256"] for each in those}]
        if together:
            if max(together) > 1:
                raise InputError(f"{model.name!r} was trained on {session.name}; evaluate it on another session")
            usable = usable[split_of([session]).test[0][usable]]
            notes.append(f"{session.name} trained the model: only the stretches of time that were held out of it count")
        if not len(usable):
            raise InputError(f"{session.name}: no usable frame that {model.name!r} has not seen")
        frames.append(usable)
    return frames, tuple(notes)


def _virtual(
    sessions: Sequence[Session], frames: Sequence[np.ndarray], every: int, *, noisy: bool, model: Model
) -> Iterator[_Stretch]:
    for number, (session, usable) in enumerate(zip(sessions, frames, strict=True)):
        looked_at = usable[::every]
        for start in range(0, len(looked_at), TOGETHER):
            rng = np.random.default_rng([0, number, start])
            some = looked_at[start : start + TOGETHER]
            world = session.xyz[some].astype(np.float64)
            known = np.isfinite(world[..., :1])
            middle = np.where(known, world, 0).sum(axis=1) / known.sum(axis=1)
            world = world - middle[:, None]
            if session.up is None:
                world = world @ quaternion_to_matrix(rng.normal(size=4)).T
            camera = draw_camera(rng, np.zeros(3), VIEWS)
            xyz = to_camera_frame(camera, world)
            px = camera.project(xyz)
            if noisy:
                sd = NOISE * camera.matrix[0, 0] / np.linalg.norm(to_camera_frame(camera, np.zeros(3)))
                px = px + rng.normal(size=px.shape) * sd
                px[rng.uniform(size=px.shape[:2]) < MISSING] = np.nan
            yield _stretch(session, some, px, xyz, camera, model)


def _own(
    sessions: Sequence[Session],
    frames: Sequence[np.ndarray],
    every: int,
    rigs: Sequence[tuple[Rig, Mapping[str, Camera]]],
    *,
    model: Model,
) -> Iterator[_Stretch]:
    """What the sessions' own cameras saw, where it is in their images."""
    for session, usable, (rig, cameras) in zip(sessions, frames, rigs, strict=True):
        for i, camera in enumerate(cameras.values()):
            some = usable[::every]
            xyz = session.xyz[some].astype(np.float64) @ rig.rotation[i].T + rig.translation[i]
            px = camera.project(xyz)
            out = ~np.all((px >= 0) & (px <= np.array(camera.image_size)), axis=-1)
            px[out] = np.nan
            seen = np.isfinite(px[..., 0]).sum(axis=1) >= px.shape[1] / 2
            if seen.any():
                yield _stretch(session, some[seen], px[seen], xyz[seen], camera, model)


def _stretch(
    session: Session,
    frames: Int64[np.ndarray, " frame"],
    px: Float64[np.ndarray, "frame joint 2"],
    xyz: Float64[np.ndarray, "frame joint 3"],
    camera: Camera,
    model: Model,
) -> _Stretch:
    score = np.where(np.isfinite(px[..., 0]), 1.0, np.nan)
    times = None if session.fps is None else frames / session.fps
    seen = Keypoints2D(px[:, None], score[:, None], model.skeleton, camera.image_size, fps=session.fps, times=times)
    plain = replace(camera, rotation=None, translation=None)
    return _Stretch(session.name, seen, xyz - xyz[:, [model.skeleton.root]], plain)


def _smoothing(sessions: Sequence[Session]) -> str:
    timed = [session.fps is not None for session in sessions]
    return "auto" if all(timed) else "auto, where the recording tells its frame rate" if any(timed) else "off"


def _conditions(
    kind: str, model: Model, hypotheses: int, steps: int | None, seeds: tuple[int, ...], every: int, smoothing: str
) -> Conditions:
    virtual = (
        f"virtual, one for {TOGETHER} frames, following the body, seed 0: {VIEWS.distance[0]:g} to "
        f"{VIEWS.distance[1]:g} body lengths, pitch {VIEWS.pitch[0]:g} to {VIEWS.pitch[1]:g} degrees, any yaw, "
        f"field of view {VIEWS.fov[0]:g} to {VIEWS.fov[1]:g} degrees"
    )
    noise = f"with Gaussian noise of {NOISE:.1%} of the body's length, {MISSING:.0%} of joints missing"
    return Conditions(
        dataset="3D recordings",
        split="frames that took no part in training" + ("" if every == 1 else f", every {every}th only"),
        cameras="the recording's own" if kind == "own cameras" else virtual,
        keypoints=noise if kind == "noise" else "exact projection",
        joints=f"{len(model.skeleton)}, relative to the root (whose zero counts), those that the recording shows",
        intrinsics="given",
        root="solved",
        scale=f"the model's; errors in body lengths ({words_of(model.size)})",
        hypotheses=hypotheses,
        steps=model.steps if steps is None else steps,
        smoothing=smoothing,
        seeds=seeds,
    )


def markdown(found: SessionResult) -> str:
    """The report to read."""
    lines = [to_markdown(found.results), "| joint | mean error |", "| --- | ---: |"]
    lines += [f"| {joint} | {100 * error:.1f} % |" for joint, error in found.joints.items()]
    return "\n".join([*lines, "", *(f"- {note}" for note in found.notes)]).rstrip() + "\n"


def as_json(found: SessionResult) -> str:
    """Everything, for programs."""
    table = {"results": json.loads(to_json(found.results)), "joints": found.joints, "notes": found.notes}
    return json.dumps(table, indent=2) + "\n"


def write_sessions(found: SessionResult, folder: Path) -> tuple[Path, ...]:
    """Write report.md and report.json; their paths. Raises OutputError."""
    files = {"report.md": markdown(found), "report.json": as_json(found)}
    for name, text in files.items():
        with written_whole(folder / name) as beside:
            beside.write_text(text, encoding="utf-8")
    return tuple(folder / name for name in files)
