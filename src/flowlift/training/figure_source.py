"""Batches for any skeleton: a bank of poses (npz), varied, seen by cameras drawn on the fly and by its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Generator, Tensor

from flowlift.conditioning import decode_pose
from flowlift.damage import refused_if_damaged
from flowlift.datasets.mocap_bank_file import EXPECTED
from flowlift.errors import InputError
from flowlift.evaluation.metrics import mpjpe_per_pose, p_mpjpe_per_pose
from flowlift.io.archive import read_arrays
from flowlift.lifter import MIN_JOINTS
from flowlift.skeleton import Skeleton
from flowlift.training.config import DataConfig
from flowlift.training.figure_bank import FigureBank
from flowlift.training.figure_variation import FigureVariation
from flowlift.training.figure_views import FigureViewVariation, RealCameras, view_figures
from flowlift.training.figures import sample_figures
from flowlift.training.sources import Batch, Errors


@dataclass(frozen=True)
class FigureSource:
    """Varied bodies seen by any camera; `real`: the trained sessions' own, where they have some."""

    bank: FigureBank
    kept: FigureBank
    bodies: FigureVariation
    seen_by: FigureViewVariation
    real: RealCameras | None

    @property
    def views(self) -> int | None:
        return None

    def batch(self, rows: Shaped[Tensor, " batch"], generator: Generator) -> Batch:
        figures = sample_figures(self.bank, len(rows), self.bodies, generator)
        views = view_figures(figures, self.bank.tree, self.seen_by, generator, real=self.real)
        return Batch(views.features, views.target, views.known)

    def held_out(self, count: int) -> Batch:
        """Held-out poses, varied as those trained on are, seen exactly by virtual cameras. As they are, those whose kin
        are trained on would choose what was learned by heart."""
        generator = Generator(device=self.kept.bones.device).manual_seed(1)
        figures = sample_figures(self.kept, count, self.bodies, generator)
        views = view_figures(figures, self.kept.tree, exact(self.seen_by), generator, real=None)
        return Batch(views.features, views.target, views.known)

    def errors(self, predicted: Float[Tensor, "batch joint 3"], held_out: Batch) -> Errors:
        """Thousandths of the body's length, as large as the network says the body is."""
        root = self.bank.tree.skeleton.root
        truth, size = decode_pose(held_out.target, root)
        found, found_size = decode_pose(predicted, root)
        known = truth / size[:, None, None]
        if held_out.known is not None:
            known = known.masked_fill(~held_out.known[..., None], torch.nan)
        found = found / found_size[:, None, None]
        return Errors(
            float(mpjpe_per_pose(found, known).mean()) * 1000, float(p_mpjpe_per_pose(found, known).mean()) * 1000
        )


def exact(seen_by: FigureViewVariation) -> FigureViewVariation:
    """The same cameras, with a detector that errs nowhere and misses nothing."""
    return replace(seen_by, unknown_focal=0.0, noise=0.0, outlier=0.0, complete=1.0, real=0.0)


@dataclass(frozen=True, eq=False)
class FigureArrays:
    """What the npz holds: poses `train` and `val` (N, J, 3), Y up, root-relative, in body lengths, NaN where unknown;
    `about` them; and the trained sessions' own cameras, where they have some."""

    train: Float[Tensor, "pose joint 3"]
    val: Float[Tensor, "held joint 3"]
    about: Mapping[str, Any]
    real: RealCameras | None

    @property
    def upright(self) -> bool:
        """Whether Y is known to be up."""
        return self.about.get("up") != "unknown"

    def bank(self, skeleton: Skeleton, device: torch.device | None = None, *, held_out: bool | None) -> FigureBank:
        """The poses trained on or held out (None: all, those trained on first), each known to be its body's where the
        file tells."""
        parts = (False, True) if held_out is None else (held_out,)
        bodies = self.about.get("bodies", [])
        counts = [told["poses"] for part in parts for told in bodies if told["held_out"] is part]
        body = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts)) if counts else None
        poses = torch.cat([self.val if part else self.train for part in parts])
        return FigureBank.from_positions(poses.to(device), skeleton, body)


def load_figures(file: Path, skeleton: Skeleton) -> FigureArrays:
    """A bank of poses on a skeleton. Raises InputError for another file, or one of another skeleton's poses, as far as
    it tells: older banks tell fewer of its parts."""
    held = read_arrays(file, expected=EXPECTED)
    with refused_if_damaged(f"{file}: expected {EXPECTED}"):
        about = json.loads(str(held["about"])) if "about" in held else {}
        train, val = (torch.tensor(held[name], dtype=torch.float32) for name in ("train", "val"))
        joints = tuple(about.get("joints", skeleton.joints))
        size = tuple(about.get("size", skeleton.size_chain))
        tree = (
            tuple(about.get("parents", skeleton.parents)),
            {tuple(pair) for pair in about.get("pairs", skeleton.pairs)},
        )
    if joints != skeleton.joints:
        raise InputError(f"{file}: its poses are on {', '.join(joints)}; {skeleton.name!r} has other joints")
    if size != skeleton.size_chain:
        raise InputError(
            f"{file}: its body lengths go from {' to '.join(size)}, those of {skeleton.name!r} from "
            f"{' to '.join(skeleton.size_chain)}: build the bank again"
        )
    if tree != (skeleton.parents, set(skeleton.pairs)):
        raise InputError(f"{file}: {skeleton.name!r} has other parents or pairs than it was built with: build it again")
    for name, poses in (("train", train), ("val", val)):
        if poses.ndim != 3 or poses.shape[1:] != (len(skeleton), 3) or not len(poses) or poses.isinf().any():
            raise InputError(f"{file}: {name} has shape {tuple(poses.shape)}, expected (pose, {len(skeleton)}, 3)")
        if (poses.isfinite().all(dim=-1).sum(dim=1) < MIN_JOINTS).any():
            raise InputError(f"{file}: {name} holds poses of fewer than {MIN_JOINTS} joints")
        never = [
            joint for joint, seen in zip(skeleton.joints, poses.isfinite().any(0).all(-1), strict=True) if not seen
        ]
        if never and name == "train":
            raise InputError(f"{file}: no pose tells where {', '.join(never)} is; leave it out of the skeleton")
    return FigureArrays(train, val, about, _real(held, len(train), file))


def _real(held: Mapping[str, np.ndarray], poses: int, file: Path) -> RealCameras | None:
    names = ("camera_rotation", "camera_translation", "train_session", "train_place")
    if not all(name in held for name in names):
        return None
    rotation, translation, session, place = (held[name] for name in names)
    fits = rotation.ndim == 4 and translation.shape == rotation.shape[:3] and rotation.shape[2:] == (3, 3)
    if not fits or session.shape != (poses,) or place.shape != (poses, 3) or session.max() >= len(rotation):
        raise InputError(f"{file}: its cameras do not fit its poses")

    def numbers(array: np.ndarray) -> Tensor:
        return torch.tensor(array, dtype=torch.float32)

    return RealCameras(numbers(rotation), numbers(translation), torch.tensor(session.astype(np.int64)), numbers(place))


def open_figures(data: DataConfig, skeleton: Skeleton, device: torch.device) -> FigureSource:
    """The source of a run of kind "any". Raises InputError."""
    arrays = load_figures(Path(data.path), skeleton)
    try:
        bodies, seen_by = FigureVariation(**data.bodies), FigureViewVariation(**data.views)
    except TypeError as error:
        raise InputError(f"[data.bodies] or [data.views]: {error}") from error
    if not arrays.upright:
        seen_by = replace(seen_by, any_orientation=1.0)
    kept = arrays.bank(skeleton, device, held_out=True)
    taught = arrays.bank(skeleton, device, held_out=None if data.refit else False)
    real = None if arrays.real is None else _on(device, arrays.real, poses=len(taught) // 2)
    return FigureSource(taught, kept, bodies, seen_by, real)


def _on(device: torch.device, real: RealCameras, *, poses: int) -> RealCameras:
    """Real cameras on a device, of so many poses; where the last ones, which were held out, took place nobody told."""
    more = poses - len(real.session)
    session = torch.nn.functional.pad(real.session, (0, more))
    place = torch.nn.functional.pad(real.place, (0, 0, 0, more), value=torch.nan)
    return RealCameras(*(part.to(device) for part in (real.rotation, real.translation, session, place)))
