"""Where training views come from: a bank of poses seen by cameras drawn on the fly, or a labelled data set."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Generator, Tensor

from flowlift.conditioning import decode_pose
from flowlift.damage import refused_if_damaged
from flowlift.datasets.labelled import DataSet, LabelledClip
from flowlift.datasets.mocap_bank_file import EXPECTED
from flowlift.errors import InputError
from flowlift.evaluation.metrics import mpjpe_per_pose, p_mpjpe_per_pose
from flowlift.io.archive import read_arrays
from flowlift.screen import to_screen
from flowlift.skeleton import Skeleton
from flowlift.skeletons import HUMAN36M17
from flowlift.training.bodies import BodyVariation, PoseBank, sample_bodies
from flowlift.training.config import DataConfig
from flowlift.training.views import ViewVariation, sample_sightings, sample_views


@dataclass(frozen=True)
class Batch:
    """What the network sees, `condition` (B, ...), and what it must find, `target` (B, J, 3).

    `known` (B, J): where that is the truth; None: everywhere."""

    condition: Shaped[Tensor, "batch ..."]
    target: Float[Tensor, "batch joint 3"]
    known: Bool[Tensor, "batch joint"] | None = None


@dataclass(frozen=True)
class Errors:
    """Mean errors over held-out views, mm (thousandths of the data set's unit where it is none)."""

    mpjpe: float
    p_mpjpe: float


@runtime_checkable
class Source(Protocol):
    """Gives the batches of a run. The same generator state gives the same batch."""

    @property
    def views(self) -> int | None:
        """Views in one epoch; None: no end."""

    def batch(self, rows: Shaped[Tensor, " batch"], generator: Generator) -> Batch:
        """The views `rows` (indices below `views`; where there is no end only their number counts)."""

    def held_out(self, count: int) -> Batch:
        """Up to `count` views that are never trained on, always the same ones."""

    def errors(self, predicted: Float[Tensor, "batch joint 3"], held_out: Batch) -> Errors:
        """How far predictions are from the held-out truth."""


def _plain_errors(predicted: Tensor, truth: Tensor) -> Errors:
    return Errors(
        float(mpjpe_per_pose(predicted, truth).mean()) * 1000, float(p_mpjpe_per_pose(predicted, truth).mean()) * 1000
    )


@dataclass(frozen=True)
class TableSource:
    """Views that lie in memory: `condition` (N, J, 2) in screen units, `target` (N, J, 3); held-out ones apart."""

    train: Batch
    kept: Batch
    skeleton: Skeleton
    mirror: bool

    @property
    def views(self) -> int | None:
        return len(self.train.target)

    def batch(self, rows: Shaped[Tensor, " batch"], generator: Generator) -> Batch:
        condition, target = self.train.condition[rows], self.train.target[rows]
        if not self.mirror:
            return Batch(condition, target)
        swap = list(self.skeleton.mirror)
        chosen = (torch.rand(len(rows), 1, 1, generator=generator, device=target.device) < 0.5).to(target.dtype)
        sign = condition.new_tensor([-1.0, 1.0, 1.0])
        return Batch(
            condition * (1 - chosen) + condition[:, swap] * sign[:2] * chosen,
            target * (1 - chosen) + target[:, swap] * sign * chosen,
        )

    def held_out(self, count: int) -> Batch:
        step = max(1, len(self.kept.target) // count)
        return Batch(self.kept.condition[::step][:count], self.kept.target[::step][:count])

    def errors(self, predicted: Float[Tensor, "batch joint 3"], held_out: Batch) -> Errors:
        return _plain_errors(predicted, held_out.target)


@dataclass(frozen=True)
class BankSource:
    """Varied bodies (`training.bodies`) seen by one studio's camera (screen) or by any camera (canonical)."""

    bank: PoseBank
    kept: Float[Tensor, "pose 17 3"]
    bodies: BodyVariation
    seen_by: ViewVariation
    data: DataConfig

    @property
    def views(self) -> int | None:
        return None

    def batch(self, rows: Shaped[Tensor, " batch"], generator: Generator) -> Batch:
        bodies = sample_bodies(self.bank, len(rows), self.bodies, generator)
        return self._seen(bodies, self.seen_by, generator)

    def held_out(self, count: int) -> Batch:
        device = self.kept.device
        generator = Generator(device=device).manual_seed(1)
        poses = self.kept[torch.randint(len(self.kept), (count,), generator=generator, device=device)]
        return self._seen(poses, CHECK_VIEW if self.data.conditioning == "canonical" else self.seen_by, generator)

    def errors(self, predicted: Float[Tensor, "batch joint 3"], held_out: Batch) -> Errors:
        if self.data.conditioning == "screen":
            return _plain_errors(predicted, held_out.target)
        truth, size = decode_pose(held_out.target, HUMAN36M17.root)
        found, found_size = decode_pose(predicted, HUMAN36M17.root)
        return _plain_errors(
            found * (CHECK_STATURE / found_size)[:, None, None], truth * (CHECK_STATURE / size)[:, None, None]
        )

    def _seen(self, bodies: Float[Tensor, "batch 17 3"], view: ViewVariation, generator: Generator) -> Batch:
        if self.data.conditioning == "canonical":
            views = sample_views(bodies, view, generator)
            return Batch(views.features, views.target)
        seen = sample_sightings(bodies, view, generator)
        # The bank's unit is a body's stature before its proportions were varied: short and tall bodies stay so.
        return Batch(seen.rays * self.data.focal, seen.xyz * self.data.stature)


CHECK_VIEW = ViewVariation(
    pitch=(-6.0, 29.0), roll=0.0, any_orientation=0.0, distance=(2.1, 4.2), unknown_focal=0.0, noise=0.0, complete=1.0
)
"""As a test set has them: exact, complete, from 3 to 6 m, as for a person of 1.7 m."""
CHECK_STATURE = 1.58
"""Ankle to head along the bones of the body that canonical errors are told for (1.7 m tall), m."""


def load_poses(file: Path) -> tuple[Tensor, Tensor]:
    """Training and held-out poses (N, 17, 3) from an npz with `train` and `val`. Raises InputError."""
    held = read_arrays(file, expected=EXPECTED)
    with refused_if_damaged(f"{file}: expected {EXPECTED}"):
        return torch.tensor(held["train"]), torch.tensor(held["val"])


def open_source(data: DataConfig, skeleton: Skeleton, device: torch.device) -> Source:
    """The source that [data] describes. Raises InputError for settings or files that cannot be used."""
    if not data.path:
        raise InputError("data.path is not set: where are the training data?")
    if data.kind == "any":
        from flowlift.training.figure_source import open_figures

        return open_figures(data, skeleton, device)
    if data.kind == "bank":
        if skeleton != HUMAN36M17:
            raise InputError(f"a bank's poses are on human36m17, not on {skeleton.name}")
        train, kept = (poses.to(device) for poses in load_poses(Path(data.path)))
        try:
            variation = BodyVariation(**data.bodies), ViewVariation(**data.views)
        except TypeError as error:
            raise InputError(f"[data.bodies] or [data.views]: {error}") from error
        taught = torch.cat([train, kept]) if data.refit else train
        return BankSource(PoseBank.from_positions(taught), kept, *variation, data)
    if data.conditioning != "screen":
        raise InputError('conditioning "canonical" needs a bank: labelled data sets are learned in "screen"')
    from flowlift.datasets.opening import DataSetOptions, open_dataset

    options = DataSetOptions(
        keypoints=data.keypoints,
        cameras=None if data.cameras is None else Path(data.cameras),
        annotation=data.annotation,
    )
    opened = open_dataset(Path(data.path), kind=data.kind, options=options)
    return table_of(opened, data, skeleton, device)


def table_of(dataset: DataSet, data: DataConfig, skeleton: Skeleton, device: torch.device) -> TableSource:
    """A data set's views in memory: complete frames only. Raises InputError when nothing is left, or none held out."""
    if dataset.skeleton != skeleton:
        raise InputError(f"{dataset.name} is on {dataset.skeleton.name}, the run on {skeleton.name}")
    if data.split in ("test", "testing"):
        raise InputError(f'data.split is "{data.split}": a test set is never trained on')
    parts: dict[bool, list[tuple[np.ndarray, np.ndarray]]] = {False: [], True: []}
    for index, clip in enumerate(dataset.clips(data.split)):
        parts[_is_held_out(clip, index, data)].append(_views(clip))
    batches = {}
    for kept, what in ((False, "to train on"), (True, "held out")):
        rows = parts[kept]
        if not sum(len(condition) for condition, _ in rows):
            raise InputError(f"{dataset.name}, {data.split}: no complete view {what} (see data.held_out)")
        condition, target = (torch.from_numpy(np.concatenate(arrays)).to(device) for arrays in zip(*rows, strict=True))
        batches[kept] = Batch(condition, target)
    return TableSource(batches[False], batches[True], skeleton, data.mirror)


def _is_held_out(clip: LabelledClip, index: int, data: DataConfig) -> bool:
    if data.held_out:
        return any(text in clip.name or text in clip.labels.values() for text in data.held_out)
    return index % data.held_out_every == 0


def _views(clip: LabelledClip) -> tuple[np.ndarray, np.ndarray]:
    """A clip's complete frames: screen coordinates (N, J, 2) and poses (N, J, 3)."""
    screen = to_screen(clip.keypoints.xy[:, 0], clip.keypoints.image_size)
    good = np.isfinite(screen).all(axis=(1, 2)) & np.isfinite(clip.xyz).all(axis=(1, 2)) & clip.valid.astype(bool)
    return screen[good].astype(np.float32), clip.xyz[good].astype(np.float32)
