"""3DPW: sequenceFiles/{train,validation,test}/*.pkl, people outdoors with a moving camera, poses in metres.

A file is a pickle of {sequence, jointPositions: [person](frame, 72), poses2d: [person](frame, 3, 18), cam_poses:
(frame, 4, 4) world to camera, cam_intrinsics: (3, 3), campose_valid: [person](frame), genders}. It is read by the
restricted unpickler.

The 17 joints are built from SMPL's 24 (`FROM_SMPL`): hips, knees, ankles, shoulders, elbows and wrists are SMPL's own,
the rest its nearest. Published numbers take them from the body's mesh by a regressor, which needs the body model that
is not free; the two do not compare, and `name` says which these are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D
from flowlift.conversion import convert
from flowlift.datasets.checked import member, numbers, split_of
from flowlift.datasets.labelled import LabelledClip
from flowlift.datasets.opening import DataSetOptions
from flowlift.errors import InputError
from flowlift.io.restricted import load
from flowlift.skeleton import Skeleton
from flowlift.skeletons import COCO18, HUMAN36M17

FPS = 30.0
KEYPOINTS = MappingProxyType({"projected": "exact projection", "poses2d": "the data set's OpenPose detections"})
SMPL24 = [
    "pelvis",
    "left_hip",
    "right_hip",
    "spine1",
    "left_knee",
    "right_knee",
    "spine2",
    "left_ankle",
    "right_ankle",
    "spine3",
    "left_foot",
    "right_foot",
    "neck",
    "left_collar",
    "right_collar",
    "head",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hand",
    "right_hand",
]
FROM_SMPL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "hip": ("left_hip", "right_hip"),
        "spine": ("spine2",),
        "thorax": ("neck",),
        "nose": ("head",),
        # SMPL has no crown: as far beyond the head joint as that is from the neck.
        "head": ("head", "head", "-neck"),
    }
)
"""Human3.6M's joints that SMPL calls otherwise, as the mean of (or, with a minus, the sum with) SMPL's."""
TAKES = ("keypoints",)
"""Of the options of `opening`."""


@dataclass(frozen=True)
class ThreeDPW:
    """3DPW under a folder that holds sequenceFiles. `source_2d`: "projected" or "poses2d". Raises InputError."""

    folder: Path
    source_2d: str = "projected"

    name = "3DPW (17 joints from SMPL's 24)"
    skeleton: Skeleton = HUMAN36M17
    unit = "m"
    splits = ("train", "validation", "test")

    def __post_init__(self) -> None:
        if self.source_2d not in KEYPOINTS:
            raise InputError(f"{self.folder}: 3DPW has no keypoints {self.source_2d!r}; it has {', '.join(KEYPOINTS)}")

    @property
    def keypoints(self) -> str:
        return KEYPOINTS[self.source_2d]

    def clips(self, split: str) -> Iterator[LabelledClip]:
        """A clip for each person of each sequence; frames with a wrong camera are not valid. Raises InputError."""
        folder = _sequences(self.folder) / split_of(split, self.splits, self.name)
        files = sorted(folder.glob("*.pkl"))
        if not files:
            raise InputError(f"{folder}: there are no sequence files (.pkl)")
        for file in files:
            yield from _people(file, self.source_2d)


def _sequences(folder: Path) -> Path:
    return folder / "sequenceFiles" if (folder / "sequenceFiles").is_dir() else folder


def _people(file: Path, source_2d: str) -> Iterator[LabelledClip]:
    try:
        with file.open("rb") as stream:
            held = load(stream)
    except (OSError, InputError) as error:
        raise InputError(f"{file}: {error}") from error

    def given(key: str) -> Any:
        return member(held, key, str(file))

    poses = numbers(given("cam_poses"), ("frame", 4, 4), f"{file}: cam_poses")
    camera = _camera(numbers(given("cam_intrinsics"), (3, 3), f"{file}: cam_intrinsics"), file)
    keys = ("jointPositions", "campose_valid", "poses2d")
    everybody, valid, seen = (_per_person(given(key), key, file) for key in keys)
    if not len(everybody) == len(valid) == len(seen):
        counts = ", ".join(f"{len(each)} in {key}" for key, each in zip(keys, (everybody, valid, seen), strict=True))
        raise InputError(f"{file}: the numbers of people differ: {counts}")
    for person, (positions, good, detected) in enumerate(zip(everybody, valid, seen, strict=True)):
        where, frames = f"{file}: person {person}", len(poses)
        world = numbers(positions, (frames, 72), f"{where}: jointPositions").reshape(frames, 24, 3)
        turned = np.einsum("fij,fkj->fki", poses[:, :3, :3], world) + poses[:, None, :3, 3]
        xyz = human36m17_from_smpl(turned)
        usable = numbers(good, (frames,), f"{where}: campose_valid") > 0
        keypoints = _projected(xyz, camera)
        if source_2d == "poses2d":
            keypoints = _detected(numbers(detected, (frames, 3, 18), f"{where}: poses2d", missing=True), camera)
        yield _clip(file.stem, person, str(_gender(held, person)), keypoints, xyz, camera, usable)


def _clip(
    name: str,
    person: int,
    gender: str,
    keypoints: Keypoints2D,
    xyz: Float64[np.ndarray, "frame 17 3"],
    camera: Camera,
    usable: Bool[np.ndarray, " frame"],
) -> LabelledClip:
    root = xyz[:, HUMAN36M17.root]
    labels = {"sequence": name, "person": str(person), "gender": gender}
    before = root[:, 2] > 0
    return LabelledClip(
        name=f"{name}/{person}",
        labels=labels,
        keypoints=keypoints,
        xyz=(xyz - root[:, None]).astype(np.float32),
        root=root.astype(np.float32),
        camera=camera,
        valid=usable & before,
    )


def _per_person(value: Any, key: str, file: Path) -> list[Any]:
    if not isinstance(value, list | tuple) and not (isinstance(value, np.ndarray) and value.ndim > 0):
        raise InputError(f"{file}: {key}: a list with one entry a person is expected")
    return list(value)


def _gender(held: Mapping[str, Any], person: int) -> Any:
    genders = held.get("genders", ())
    return genders[person] if person < len(genders) else "?"


def _camera(matrix: Float64[np.ndarray, "3 3"], file: Path) -> Camera:
    """The camera. The pictures are 1920 x 1080 or upright, with the principal point in their middle."""
    upright = matrix[1, 2] > matrix[0, 2]
    try:
        return Camera.from_matrix(matrix, (1080, 1920) if upright else (1920, 1080))
    except InputError as error:
        raise InputError(f"{file}: cam_intrinsics: {error}") from error


def human36m17_from_smpl(xyz: Float64[np.ndarray, "*batch 24 3"]) -> Float64[np.ndarray, "*batch 17 3"]:
    """Human3.6M's 17 joints from SMPL's 24, by `FROM_SMPL`."""

    def place(joint: str) -> Float64[np.ndarray, "*batch 3"]:
        terms = FROM_SMPL.get(joint, (joint,))
        signs = np.array([-1 if term.startswith("-") else 1 for term in terms])
        places = np.stack([xyz[..., SMPL24.index(term.removeprefix("-")), :] for term in terms])
        return np.tensordot(signs / signs.sum(), places, axes=1)

    return np.stack([place(joint) for joint in HUMAN36M17.joints], axis=-2)


def _projected(xyz: Float64[np.ndarray, "frame 17 3"], camera: Camera) -> Keypoints2D:
    xy = camera.project(xyz)
    return Keypoints2D(
        xy[:, None], np.isfinite(xy).all(axis=-1)[:, None] * 1.0, HUMAN36M17, camera.image_size, FPS, "3DPW, projected"
    )


def _detected(found: Float64[np.ndarray, "frame 3 18"], camera: Camera) -> Keypoints2D:
    """OpenPose's joints; a score of 0 means missing."""
    score = found[:, 2].clip(0, 1)
    there = np.isfinite(found).all(axis=1) & (score > 0)
    xy = np.where(there[..., None], np.moveaxis(found[:, :2], 1, 2), np.nan)
    sure = np.where(there, score, np.nan)
    seen = Keypoints2D(xy[:, None], sure[:, None], COCO18, camera.image_size, FPS, "3DPW, poses2d")
    return convert(seen, HUMAN36M17)


def matches(path: Path) -> bool:
    """A folder with sequenceFiles in it, or that folder itself."""
    return any(any((_sequences(path) / split).glob("*.pkl")) for split in ThreeDPW.splits)


def opened(source: Path, options: DataSetOptions) -> ThreeDPW:
    """The data set; `keypoints`: "projected" or "poses2d". Raises InputError."""
    return ThreeDPW(source, options.keypoints or "projected")
