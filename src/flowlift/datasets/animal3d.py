"""Animal3D and CtrlAni3D: JSON files of pictures with 26 joints of a four-legged animal, in 2D and in 3D.

{"data": [{img_path, height, width, keypoint_2d [26][2 or 3] px, keypoint_3d [26][3], reproj_kp_2d [26][2] px,
supercategory, ...}]}. The 3D is in the units of the fitted body model: no true size.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float64

from flowlift.containers import Keypoints2D
from flowlift.datasets.checked import member, numbers, split_of, table
from flowlift.datasets.labelled import LabelledClip
from flowlift.datasets.opening import DataSetOptions
from flowlift.errors import InputError
from flowlift.skeleton import Skeleton
from flowlift.skeletons import ANIMAL3D26

NAMES = MappingProxyType({"animal3d": "Animal3D", "ctrlani3d": "CtrlAni3D"})
KEYPOINTS = MappingProxyType(
    {
        "published": "reproj_kp_2d (exact projection) where there is one, else keypoint_2d (labelled)",
        "reproj_kp_2d": "reproj_kp_2d (exact projection)",
        "keypoint_2d": "keypoint_2d (labelled)",
    }
)
TAKES = ("keypoints",)
"""Of the options of `opening`."""


@dataclass(frozen=True)
class Animal3D:
    """The pictures under a folder with train.json and test.json, or of one such file: each a clip of one frame.

    `source_2d`: one of KEYPOINTS; "published" is what the published results feed. `kind`: "animal3d" or "ctrlani3d".
    Raises InputError.
    """

    source: Path
    source_2d: str = "published"
    kind: str = "animal3d"

    skeleton: Skeleton = ANIMAL3D26
    unit = "model units"

    def __post_init__(self) -> None:
        if self.source_2d not in KEYPOINTS:
            raise InputError(f"{self.source}: no keypoints {self.source_2d!r}; there are {', '.join(KEYPOINTS)}")
        if self.kind not in NAMES:
            raise InputError(f"{self.source}: no kind {self.kind!r}; there are {', '.join(NAMES)}")

    @property
    def name(self) -> str:
        return NAMES[self.kind]

    @property
    def keypoints(self) -> str:
        return KEYPOINTS[self.source_2d]

    @property
    def splits(self) -> tuple[str, ...]:
        """Those that have a file; a file's own name where it is given alone."""
        if self.source.is_file():
            return (_split_of_file(self.source),)
        return tuple(split for split in ("train", "test") if _file(self.source, split) is not None)

    def clips(self, split: str) -> Iterator[LabelledClip]:
        """A clip of one frame for each picture that has 3D; the others are counted in a warning. Raises InputError."""
        split_of(split, self.splits, f"{self.name} in {self.source}")
        path = self.source if self.source.is_file() else _file(self.source, split)
        assert path is not None  # it is among the splits
        left_out = 0
        for index, record in enumerate(_records(path)):
            if record.get("keypoint_3d") is None:
                left_out += 1
                continue
            yield _clip(record, f"{path}: data[{index}]", self.source_2d)
        if left_out:
            warnings.warn(f"{path}: {left_out} pictures without 3D are left out", stacklevel=2)


def _file(folder: Path, split: str) -> Path | None:
    found = sorted(folder.glob(f"*{split}*.json"))
    return found[0] if len(found) == 1 else folder / f"{split}.json" if (folder / f"{split}.json") in found else None


def _split_of_file(path: Path) -> str:
    return "train" if "train" in path.stem.lower() else "test"


def _records(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot read it as JSON: {error}") from error
    records = member(held, "data", str(path))
    if not isinstance(records, list) or not records:
        raise InputError(f"{path}: data: a list of pictures is expected")
    for index, record in enumerate(records):
        yield table(record, f"{path}: data[{index}]")


def _clip(record: Mapping[str, Any], where: str, source_2d: str) -> LabelledClip:
    image = str(record.get("img_path", where))
    size = tuple(float(numbers(member(record, key, where), (), f"{where}: {key}")) for key in ("width", "height"))
    if min(size) < 1:
        raise InputError(f"{where}: the picture's size is {size[0]:g} x {size[1]:g}")
    xy = _keypoints(record, where, source_2d)
    xyz = numbers(record["keypoint_3d"], (len(ANIMAL3D26), 3), f"{where}: keypoint_3d", missing=True)
    keypoints = Keypoints2D(
        xy[None, None], np.isfinite(xy).all(axis=-1)[None, None] * 1.0, ANIMAL3D26, (round(size[0]), round(size[1]))
    )
    root = xyz[ANIMAL3D26.root]
    return LabelledClip(
        name=image,
        labels={"species": str(record.get("supercategory", "?")), "image": image},
        keypoints=keypoints,
        xyz=(xyz - root)[None].astype(np.float32),
        root=None,
        camera=None,
        valid=np.isfinite(root).all(keepdims=True),
    )


def _keypoints(record: Mapping[str, Any], where: str, source_2d: str) -> Float64[np.ndarray, "26 2"]:
    key = source_2d
    if source_2d == "published":
        key = "keypoint_2d" if record.get("reproj_kp_2d") is None else "reproj_kp_2d"
    given = member(record, key, where)
    columns = len(given[0]) if isinstance(given, list) and given and isinstance(given[0], list) else 2
    xy = numbers(given, (len(ANIMAL3D26), max(2, columns)), f"{where}: {key}", missing=True)
    return xy[:, :2]


def matches(path: Path) -> bool:
    """JSON files that begin as these do: a list of pictures with the 26 joints under "data"."""
    files = [path] if path.is_file() else sorted(path.glob("*.json"))
    return any(file.suffix.lower() == ".json" and _begins(file) for file in files)


def _begins(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            start = stream.read(20_000)
    except OSError:
        return False
    return b'"keypoint_2d"' in start and start.lstrip().startswith(b"{")


def opened(source: Path, options: DataSetOptions) -> Animal3D:
    """The data set; `kind` "ctrlani3d" only changes its name. Raises InputError."""
    kind = options.kind or ("ctrlani3d" if "ctrl" in str(source.name).lower() else "animal3d")
    return Animal3D(source, options.keypoints or "published", kind)
