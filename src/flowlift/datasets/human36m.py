"""Human3.6M as VideoPose3D packs it: data_3d_h36m.npz, data_2d_h36m_KEYPOINTS.npz, and a file of cameras.

Both npz files hold a table {subject: {action: ...}}: of world positions (frame, 32, 3), metres, 50 a second; and of the
keypoints (frame, 17, 2) px of four cameras. How the cameras are written stands in `flowlift.datasets.human36m_cameras`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D
from flowlift.datasets.checked import split_of
from flowlift.datasets.human36m_cameras import CAMERAS, read_cameras
from flowlift.datasets.human36m_files import POSES_FILE, Packed, read_keypoints, read_poses
from flowlift.datasets.labelled import DataSet, LabelledClip
from flowlift.datasets.opening import DataSetOptions
from flowlift.errors import InputError
from flowlift.skeleton import Skeleton
from flowlift.skeletons import HUMAN36M17

FPS = 50.0
SUBJECTS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
IMAGE_SIZES = ((1000, 1002), (1000, 1000), (1000, 1000), (1000, 1002))
"""Width and height of the four cameras' images, px."""

_DEFAULT_2D = "cpn_ft_h36m_dbb"
TAKES = ("keypoints", "cameras")
"""Of the options of `opening`."""


@dataclass(frozen=True)
class Human36M:
    """Human3.6M: train S1 S5 S6 S7 S8, test S9 S11 without its corrupt Directions; four cameras, 17 joints, metres.

    `keypoints` is the ending of the file of 2D keypoints: cpn_ft_h36m_dbb, gt, ... `cameras`: the JSON file of cameras;
    without it there are keypoints, but no clips.
    """

    folder: Path
    _: KW_ONLY
    keypoints: str = _DEFAULT_2D
    cameras: Path | None = None
    name: str = field(default="Human3.6M", init=False)
    skeleton: Skeleton = field(default=HUMAN36M17, init=False)
    unit: str = field(default="m", init=False)
    splits: tuple[str, ...] = field(default=tuple(SUBJECTS), init=False)

    def clips(self, split: str) -> Iterator[LabelledClip]:
        """Clips by subject, action, trial and camera; labels: subject, action, trial, camera.

        Keypoints of frames after the capture's end are cut off. Raises InputError for an unknown split, and where there
        is no file of cameras, a file is damaged, or anything in it is missing.
        """
        subjects = SUBJECTS[split_of(split, self.splits, self.name)]
        if self.cameras is None:
            raise InputError(
                f"{self.folder}: Human3.6M's files hold no cameras, and poses in the camera's frame need them: give a "
                "JSON file of the published ones (its form stands in flowlift.datasets.human36m_cameras)"
            )
        return self._clips(subjects, self.cameras)

    def keypoint_clips(self, split: str) -> Iterator[Keypoints2D]:
        """The 2D keypoints alone, in the order of `clips` but whole, which needs no cameras.

        Raises InputError for an unknown split, and where the file is damaged or a subject missing in it.
        """
        return self._keypoint_clips(SUBJECTS[split_of(split, self.splits, self.name)])

    def _clips(self, subjects: tuple[str, ...], cameras: Path) -> Iterator[LabelledClip]:
        poses, keypoints = read_poses(self.folder), read_keypoints(self.folder, self.keypoints)
        for subject in subjects:
            seen, views = keypoints.takes(subject), read_cameras(cameras, subject)
            for take, captured in poses.takes(subject).items():
                if take not in seen:
                    raise InputError(f"{keypoints.path}: {captured.name} is missing, which {poses.path.name} has")
                world = captured.world()
                for index, view in enumerate(views):
                    labels = {"subject": subject, "action": take.action, "trial": take.trial, "camera": CAMERAS[index]}
                    yield _clip(f"{captured.name}/{CAMERAS[index]}", labels, world, seen[take], index, view)

    def _keypoint_clips(self, subjects: tuple[str, ...]) -> Iterator[Keypoints2D]:
        keypoints = read_keypoints(self.folder, self.keypoints)
        for subject in subjects:
            for seen in keypoints.takes(subject).values():
                for index, size in enumerate(IMAGE_SIZES):
                    yield _keypoints(seen.seen_by(index), size, f"{seen.path.name}::{seen.name}/{index}")


def _keypoints(xy: Float64[np.ndarray, "frame 17 2"], size: tuple[int, int], source: str) -> Keypoints2D:
    return Keypoints2D(xy[:, None], np.full((len(xy), 1, len(HUMAN36M17)), np.nan), HUMAN36M17, size, FPS, source)


def _clip(
    name: str,
    labels: Mapping[str, str],
    world: Float64[np.ndarray, "frame 17 3"],
    seen: Packed,
    index: int,
    camera: Camera,
) -> LabelledClip:
    xy = seen.seen_by(index)
    if len(xy) < len(world):
        raise InputError(
            f"{seen.where}: camera {CAMERAS[index]}: keypoints of {len(xy)} frames, but the capture has {len(world)}"
        )
    assert camera.rotation is not None
    assert camera.translation is not None
    xyz = world @ camera.rotation.T + camera.translation
    root = xyz[:, HUMAN36M17.root]
    return LabelledClip(
        name=name,
        labels=labels,
        keypoints=_keypoints(xy[: len(world)], camera.image_size, f"{seen.path.name}::{seen.name}/{index}"),
        xyz=(xyz - root[:, None]).astype(np.float32),
        root=root.astype(np.float32),
        camera=camera,
        valid=np.ones(len(world), dtype=bool),
    )


def matches(path: Path) -> bool:
    """A folder with one of the data set's files, or such a file."""
    names = [each.name for each in path.iterdir()] if path.is_dir() else [path.name]
    return any(name == POSES_FILE or fnmatch(name, "data_2d_h36m_*.npz") for name in names)


def opened(source: Path, options: DataSetOptions) -> DataSet:
    """The data set in a folder, or beside one of its files."""
    folder = source if source.is_dir() else source.parent
    return Human36M(folder, keypoints=options.keypoints or _DEFAULT_2D, cameras=options.cameras)
