"""The training loop: bodies and views made on the fly, flow matching, an averaged copy of the weights, checkpoints."""

import csv
import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from flowlift.conditioning import decode_pose
from flowlift.errors import InputError
from flowlift.evaluation.metrics import p_mpjpe_per_pose
from flowlift.flow import path
from flowlift.network import LiftNetwork, NetworkConfig
from flowlift.skeletons import HUMAN36M17
from flowlift.training.bodies import BodyVariation, PoseBank, sample_bodies
from flowlift.training.views import TrainingBatch, ViewVariation, sample_views

ROOT = HUMAN36M17.root
# As a test set has them: exact, complete, from 3 to 6 m, as for a person of 1.7 m.
_CHECK_VIEW = ViewVariation(
    pitch=(-6.0, 29.0), roll=0.0, any_orientation=0.0, distance=(2.1, 4.2), unknown_focal=0.0, noise=0.0, complete=1.0
)
_CHECK_STATURE_MM = 1450.0


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that a run depends on."""

    samples: int = 20_000_000
    batch: int = 512
    draws: int = 2
    learning_rate: float = 1.5e-3
    warmup: int = 500
    weight_decay: float = 0.01
    averaging: float = 0.9995
    clip: float = 1.0
    seed: int = 0
    network: NetworkConfig = field(default_factory=NetworkConfig)
    bodies: BodyVariation = field(default_factory=BodyVariation)
    views: ViewVariation = field(default_factory=ViewVariation)


def flow_matching_loss(
    network: LiftNetwork, batch: TrainingBatch, draws: int, generator: Generator
) -> Float[Tensor, ""]:
    """Squared error of the predicted pose over `draws` noises and times per view.

    It is the flow-matching loss weighted by (1 - t)^2, which keeps late times, where the pose is nearly given, from
    drowning the early ones; times are drawn towards 0 for the same reason.
    """
    target = batch.target.expand(draws, *batch.target.shape)
    x_0 = torch.randn(target.shape, generator=generator, device=target.device)
    t = torch.rand(target.shape[:2], generator=generator, device=target.device) ** 1.5
    sample = path(x_0, target, t[..., None, None])
    context = network.encode(batch.features)
    predicted = network.predict(context.expand(draws, *context.shape), sample.x_t, t)
    return (predicted - target).square().mean()


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Linear warm-up, then a half cosine down to 0 at the last step."""
    last = config.samples // config.batch
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    done = min(1.0, (step - config.warmup) / max(1, last - config.warmup))
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


@torch.no_grad()
def check(network: LiftNetwork, poses: Float[Tensor, "pose 17 3"], *, seed: int = 1, count: int = 2048) -> float:
    """P-MPJPE (mm, for a body of 1.45 m from ankle to head along its bones) of the one-step mean on exact views."""
    generator = Generator(device=poses.device).manual_seed(seed)
    bodies = poses[torch.randint(len(poses), (count,), generator=generator, device=poses.device)]
    batch = sample_views(bodies, _CHECK_VIEW, generator)
    zero = torch.zeros_like(batch.target)
    state = network.predict(network.encode(batch.features), zero, torch.zeros(count, device=poses.device))
    predicted, _ = decode_pose(state, ROOT)
    truth, size = decode_pose(batch.target, ROOT)
    millimetres = _CHECK_STATURE_MM / size
    return float((p_mpjpe_per_pose(predicted, truth) * millimetres).mean())


@dataclass
class _Run:
    """What a checkpoint holds."""

    network: LiftNetwork
    averaged: LiftNetwork
    optimizer: torch.optim.Optimizer
    generator: Generator
    step: int = 0

    def save(self, file: Path) -> None:
        state = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "step": self.step,
        }
        beside = file.with_suffix(".part")
        torch.save(state, beside)
        beside.replace(file)

    def resume(self, file: Path, device: torch.device) -> None:
        state = torch.load(file, map_location=device, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"].cpu())
        self.step = state["step"]


def _start(config: TrainingConfig, device: torch.device) -> _Run:
    torch.manual_seed(config.seed)
    network = LiftNetwork(config.network).to(device)
    averaged = LiftNetwork(config.network).to(device)
    averaged.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, betas=(0.9, 0.99)
    )
    return _Run(network, averaged, optimizer, Generator(device=device).manual_seed(config.seed))


def load_poses(file: Path) -> tuple[Tensor, Tensor]:
    """Training and held-out poses (N, 17, 3) from an npz with `train` and `val`. Raises InputError."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return torch.tensor(arrays["train"]), torch.tensor(arrays["val"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{file}: expected an npz with pose arrays `train` and `val`: {error}") from error


def train(config: TrainingConfig, data: Path, out: Path, *, device: str = "cpu", minutes_between: float = 3.0) -> Path:
    """Train until `config.samples` views were seen; resumes from `out` if a checkpoint is there. Returns `out`."""
    place = torch.device(device)
    poses, held_out = (p.to(place) for p in load_poses(data))
    bank = PoseBank.from_positions(poses)
    run = _start(config, place)
    out.mkdir(parents=True, exist_ok=True)
    checkpoint, log = out / "checkpoint.pt", out / "log.csv"
    if checkpoint.exists():
        run.resume(checkpoint, place)
    steps, saved = config.samples // config.batch, time.monotonic()
    while run.step < steps:
        loss = _step(run, config, bank)
        if time.monotonic() - saved > 60 * minutes_between or run.step == steps:
            run.save(checkpoint)
            _log(log, run, loss, poses, held_out)
            saved = time.monotonic()
    return out


def _step(run: _Run, config: TrainingConfig, bank: PoseBank) -> float:
    bodies = sample_bodies(bank, config.batch, config.bodies, run.generator)
    batch = sample_views(bodies, config.views, run.generator)
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(config, run.step)
    loss = flow_matching_loss(run.network, batch, config.draws, run.generator)
    run.optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), config.clip)
    run.optimizer.step()
    run.step += 1
    keep = min(config.averaging, (1 + run.step) / (10 + run.step))
    with torch.no_grad():
        for mean, now in zip(run.averaged.parameters(), run.network.parameters(), strict=True):
            mean.lerp_(now, 1 - keep)
    return float(loss.detach())


def _log(file: Path, run: _Run, loss: float, poses: Tensor, held_out: Tensor) -> None:
    row = {
        "time": round(time.time()),
        "step": run.step,
        "loss": round(loss, 5),
        "train_poses_mm": round(check(run.averaged, poses), 2),
        "held_out_poses_mm": round(check(run.averaged, held_out), 2),
    }
    fresh = not file.exists()
    with file.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def config_as_dict(config: TrainingConfig) -> dict[str, object]:
    return asdict(config)
