"""The main job: a source of images or keypoints in, 3D poses out; chunk by chunk, so that any length fits in memory."""

import warnings
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from itertools import chain
from os import PathLike
from pathlib import Path

import numpy as np

from flowlift.camera import Camera
from flowlift.checksums import of_source
from flowlift.clip_camera import check_lens, check_place, choose_camera, read_camera_for
from flowlift.clips import (
    Clip,
    Progress,
    is_a_clip,
    load_keypoints,
    open_images,
    open_keypoints,
    open_source,
    source_name,
)
from flowlift.concatenate import concatenate_poses
from flowlift.containers import Keypoints2D, Poses3D, Provenance
from flowlift.detect import DEFAULT, Detector, for_pictures, load_detector
from flowlift.errors import InputError
from flowlift.footing import GROUNDS, stand_on_ground
from flowlift.io import is_keypoint_source, keeps_people_apart
from flowlift.io.hints import Hints
from flowlift.io.mapping_file import read_mapping
from flowlift.io.registry import file_of
from flowlift.joint_report import joints_in_words
from flowlift.lifter import MIN_JOINTS, Lifter
from flowlift.lifting.mending import lift_mended
from flowlift.people import how_many, keep_people
from flowlift.plain_numbers import real
from flowlift.temporal import Smoothing


class LiftInterrupted(KeyboardInterrupt):
    """Ctrl-C during `lift`; `poses` holds the frames that were finished, None where there are none."""

    def __init__(self, poses: Poses3D | None) -> None:
        super().__init__()
        self.poses = poses


def lift(
    source: str | Path | int,
    *,
    model: str | Path | Lifter = "human",
    camera: Camera | str | Path | None = None,
    hypotheses: int = 20,
    steps: int | None = None,
    seed: int = 0,
    smooth: str | float = "auto",
    height: float | None = None,
    keep_hypotheses: bool = False,
    fov: float | None = None,
    focal: float | None = None,
    start: float | None = None,
    end: float | None = None,
    detector: str | Detector | None = None,
    skeleton: str | None = None,
    mapping: str | Path | None = None,
    fps: float | None = None,
    image_size: tuple[int, int] | None = None,
    min_score: float | None = None,
    people: int | str = "all",
    mend: bool = True,
    ground: str = "off",
    device: str | None = None,
    size: float | None = None,
    camera_unit: str | None = None,
    progress: Progress | None = None,
    **detector_options: object,
) -> Poses3D:
    """3D poses with their uncertainty from a video, an image, a folder of images, a camera index or a keypoint file.

    `camera` (or `fov`, degrees across the longer image side; or `focal`, px) says what is known of the camera; with
    none of them a common field of view is assumed. `model`: by name or folder, or a Lifter, which then is what runs
    (`device` is its own). A calibration file with several cameras is asked for the one that is called like the source,
    or name it: `FILE::NAME`; `camera_unit`: of its translations (m, dm, cm or mm; not given: m, and refused where that
    puts the camera implausibly far away). `height`: the person's, metres; `size`: an animal's length, as its model
    measures it, metres (not given: poses are in body lengths). `start`, `end`: seconds. `mapping`: a TOML file that
    says of which joints of a keypoint file the model's are made, where their names do not. `skeleton`, `fps`,
    `image_size` (width, height) describe a keypoint file that does not say; `fps` a folder of images too, and a video
    without times of its own (.h264). Joints of a keypoint file whose confidence is 0, or below `min_score`, are missing
    (None: below 0.1 in DeepLabCut's tables).
    People who are listed frame by frame are followed; `people` says how many to keep of those who fill the clip most
    ("largest": one), or "all". `detector`: by name ("mediapipe" when not given) or made before; `detector_options` go
    to it. `progress` is called with (frames done, frames expected or None). Frames without a person are NaN. `mend`:
    left and right that the 2D has exchanged in some frames are exchanged back. `ground`: "auto" finds it from the feet,
    "calibration" takes the calibrated world's; standing feet are then held, and the result's camera has a pose in a
    world that stands upright. "off": the camera's frame.
    Raises InputError, ModelError, MissingExtraError; LiftInterrupted on Ctrl-C, with what was finished.
    """
    _check_source(source)
    for what, number in {"start": start, "end": end, "fov": fov, "focal": focal, "fps": fps}.items():
        real(what, number)
    calibrated = read_camera_for(camera, source_name(source), camera_unit)
    lifter = model if isinstance(model, Lifter) else Lifter.load(model, device=device)
    report, count = progress or _ignore, how_many(people)
    if ground not in GROUNDS:
        raise InputError(f"ground must be {', '.join(GROUNDS[:-1])} or {GROUNDS[-1]}, got {ground!r}")
    if ground == "calibration" and (calibrated is None or not calibrated.placed):
        raise InputError("ground: calibration needs a calibration file that tells the camera's pose; give one, or auto")
    known: Camera | None = None
    told: Provenance = {}
    origin = None if isinstance(source, int) else _origin(source)
    placed = camera_unit is not None or isinstance(camera, Camera)  # which is in metres

    def lift_chunk(keypoints: Keypoints2D) -> Poses3D:
        nonlocal placed
        poses = lifter(
            keypoints,
            camera=known,
            hypotheses=hypotheses,
            steps=steps,
            seed=seed,
            smooth="off",  # over all frames together, at the end
            height=height,
            keep_hypotheses=keep_hypotheses,
            size=size,
        )
        placed = placed or check_place(poses)  # with the first people, not after hours
        return poses

    with ExitStack() as stack:
        if not isinstance(source, int) and is_keypoint_source(source):
            seen_by = None if calibrated is None else calibrated.image_size
            ordered = keeps_people_apart(source)
            if detector_options:
                raise InputError(
                    f"{source}: it holds keypoints, and {', '.join(detector_options)} is for a detector in images"
                )
            if detector is not None:
                _warn(f"{source}: it holds keypoints; no detector looks at it")
            keypoints = load_keypoints(source, Hints.of(skeleton, fps, image_size, min_score, seen_by))
            if mapping is not None:
                mapped = read_mapping(Path(mapping), keypoints.skeleton, lifter.model.skeleton)
                keypoints, told = mapped(keypoints), {"joints": joints_in_words(mapped)}
            clip = open_keypoints(source, keypoints, start, end, report, ordered=ordered)
            if len(keypoints) > 1 and not keypoints.timed:
                _warn(f"{source}: the file does not tell the frame rate; nothing is smoothed without it, give --fps")
        else:
            if mapping is not None:
                raise InputError(
                    f"{source}: mapping is for keypoint files; what finds joints in images knows their names"
                )
            for name, given in (("skeleton", skeleton), ("image_size", image_size), ("min_score", min_score)):
                if given is not None:
                    raise InputError(f"{source}: {name} is for keypoint files; images and videos tell their own")
            frames = open_source(source, start, end, fps)
            if fps is not None and frames.fps != fps:
                _warn(f"{source}: videos and cameras tell their own frame rate; {fps:g} frames/s are not used")
            if detector is None or isinstance(detector, str):
                name = detector or DEFAULT
                usual = {} if is_a_clip(frames) else for_pictures(name)
                detector = load_detector(name, **(usual | detector_options))
                stack.callback(detector.close)
            clip = open_images(frames, detector, report)
        known = choose_camera(clip.image_size, camera=calibrated, fov=fov, focal=focal)
        Smoothing.parse(smooth)
        lift_chunk(clip.nothing)  # settings that cannot be are refused now, not after minutes of detection
        poses = lift_chunks(clip, lift_chunk, people=count)
    if poses is None:
        raise InputError(f"{source}: it holds no frames")
    if complaint := check_lens(poses):
        _warn(f"{source}: {complaint}")
    poses = lift_mended(poses, lift_chunk, lifter) if mend else poses
    poses = lifter.over_time(poses, smooth, height, size)
    if np.isnan(poses.xyz).all():
        raise InputError(f"{source}: nobody to lift: none of its {len(poses)} frames shows {MIN_JOINTS} joints or more")
    poses = stand_on_ground(poses, ground)
    return replace(poses, provenance={**poses.provenance, **told, "source_sha256": origin})


def _check_source(source: object) -> None:
    if isinstance(source, Keypoints2D):
        raise InputError("flowlift.lift takes a file or a camera; flowlift.Lifter.load()(keypoints) lifts keypoints")
    if not isinstance(source, str | PathLike | int):
        raise InputError(f"flowlift.lift takes a path or a camera's number, got {type(source).__name__}")


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=3)


def _origin(source: str | Path) -> str | None:
    """The checksum of what is lifted, taken before: files that are still written to change. None for what is no file,
    or cannot be read, which reading it says better."""
    path = file_of(source)
    try:
        return of_source(path) if path.is_file() or path.is_dir() else None
    except OSError:
        return None


def lift_chunks(
    clip: Clip, lift_chunk: Callable[[Keypoints2D], Poses3D], *, people: int | None = None
) -> Poses3D | None:
    """Lift chunk after chunk; None when there is none. `people`: how many to keep, None: all.

    Raises LiftInterrupted on Ctrl-C, with all that was detected.
    """
    parts: dict[int, Poses3D] = {}  # by first frame: lifting a chunk again, after Ctrl-C, does no harm
    chunk = None
    with closing(clip.chunks) as chunks:
        try:
            for chunk in chunks:
                parts[chunk.first] = lift_chunk(chunk.keypoints)
        except KeyboardInterrupt:
            clip.stop.set()
            with suppress(KeyboardInterrupt):  # which ends what was detected; a second one ends it at once
                for rest in chunks if chunk is None else chain([chunk], chunks):
                    if rest.first not in parts:
                        parts[rest.first] = lift_chunk(rest.keypoints)
            raise LiftInterrupted(_join(parts, clip, people)) from None
    return _join(parts, clip, people)


def _join(parts: dict[int, Poses3D], clip: Clip, people: int | None) -> Poses3D | None:
    if not parts:
        return None
    kept = list(parts.values()) if people is None else keep_people(list(parts.values()), people)
    poses = concatenate_poses(kept)
    return replace(poses, provenance={**poses.provenance, "source": clip.name, "detector": clip.detector})


def _ignore(done: int, total: int | None) -> None:
    """The progress report of somebody who wants none."""
