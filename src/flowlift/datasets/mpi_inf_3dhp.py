"""MPI-INF-3DHP as P-STMO packs it: data_train_3dhp.npz and data_test_3dhp.npz, 17 joints, millimetres, camera frame.

`data` is in train {"S1 Seq1": [{camera: {data_2d, data_3d}}, fps]}, and in test {"TS1": {data_2d, data_3d, valid}}.
The same files are about with `univ_annot3`, poses scaled to one height, and with `annot3`, in true size. Nothing in
them tells which, and their errors do not compare, so it must be said.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool

from flowlift.camera import Camera
from flowlift.containers import Keypoints2D
from flowlift.datasets.checked import member, numbers, sequence, split_of, table
from flowlift.datasets.labelled import DataSet, LabelledClip
from flowlift.datasets.opening import DataSetOptions
from flowlift.errors import InputError
from flowlift.io.packed_object import read_object
from flowlift.skeleton import Skeleton
from flowlift.skeletons import MPI_INF_3DHP17

ANNOTATIONS = ("univ_annot3", "annot3")
TEST_SEQUENCES = ("TS1", "TS2", "TS3", "TS4", "TS5", "TS6")

_FILES = {"train": "data_train_3dhp.npz", "test": "data_test_3dhp.npz"}
_MILLIMETRE = 1e-3
_TRAIN_NAME = re.compile(r"S(\d+) Seq(\d+)")
_TRAIN_SIZE = (2048, 2048)
TAKES = ("annotation",)
"""Of the options of `opening`."""


@dataclass(frozen=True)
class _TestView:
    """One of the two cameras of the test set: focal length and principal point, px."""

    name: str
    focal: float
    center: tuple[float, float]
    image_size: tuple[int, int]

    @property
    def camera(self) -> Camera:
        matrix = [[self.focal, 0, self.center[0]], [0, self.focal, self.center[1]], [0, 0, 1]]
        return Camera.from_matrix(matrix, self.image_size)


_STUDIO = _TestView("studio", 1500.2, (1017.4, 1043.0), (2048, 2048))
_OUTDOOR = _TestView("outdoor", 1684.0, (939.9, 560.1), (1920, 1080))
_TEST_VIEWS = MappingProxyType({name: _OUTDOOR if name in ("TS5", "TS6") else _STUDIO for name in TEST_SEQUENCES})


@dataclass(frozen=True)
class MpiInf3dhp:
    """MPI-INF-3DHP: train S1 to S8 from eight cameras, test TS1 to TS6 with the frames that count marked valid; metres.

    `annotation` says which poses the files hold: "univ_annot3" or "annot3"; it stands in `name`.
    Raises InputError for any other.
    """

    folder: Path
    _: KW_ONLY
    annotation: str
    keypoints: str = field(default="the data set's own", init=False)
    skeleton: Skeleton = field(default=MPI_INF_3DHP17, init=False)
    unit: str = field(default="m", init=False)
    splits: tuple[str, ...] = field(default=tuple(_FILES), init=False)

    def __post_init__(self) -> None:
        if self.annotation not in ANNOTATIONS:
            raise InputError(
                f"{self.folder}: say which annotation of MPI-INF-3DHP the files hold, {' or '.join(ANNOTATIONS)} "
                f"(their errors do not compare); got {self.annotation!r}"
            )

    @property
    def name(self) -> str:
        """The data set and its annotation."""
        return f"MPI-INF-3DHP ({self.annotation})"

    def clips(self, split: str) -> Iterator[LabelledClip]:
        """Clips by sequence and camera; labels: subject, sequence, camera.

        Test clips have a camera (its published intrinsics, rounded), train clips have a frame rate. Raises InputError
        for an unknown split, a damaged file, or a test sequence that is missing.
        """
        train = split_of(split, self.splits, self.name) == "train"
        path = self.folder / _FILES[split]
        return _train_clips(path) if train else _test_clips(path)


def _train_clips(path: Path) -> Iterator[LabelledClip]:
    data = table(read_object(path, "data"), f"{path}: data")
    if not data:
        raise InputError(f"{path}: it holds no sequences")
    for name in sorted(data, key=lambda name: _numbered(name, path)):
        where = f"{path}: {name}"
        cameras, given_fps = sequence(data[name], 2, where)
        fps = float(numbers(given_fps, (), f"{where}: fps"))
        if fps <= 0:
            raise InputError(f"{where}: fps must be positive, got {fps:g}")
        for camera in sorted(table(cameras, f"{where}: cameras"), key=str):
            seen = f"{where}: camera {camera}"
            labels = {"subject": name.split()[0], "sequence": name, "camera": str(camera)}
            yield _clip(f"{name}/{camera}", labels, cameras[camera], seen, image_size=_TRAIN_SIZE, fps=fps)


def _test_clips(path: Path) -> Iterator[LabelledClip]:
    data = read_object(path, "data")
    for name, view in _TEST_VIEWS.items():
        annotated, where = member(data, name, f"{path}: data"), f"{path}: {name}"
        labels = {"subject": name, "sequence": name, "camera": view.name}
        valid = _valid(member(annotated, "valid", where), where)
        yield _clip(name, labels, annotated, where, image_size=view.image_size, camera=view.camera, valid=valid)


def _numbered(name: Any, path: Path) -> tuple[int, int]:
    """Subject and sequence, so that S10 would come after S9."""
    found = _TRAIN_NAME.fullmatch(str(name))
    if found is None:
        raise InputError(f"{path}: sequences are called such as 'S1 Seq2', got {name!r}")
    return int(found[1]), int(found[2])


def _valid(given: Any, where: str) -> Bool[np.ndarray, " frame"]:
    """Which frames count: 0 or 1 for each, in an array of any arrangement."""
    if not isinstance(given, np.ndarray) or given.dtype.kind not in "biuf" or not np.isin(given, (0, 1)).all():
        raise InputError(f"{where}: valid: expected an array of 0 or 1 for each frame")
    return given.ravel().astype(bool)


def _clip(
    name: str,
    labels: Mapping[str, str],
    annotated: Any,
    where: str,
    *,
    image_size: tuple[int, int],
    fps: float | None = None,
    camera: Camera | None = None,
    valid: Bool[np.ndarray, " frame"] | None = None,
) -> LabelledClip:
    joints = len(MPI_INF_3DHP17)
    xyz = numbers(member(annotated, "data_3d", where), ("frame", joints, 3), f"{where}: data_3d", missing=True)
    xy = numbers(member(annotated, "data_2d", where), (len(xyz), joints, 2), f"{where}: data_2d", missing=True)
    counts = np.ones(len(xyz), dtype=bool) if valid is None else valid
    if len(counts) != len(xyz):
        raise InputError(f"{where}: valid: expected {len(xyz)} frames, got {len(counts)}")
    if np.isnan(xyz[counts]).any():
        raise InputError(f"{where}: data_3d: frames that are evaluated hold values that are not finite")
    root = xyz[:, MPI_INF_3DHP17.root] * _MILLIMETRE
    score = np.full((len(xy), 1, joints), np.nan)
    return LabelledClip(
        name=name,
        labels=labels,
        keypoints=Keypoints2D(xy[:, None], score, MPI_INF_3DHP17, image_size, fps, f"MPI-INF-3DHP {name}"),
        xyz=(xyz * _MILLIMETRE - root[:, None]).astype(np.float32),
        root=root.astype(np.float32),
        camera=camera,
        valid=counts,
    )


def matches(path: Path) -> bool:
    """A folder with one of the data set's files, or such a file."""
    names = [each.name for each in path.iterdir()] if path.is_dir() else [path.name]
    return not set(_FILES.values()).isdisjoint(names)


def opened(source: Path, options: DataSetOptions) -> DataSet:
    """The data set in a folder, or beside one of its files. Raises InputError where the annotation is not said."""
    folder = source if source.is_dir() else source.parent
    return MpiInf3dhp(folder, annotation=options.annotation or "")
