"""HDM05: marker capture of three actors, seen by virtual cameras. For measuring, never for training."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from statistics import median

import numpy as np

from flowlift.datasets.asf_amc import human36m17_from_acclaim, read_acclaim, read_asf
from flowlift.datasets.bvh import Motion
from flowlift.datasets.checked import split_of
from flowlift.datasets.labelled import LabelledClip
from flowlift.datasets.opening import DataSetOptions
from flowlift.datasets.views import VARIATIONS, Capture, Variation, labelled
from flowlift.errors import InputError
from flowlift.io.archive import extract
from flowlift.skeleton import Skeleton
from flowlift.skeletons import HUMAN36M17

FPS = 120.0
STRIDE = 12
ACTORS = ("bd", "bk", "dg")
_NAME = re.compile(r"HDM_(?P<actor>[a-z]+)_(?P<action>[A-Za-z0-9]+)_(?P<trial>\d+)_\d+")
_ARCHIVE = re.compile(r".*hdm05.*\.(tar|tar\.\w+|t[gbx]z)", re.IGNORECASE)

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
TAKES = ("keypoints",)
"""Of the options of `opening`."""


@dataclass(frozen=True)
class Hdm05:
    """The captures as a labelled data set: clip i is seen by camera [camera_seed, i], as `evaluate_hdm05` sees it."""

    source: Path
    _: KW_ONLY
    variation: Variation = field(default_factory=Variation)
    camera_seed: int = 0
    name: str = field(default="HDM05", init=False)
    skeleton: Skeleton = field(default=HUMAN36M17, init=False)
    unit: str = field(default="m", init=False)
    splits: tuple[str, ...] = field(default=("test",), init=False)

    @property
    def keypoints(self) -> str:
        return f"projection by virtual cameras, {self.variation.keypoints}"

    def clips(self, split: str) -> Iterator[LabelledClip]:
        """Every clip of the three actors at 10 frames a second. Raises InputError."""
        split_of(split, self.splits, self.name)
        for index, capture in enumerate(read_captures(self.source)):
            rng = np.random.default_rng([self.camera_seed, index])
            labels = {"actor": capture.actor, "action": capture.action}
            yield labelled(f"{capture.actor} {capture.action} {index}", labels, capture, self.variation, rng)


def matches(path: Path) -> bool:
    """An archive (tar) that is called hdm05, or a folder with its captures."""
    return _ARCHIVE.fullmatch(path.name) is not None if path.is_file() else any(path.rglob("HDM_*.amc"))


def opened(source: Path, options: DataSetOptions) -> Hdm05:
    """The data set; `keypoints` names one of VARIATIONS. Raises InputError."""
    name = options.keypoints or "exact"
    if name not in VARIATIONS:
        raise InputError(f"{source}: no keypoints {name!r}; there are {', '.join(VARIATIONS)}")
    return Hdm05(source, variation=VARIATIONS[name], camera_seed=options.seed)


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
        extract(source, Path(folder), suffixes=(".asf", ".amc"), what="an archive of HDM05")
        yield Path(folder)
