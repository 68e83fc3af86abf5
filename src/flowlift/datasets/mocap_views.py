"""Any folder of motion capture as a labelled data set: BVH, ASF/AMC and npz clips, each seen by a virtual camera.

BVH: the rig is known by its joints' names, its unit from CMU's conversions: the per-subject skeletons' is 0.0564 m, the
character's is the centimetre; the generic body has no true size and is made 1.58 m from ankle to head along its bones.
The first frame, often a T-pose, is left out. ASF/AMC: metres, as `datasets.asf_amc` reads them. npz: arrays
(frame, 17, 3) m, Y up, on Human3.6M's joints, one a clip.
"""

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from flowlift.datasets.asf_amc import human36m17_from_acclaim, read_acclaim, read_asf
from flowlift.datasets.bvh import read_bvh
from flowlift.datasets.checked import split_of
from flowlift.datasets.labelled import LabelledClip
from flowlift.datasets.mocap import (
    GENERIC_RIG,
    ICLONE_RIG,
    LOST_BONES,
    STATURE_OF_HEIGHT,
    SUBJECT_RIG,
    on_human36m17,
    stature,
)
from flowlift.datasets.opening import DataSetOptions
from flowlift.datasets.views import VARIATIONS, Capture, Variation, labelled
from flowlift.errors import InputError
from flowlift.io.archive import read_arrays
from flowlift.skeleton import Skeleton
from flowlift.skeletons import HUMAN36M17

FPS = 10.0
"""About how many frames a second are kept: neighbours show nothing new."""
ACCLAIM_FPS, NPZ_FPS = 120.0, 30.0
HUMAN_STATURE = (0.4, 3.0)
"""Statures (m) that people can have; what lies outside was measured in another unit."""
TAKES = ("keypoints",)
"""Of the options of `opening`."""


@dataclass(frozen=True)
class Rig:
    """A kind of BVH skeleton: where the 17 joints are, and metres for each of its units (None: no true size)."""

    joints: Mapping[str, str]
    metres: float | None


RIGS = (Rig(SUBJECT_RIG, 0.0564), Rig(GENERIC_RIG, None), Rig(ICLONE_RIG, 0.01))
SIZELESS_STATURE = 1.58


@dataclass(frozen=True)
class MocapViews:
    """Captures under a folder, or in one file; clip i (in order of path) is seen by camera [seed, i]."""

    source: Path
    _: KW_ONLY
    seed: int = 0
    variation: Variation = field(default_factory=Variation)
    skeleton: Skeleton = field(default=HUMAN36M17, init=False)
    unit: str = field(default="m", init=False)
    splits: tuple[str, ...] = field(default=("all",), init=False)

    @property
    def name(self) -> str:
        return f"motion capture in {self.source.name}"

    @property
    def keypoints(self) -> str:
        return f"projection by virtual cameras, {self.variation.keypoints}"

    def clips(self, split: str) -> Iterator[LabelledClip]:
        """Every clip, at about 10 frames a second. Raises InputError for a damaged file or an unknown rig."""
        split_of(split, self.splits, self.name)
        for index, capture in enumerate(self._captures()):
            rng = np.random.default_rng([self.seed, index])
            labels = {"folder": capture.actor, "clip": capture.action}
            yield labelled(f"{capture.actor}/{capture.action}", labels, capture, self.variation, rng)

    def _captures(self) -> Iterator[Capture]:
        for path in _files(self.source):
            for clip, xyz, fps in _read(path):
                height = float(np.median(stature(xyz))) / STATURE_OF_HEIGHT
                yield Capture(path.parent.name, clip, xyz.astype(np.float32), height, fps)


def _files(source: Path) -> list[Path]:
    paths = [source] if source.is_file() else sorted(source.rglob("*"))
    return [path for path in paths if path.suffix.lower() in _READERS and path.is_file()]


Clips = Iterator[tuple[str, Float[np.ndarray, "frame 17 3"], float]]
"""Name, positions (m, Y up), frames a second."""


def _read(path: Path) -> Clips:
    for name, xyz, fps in _READERS[path.suffix.lower()](path):
        if not len(xyz) or not np.isfinite(xyz).all():
            raise InputError(f"{path}: clip {name} has no frames, or positions that are not finite")
        size, (least, most) = float(np.median(stature(xyz))), HUMAN_STATURE
        if not least <= size <= most:
            raise InputError(
                f"{path}: clip {name} shows a body of {size:.3g} m along its bones, expected {least:g} to {most:g} m: "
                "its unit is not the one that this kind of file is read with; convert it to metres (.npz)"
            )
        yield name, xyz, fps


def _bvh(path: Path) -> Clips:
    motion = read_bvh(path, lost=LOST_BONES)
    rig = next((rig for rig in RIGS if _named(rig) <= set(motion.joints)), None)
    if rig is None:
        raise InputError(f"{path}: its joints belong to no rig that is known: {', '.join(motion.joints[:6])}, ...")
    if not 0 < motion.fps < np.inf:
        raise InputError(f"{path}: its frame time tells no frame rate ({motion.fps:g} a second)")
    stride = max(1, round(motion.fps / FPS))
    xyz = on_human36m17(motion, rig.joints)[1:][::stride]
    if not len(xyz):
        raise InputError(f"{path}: it has a single frame, which is taken for a T-pose")
    metres = rig.metres if rig.metres is not None else SIZELESS_STATURE / float(np.median(stature(xyz)))
    yield path.stem, xyz * metres, motion.fps / stride


def _named(rig: Rig) -> set[str]:
    """The joints of a BVH that a rig's rules mention."""
    return {name for rule in rig.joints.values() for name in rule.replace("->", " ").split()}


def _amc(path: Path) -> Clips:
    stride = round(ACCLAIM_FPS / FPS)
    motion = read_acclaim(read_asf(_asf_of(path)), path, fps=ACCLAIM_FPS, stride=stride)
    yield path.stem, human36m17_from_acclaim(motion), motion.fps


def _asf_of(path: Path) -> Path:
    """The skeleton of a trial: the ASF whose name its own begins with, else the only one beside it."""
    beside = sorted(path.parent.glob("*.asf"))
    own = [asf for asf in beside if path.stem == asf.stem or path.stem.startswith(f"{asf.stem}_")]
    own = own or (beside if len(beside) == 1 else [])
    if not own:
        raise InputError(f"{path}: no ASF skeleton for it beside it")
    return max(own, key=lambda asf: len(asf.stem))


def _npz(path: Path) -> Clips:
    for name, xyz in read_arrays(path).items():
        if xyz.ndim != 3 or xyz.shape[1:] != (17, 3) or not np.issubdtype(xyz.dtype, np.floating):
            raise InputError(f"{path}: {name} has shape {xyz.shape}, expected numbers (frame, 17, 3)")
        stride = round(NPZ_FPS / FPS)
        yield name, xyz[::stride].astype(np.float64), NPZ_FPS / stride


_READERS = {".bvh": _bvh, ".amc": _amc, ".npz": _npz}


def matches(path: Path) -> bool:
    """BVH or AMC that are not HDM05's, a file or some under a folder. An npz may be anything: say its kind."""
    files = [path] if path.is_file() else path.rglob("*")
    return any(file.suffix.lower() in (".bvh", ".amc") and not file.name.startswith("HDM_") for file in files)


def opened(source: Path, options: DataSetOptions) -> MocapViews:
    """The data set; `keypoints` names one of VARIATIONS. Raises InputError where there is no capture."""
    name = options.keypoints or "exact"
    if name not in VARIATIONS:
        raise InputError(f"{source}: no keypoints {name!r}; there are {', '.join(VARIATIONS)}")
    if not _files(source):
        raise InputError(f"{source}: no motion capture there (.bvh, .amc with .asf, .npz)")
    return MocapViews(source, seed=options.seed, variation=VARIATIONS[name])
