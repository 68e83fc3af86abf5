"""SLEAP: labels and predictions (.slp) and its analysis files (.h5), through sleap-io."""

import json
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from flowlift.containers import Keypoints2D
from flowlift.detect.optional import import_optional
from flowlift.errors import InputError
from flowlift.io.extent import image_size_or_guess
from flowlift.io.hdf5 import is_hdf5, mentions, opened
from flowlift.io.hints import Hints
from flowlift.io.naming import joint_name, skeleton_of
from flowlift.io.numbering import check_gaps
from flowlift.io.tracks import Sighting, stacked, told_apart
from flowlift.skeleton import Skeleton

_PURPOSE = "reading SLEAP's files"


def matches(path: Path) -> bool:
    """HDF5 that is called .slp, or has an analysis file's parts."""
    return is_hdf5(path) if path.suffix.lower() == ".slp" else mentions(path, b"track_occupancy")


def keeps_people_apart(path: Path) -> bool:
    """Whether everybody has a track; predictions that somebody corrected do not count."""
    with opened(path, "damaged SLEAP file", purpose=_PURPOSE, extra="sleap") as file:
        if "instances" not in file:
            return "track_names" in file and len(file["track_names"]) > 0
        instances = file["instances"][:]
    there = ~np.isin(instances["instance_id"], instances["from_predicted"])
    tracks = [None if track < 0 else int(track) for track in instances["track"][there]]
    return told_apart(zip(instances["frame_id"][there].tolist(), tracks, strict=True))


def read(path: Path, hints: Hints) -> Keypoints2D:
    """One video's frames, from its first; tracks are the people, and whoever has no track follows. Where somebody
    corrected a prediction, the correction counts. Of several videos `FILE::VIDEO` names one, by its file's name.

    Raises InputError for a damaged file or several skeletons, MissingExtraError without sleap-io.
    """
    sleap_io = import_optional("sleap_io", _PURPOSE, "sleap")
    with opened(path, "damaged SLEAP file", purpose=_PURPOSE, extra="sleap") as file:
        about = _about_video(file)
        if path.suffix.lower() == ".slp":
            labels = sleap_io.load_slp(str(path), open_videos=False)
        else:  # a video of that name is not to be opened
            video = sleap_io.Video(path.stem, backend_metadata=about, open_backend=False)
            labels = sleap_io.load_analysis_h5(str(path), video=video)
        return keypoints_of(labels, path, hints)


def _about_video(file: Any) -> dict[str, Any]:
    """What an analysis file of sleap-io's says about its video; SLEAP's own say nothing."""
    about = json.loads(file.attrs.get("video_backend_metadata", "{}"))
    return about if isinstance(about, dict) else {}


def keypoints_of(labels: Any, path: Path, hints: Hints) -> Keypoints2D:
    """sleap-io's labels of one video as keypoints. Raises InputError as `read` does."""
    if len(labels.skeletons) != 1:
        raise InputError(f"{path}: it holds {len(labels.skeletons)} skeletons; one is expected")
    skeleton, order = _skeleton(labels.skeletons[0], hints)
    video = _video(labels.videos, path, hints)
    frames = [frame for frame in labels.labeled_frames if frame.video is video]
    sightings = [
        Sighting(int(frame.frame_idx), instance.track, _values(instance)[order])
        for frame in frames
        for instance in (*frame.user_instances, *frame.unused_predictions)
    ]
    if not sightings:
        raise InputError(f"{path}: nobody was found in any of its {len(frames)} frames")
    numbers = [each.frame for each in sightings]
    check_gaps([0, *numbers], path)
    values = stacked(sightings, max(numbers) + 1)
    shape = video.backend_metadata.get("shape")
    size = (int(shape[2]), int(shape[1])) if shape and all(shape[1:3]) else None
    size = image_size_or_guess(values[..., :2], hints.image_size or size, hints.camera_size, str(path))
    rate = video.backend_metadata.get("fps")
    return Keypoints2D(
        values[..., :2],
        values[..., 2].clip(0, 1),
        skeleton,
        size,
        hints.fps or (float(rate) if rate else None),
        path.name,
    )


def _skeleton(given: Any, hints: Hints) -> tuple[Skeleton, list[int]]:
    """The skeleton, and each of its joints' place among SLEAP's nodes."""
    names = [joint_name(node.name) for node in given.nodes]
    own = {node.name: name for node, name in zip(given.nodes, names, strict=True)}
    edges = [(own[edge.source.name], own[edge.destination.name]) for edge in given.edges]
    pairs = [sorted(own[node.name] for node in symmetry.nodes) for symmetry in given.symmetries]
    made = skeleton_of(names, hints.skeleton, given.name or "sleap", edges, [(one, other) for one, other in pairs])
    return made, [names.index(joint) for joint in made.joints]


def _video(videos: Any, path: Path, hints: Hints) -> Any:
    by_name = {_stem(video.filename): video for video in videos}
    if hints.clip is None and len(videos) == 1:
        return videos[0]
    if hints.clip in by_name:
        return by_name[hints.clip]
    what = "say which video" if hints.clip is None else f"no video {hints.clip!r}"
    raise InputError(f"{path}: {what}: {path}::NAME with NAME one of {', '.join(by_name) or 'none'}")


def _stem(filename: str | list[str]) -> str:
    """Of a video's file, written on whatever system, or of the first of its images."""
    return PureWindowsPath(filename if isinstance(filename, str) else filename[0]).stem


def _values(instance: Any) -> np.ndarray:
    """(node, 3): x, y, score; what a person set has no score."""
    scored = type(instance).__name__ == "PredictedInstance"
    points = np.asarray(instance.numpy(scores=True) if scored else instance.numpy(), dtype=np.float64)
    return points if scored else np.concatenate([points, np.full((len(points), 1), np.nan)], axis=1)
