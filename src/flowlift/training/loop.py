"""The training loop: batches in, losses down, an averaged copy of the weights, logs, and checkpoints to go on from.

Everything random in a step follows from the seed and the step's number, so a run that was killed goes on as if
nothing had happened: the same losses, to the last digit on the same machine.
"""

import copy
import io
import json
import math
import os
import time
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning_fabric
import torch
from lightning_fabric.plugins.precision import MixedPrecision
from torch import Generator, Tensor, nn

from flowlift.checksums import of_content, of_file
from flowlift.damage import refused_if_damaged
from flowlift.errors import InputError, ModelError
from flowlift.io.atomic import made_folder, written_whole
from flowlift.models import find_model
from flowlift.networks import make_network
from flowlift.skeleton import Skeleton
from flowlift.training.config import RunConfig, TrainingConfig
from flowlift.training.graph import recorded
from flowlift.training.interruption import noted_interrupt
from flowlift.training.lessons import Lessons, seed_of
from flowlift.training.logs import RunLog
from flowlift.training.methods import Objective, draw_poses
from flowlift.training.optimizers import learning_rate, make_optimizers
from flowlift.training.sources import Batch, Errors, Source, open_source
from flowlift.training.starting import check_refit, start_from
from flowlift.training.teacher import Teacher, open_teacher
from flowlift.weights_only import read_weights_only

CHECKPOINT, BEST, CONFIG = "checkpoint.pt", "best.pt", "config.json"
CHECK_HYPOTHESES = 4
_MAY_DIFFER = ("epochs", "devices", "save_minutes", "graph")
"""Settings of [run] with which a run may go on as it did not begin."""


@dataclass
class _Run:
    """What a checkpoint holds, and where the run stands."""

    objective: nn.Module
    averaged: nn.Module
    optimizers: tuple[torch.optim.Optimizer, ...]
    of: dict[str, str]
    """Checksums of what it is a run of: `data`, the bank that is trained on, and `skeleton`."""
    loss: Tensor
    """Of the steps since the last line of the log, together."""
    counted: int = 0
    """How many steps that are."""
    step: int = 0
    best: float = math.inf
    seconds: float = 0.0
    """Time spent training, over all parts of the run."""

    def save(self, file: Path) -> None:
        state = {
            "objective": self.objective.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "best": self.best,
            "seconds": self.seconds,
            "loss": self.loss,
            "counted": self.counted,
            **self.of,
        }
        _save(state, file)

    def resume(self, file: Path, device: torch.device) -> None:
        """Go on from a checkpoint. Raises ModelError for one that is damaged, or another run's; InputError for other
        data or another skeleton."""
        state = read_weights_only(file, device=device)
        _check_same(state, self.of, file)
        with refused_if_damaged(f"{file}: does not fit this run", ModelError):
            self.objective.load_state_dict(state["objective"])
            self.averaged.load_state_dict(state["averaged"])
            for optimizer, own in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(own)
            self.step, self.best, self.seconds = int(state["step"]), float(state["best"]), float(state["seconds"])
            if "loss" in state:  # older ones end where a line of the log does
                self.loss, self.counted = state["loss"], int(state["counted"])


def _check_same(state: dict[str, Any], of: dict[str, str], file: Path) -> None:
    """Raises InputError for a checkpoint of other data or another skeleton, as far as it tells."""
    for what, said in (("data", "other data"), ("skeleton", "another skeleton")):
        if state.get(what, of[what]) != of[what]:
            raise InputError(f"{file.parent} holds a run on {said}: choose another folder, or remove it")


def _checksums(config: TrainingConfig) -> dict[str, str]:
    data, skeleton = Path(config.data.path), skeleton_of(config)
    return {
        "data": of_file(data) if data.is_file() else "",
        "skeleton": of_content({}, asdict(skeleton) | {"size": skeleton.size_chain}),
    }


class _Autocast(MixedPrecision):
    """Mixed precision of what is computed; what comes in stays exact. Fabric would round it, targets as well."""

    def convert_input(self, data: Any) -> Any:
        return data


def skeleton_of(config: TrainingConfig) -> Skeleton:
    """The run's skeleton: a built-in name or a TOML file. Raises InputError."""
    return Skeleton.named_or_loaded(config.skeleton)


def make_objective(config: TrainingConfig) -> Objective:
    """Network and method of a run, with the random weights of its seed, or those of the model it starts from."""
    torch.manual_seed(config.run.seed)
    skeleton = skeleton_of(config)
    network = make_network(config.network.kind, config.network.settings, skeleton)
    if config.run.start:
        start_from(find_model(config.run.start), network, skeleton)
    return Objective(network, config.method, skeleton.root)


def train(config: TrainingConfig, out: Path, *, device: str = "cpu") -> Path:
    """Train to the end of the last epoch, or go on from the checkpoint in `out`. Returns `out`.

    Writes config.json, log.csv, TensorBoard events, checkpoint.pt, and best.pt: the averaged weights of the epoch with
    the lowest held-out P-MPJPE, or of the last one where what was held out is trained on (`data.refit`).
    On Ctrl-C, the step that is under way is finished, and the run stands there in checkpoint.pt; several processes go
    on from their last one. Raises InputError for data or settings that cannot be used, and where `out` holds another
    run.
    """
    table = _own_table(config, out)
    processes, machines = _check_settings(config, device)
    fabric = lightning_fabric.Fabric(
        accelerator="cpu" if device == "cpu" else "cuda",
        devices=processes,
        num_nodes=machines,
        plugins=_Autocast("bf16-mixed", device) if config.run.precision == "bf16-mixed" else None,
        strategy="ddp" if processes * machines > 1 else "auto",
    )
    fabric.launch()
    source = open_source(config.data, skeleton_of(config), fabric.device)
    objective = make_objective(config)
    averaged = copy.deepcopy(objective).eval().to(fabric.device)
    model, *optimizers = fabric.setup(objective, *make_optimizers(config.optimizer, objective))
    loss = torch.zeros((), device=fabric.device)
    run = _Run(model.module, averaged, tuple(optimizers), _checksums(config), loss)
    if (out / CHECKPOINT).exists():
        run.resume(out / CHECKPOINT, fabric.device)
    if fabric.is_global_zero:
        with written_whole(made_folder(out) / CONFIG) as beside:
            beside.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    _loop(fabric, config, source, model, run, out, teacher=open_teacher(config, skeleton_of(config), fabric.device))
    return out


def check_run(config: TrainingConfig, out: Path, *, device: str = "cpu") -> None:
    """Raises what `train` would, where a run cannot begin, or `out` holds another one. Nothing is written."""
    _own_table(config, out)
    _check_settings(config, device)
    make_objective(config)
    open_teacher(config, skeleton_of(config), torch.device("cpu"))
    if (out / CHECKPOINT).exists():
        _check_same(read_weights_only(out / CHECKPOINT), _checksums(config), out / CHECKPOINT)


def _check_settings(config: TrainingConfig, device: str) -> tuple[int, int]:
    """The run's processes on each machine, and machines. Raises InputError, ModelError."""
    if config.data.refit:
        check_refit(config, skeleton_of(config))
    processes, machines = _processes(config)
    _check_device(device, processes)
    return processes, machines


def _processes(config: TrainingConfig) -> tuple[int, int]:
    """Processes on each machine, and machines: what torchrun has started, else what the run asks for.

    Raises InputError where the batch cannot be shared evenly."""
    here = int(os.environ.get("LOCAL_WORLD_SIZE", config.run.devices))
    everywhere = int(os.environ.get("WORLD_SIZE", here)) if "LOCAL_WORLD_SIZE" in os.environ else here
    if config.run.batch % everywhere:
        raise InputError(f"run.batch ({config.run.batch}) must be a multiple of the {everywhere} processes")
    return here, everywhere // here


def _check_device(device: str, count: int) -> None:
    if device not in ("cpu", "cuda"):
        raise InputError(f"the device must be cpu or cuda, got {device!r} (how many of them: run.devices)")
    there = torch.cuda.device_count()
    if device == "cuda" and there < count:
        raise InputError(f"{count} CUDA devices are asked for, PyTorch {torch.__version__} sees {there} here")


def _own_table(config: TrainingConfig, out: Path) -> dict[str, Any]:
    """The run's configuration as JSON will hold it. Raises InputError where another run's lies in `out`."""
    file, table = out / CONFIG, json.loads(json.dumps(config.as_dict()))
    with refused_if_damaged(f"{file}: cannot read the run's configuration"):
        other = file.exists() and not _same_run(json.loads(file.read_text(encoding="utf-8")), table)
    if other:
        raise InputError(f"{out} holds a run with another configuration: choose another folder, or remove it")
    return table


def _same_run(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether a run may go on as another: all but its length, how it is computed and where its data lie is the same."""

    def kept(table: dict[str, Any]) -> dict[str, Any]:
        settings = asdict(RunConfig()) | table["run"]  # older runs do not tell of newer settings
        run = {key: value for key, value in settings.items() if key not in _MAY_DIFFER}
        data = {key: value for key, value in table["data"].items() if key not in ("path", "cameras")}
        return {**table, "run": run, "data": data}

    return kept(before) == kept(now)


def is_first_process() -> bool:
    """Whether this is the one process of a run, or the first of several: what writes."""
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0


def end_processes() -> None:
    """Let the processes of a run, if there are several, wait for one another and part. One that ended without that
    would now and then be aborted by its threads, which still listen to the others."""
    if torch.distributed.is_initialized():
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def _loop(
    fabric: Any,
    config: TrainingConfig,
    source: Source,
    model: Any,
    run: _Run,
    out: Path,
    *,
    teacher: Teacher | None,
) -> None:
    views = source.views or config.run.epoch
    batch = min(config.run.batch, views)
    per_epoch = max(1, views // batch)
    steps = config.run.epochs * per_epoch
    log = RunLog.open(out, after_step=run.step) if fabric.is_global_zero else None
    held_out = source.held_out(config.run.check_views)
    lessons = Lessons(config, source, batch, fabric.device)
    if config.run.graph and fabric.device.type == "cuda" and fabric.world_size == 1:
        model = recorded(run.objective, lessons.of(run.step), config)
    saved = time.monotonic()
    # Several processes would have to agree on the step after which they stop.
    noted = noted_interrupt() if fabric.world_size == 1 else nullcontext(lambda: False)
    with closing(log) if log is not None else nullcontext(), noted as interrupted:
        while run.step < steps:
            rate = learning_rate(config.optimizer, step=run.step, steps_per_epoch=per_epoch, steps=steps)
            begun = time.monotonic()
            run.loss += _step(fabric, config, lessons, model, run, rate, teacher)
            run.seconds += time.monotonic() - begun
            run.counted += 1
            at_epoch = run.step % per_epoch == 0
            at_line = at_epoch or run.step % config.run.log_every == 0
            if at_line:
                _write_line(fabric, run, log, views=run.step * batch, rate=rate)
            if at_epoch and log is not None:
                errors = check(run.averaged, config, source, held_out)
                log.write_check(step=run.step, epoch=run.step // per_epoch, errors=errors)
                if config.data.refit or errors.p_mpjpe < run.best:
                    _keep(run, errors, out)
            stopped = interrupted()
            due = run.step == steps or time.monotonic() - saved > 60 * config.run.save_minutes
            if fabric.is_global_zero and (stopped or (at_line and due)):
                run.save(out / CHECKPOINT)
                saved = time.monotonic()
            if stopped:
                raise KeyboardInterrupt(f"stopped after step {run.step:,}; the same command goes on from there")


def _write_line(fabric: Any, run: _Run, log: RunLog | None, *, views: int, rate: float) -> None:
    """The mean loss of the steps since the last line, over all processes."""
    loss = float(fabric.all_reduce(run.loss / run.counted, reduce_op="mean"))
    run.loss, run.counted = torch.zeros_like(run.loss), 0
    if log is not None:
        log.write(step=run.step, views=views, loss=loss, rate=rate)


def _step(
    fabric: Any,
    config: TrainingConfig,
    lessons: Lessons,
    model: Any,
    run: _Run,
    rate: float,
    teacher: Teacher | None,
) -> Tensor:
    for group in (group for optimizer in run.optimizers for group in optimizer.param_groups):
        group["lr"] = rate
    seen, noise, t = lessons.of(run.step)
    mine = slice(fabric.global_rank, None, fabric.world_size)
    torch.manual_seed(seed_of(config, run.step, 1 + fabric.global_rank))  # dropout
    with fabric.autocast():
        target = seen.target[:, None] if teacher is None else teacher.poses(seen.condition, noise)
    known = None if seen.known is None else seen.known[mine]
    loss = model(seen.condition[mine], target[mine], noise[mine], t[mine], known, seen.target[mine])
    # The processes' mean has to be that of the whole batch: those with more to learn from count more.
    counted = t.new_ones(len(t)) if seen.known is None else seen.known.sum(dim=1)
    loss = loss * (fabric.world_size * counted[mine].sum() / counted.sum().clamp(min=1))
    for optimizer in run.optimizers:
        optimizer.zero_grad(set_to_none=True)
    fabric.backward(loss)
    if config.optimizer.clip:
        fabric.clip_gradients(
            run.objective, run.optimizers[0], max_norm=config.optimizer.clip, error_if_nonfinite=False
        )
    for optimizer in run.optimizers:
        optimizer.step()
    run.step += 1
    _average(run, config.optimizer.averaging)
    return loss.detach()


@torch.no_grad()
def _average(run: _Run, averaging: float) -> None:
    keep = min(averaging, (1 + run.step) / (10 + run.step)) if averaging else 0.0
    pairs = list(zip(run.averaged.state_dict().values(), run.objective.state_dict().values(), strict=True))
    means, now = zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True)
    torch._foreach_lerp_(means, now, 1 - keep)
    for mean, number in pairs:
        if not mean.is_floating_point():
            mean.copy_(number)


def check(averaged: nn.Module, config: TrainingConfig, source: Source, held_out: Batch) -> Errors:
    """Errors of the mean of a few hypotheses on the held-out views, sampled as the method samples; of what the middle
    of the noise leads to, where a run learns that."""
    objective: Any = averaged
    generator = Generator(device=held_out.target.device).manual_seed(11)
    shape = (len(held_out.target), CHECK_HYPOTHESES, *held_out.target.shape[1:])
    noise = torch.randn(shape, generator=generator, device=held_out.target.device)
    noise = 0 * noise[:, :1] if config.method.answer else noise
    poses = draw_poses(objective.network.eval(), config.method, held_out.condition, noise)
    return source.errors(poses.mean(dim=1), held_out)


def _keep(run: _Run, errors: Errors, out: Path) -> None:
    run.best = errors.p_mpjpe
    objective: Any = run.averaged
    state = {"network": objective.network.state_dict(), "step": run.step, "p_mpjpe": errors.p_mpjpe}
    _save(state | {"seconds": run.seconds, "on": _device_name(next(objective.parameters()).device)}, out / BEST)


def _device_name(device: torch.device) -> str:
    """What a card says of the device that a model was trained on."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return "one core of a CPU" if threads == 1 else f"{threads} cores of a CPU"


def _save(state: dict[str, Any], file: Path) -> None:
    # Through a stream of our own: what torch raises where a disk is full is no OSError.
    content = io.BytesIO()
    torch.save(state, content)
    with written_whole(file) as beside:
        beside.write_bytes(content.getbuffer())
