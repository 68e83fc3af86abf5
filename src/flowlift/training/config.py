"""What a training run is made of: the tables of its TOML file, one frozen dataclass each."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from flowlift.damage import refused_if_damaged
from flowlift.errors import InputError
from flowlift.sampling import Method
from flowlift.skeleton import is_skeleton_file


@dataclass(frozen=True)
class DataConfig:
    """[data]: where views come from.

    `kind`: "bank" (poses of `flowlift data build`, seen by cameras drawn on the fly), "any" (the same of any skeleton)
    or a labelled data set's name. `bodies` and `views` say how both are varied: `training.bodies` and `training.views`,
    of any skeleton `training.figures` and `training.figure_views`.
    `held_out`: clips whose name or label contains one of these texts choose the epoch and are never trained on; where
    it is empty, every `held_out_every`th clip is. The test split is never read.
    `refit`: a bank's held-out poses are trained on, too, once they have chosen: the run goes on from the model
    `run.start`, its last epoch is the result, and how sure it may be is what was measured of that model.
    """

    path: str = ""
    kind: str = "bank"
    split: str = "train"
    keypoints: str | None = None
    cameras: str | None = None
    annotation: str | None = None
    held_out: tuple[str, ...] = ()
    held_out_every: int = 10
    refit: bool = False
    mirror: bool = True
    conditioning: Literal["screen", "canonical"] = "screen"
    bodies: Mapping[str, Any] = field(default_factory=dict)
    views: Mapping[str, Any] = field(default_factory=dict)
    focal: float = 2.29
    """Of "screen" views of a bank: the one camera's focal length in screen units (half widths)."""
    stature: float = 1.58
    """Of "screen" views of a bank: ankle to head along the bones of a body of mean proportions, m."""


@dataclass(frozen=True)
class NetworkSettings:
    """[network]: `kind` of `flowlift.networks`, and that kind's own settings beside it."""

    kind: str = "velocity"
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MethodConfig:
    """[method]: what is learned. `name` is one of `flowlift.sampling.METHODS`.

    "flow-x1" is flow matching with a network that predicts the pose. `error` "velocity" is the published loss; "pose"
    weighs it by (1 - t)^2. t = u ** `time_power` with u uniform.
    `draws`: noises and times for each view. `kl` weighs a CVAE's divergence; `blur` (the target's unit) is added to
    the poses that a normalizing flow learns, whose density would else be infinite along rigid bones.
    `steps`: of the solver where the run is checked and, by default, where the model is used.
    `teacher`: a model, by name or folder, whose answer to the same view and noise is learned instead of the truth: the
    paths become straight (reflow: Liu et al., 2023), and with `at_start`, the share of times that are exactly 0, at 1
    one step is the whole path.
    `answer`: weight of how far the pose that the middle of the noise leads to is from the truth: what a model is asked
    for most, learned as it is measured.
    """

    name: Method = "flow"
    error: Literal["velocity", "pose"] = "velocity"
    time_power: float = 1.0
    draws: int = 1
    kl: float = 0.005
    blur: float = 0.01
    steps: int = 3
    teacher: str = ""
    at_start: float = 0.0
    answer: float = 0.0


@dataclass(frozen=True)
class OptimizerConfig:
    """[optimizer]: "adam" (amsgrad, as published), "adamw" or "muon" (for the matrices of residual blocks, AdamW for
    the rest: `training.optimizers`); how the learning rate falls; clipping and averaging.

    `schedule` "epochs": times `per_epoch` after each epoch, but times `per_period` after every `period`th. "cosine": a
    linear warm-up, then half a cosine down to 0. `clip`: largest norm of the gradient (0: none). `averaging`: decay of
    the averaged weights, which are what a run is judged by and what is published (0: none).
    """

    name: Literal["adam", "adamw", "muon"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    schedule: Literal["epochs", "cosine"] = "epochs"
    per_epoch: float = 0.98
    period: int = 5
    per_period: float = 0.8
    warmup: int = 0
    clip: float = 1.0
    averaging: float = 0.999


@dataclass(frozen=True)
class RunConfig:
    """[run]: how long, how much at once, where. `epoch`: views that count as one, where the data has no end.

    `start`: a model, by name or folder, whose weights the run begins with, of the same widths and at most as deep;
    empty: random weights.
    `drawn`: steps whose views are made at once, where the data has no end: on a fast GPU starting an operation takes
    longer than the operation. `graph`: on a GPU, what a step computes is recorded once and played back, for the same
    reason.
    """

    epochs: int = 80
    batch: int = 256
    epoch: int = 100_000
    seed: int = 0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    devices: int = 1
    drawn: int = 1
    graph: bool = False
    log_every: int = 50
    save_minutes: float = 3.0
    check_views: int = 2048
    start: str = ""


@dataclass(frozen=True)
class TrainingConfig:
    """A whole run."""

    skeleton: str = "human36m17"
    data: DataConfig = field(default_factory=DataConfig)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    method: MethodConfig = field(default_factory=MethodConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    run: RunConfig = field(default_factory=RunConfig)

    def as_dict(self) -> dict[str, Any]:
        """The tables of the TOML file, as plain values; what is not set is left out."""
        table = asdict(self)
        table["network"] |= table["network"].pop("settings")
        table["data"] = {key: value for key, value in table["data"].items() if value is not None}
        return table

    def check(self) -> None:
        """Raises InputError for values that cannot be, or do not go together."""
        _check(self)


_TABLES = {"data": DataConfig, "method": MethodConfig, "optimizer": OptimizerConfig, "run": RunConfig}


def load_config(path: Path, *, relative_to: Path | None = None) -> TrainingConfig:
    """Read a run's TOML file; its paths count from the file's folder, or another. Raises InputError naming the key."""
    with refused_if_damaged(f"{path}: cannot read the configuration"):
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    try:
        config = config_from(table)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error

    def absolute(text: str | None) -> str | None:
        return text and str(((relative_to or path.parent) / text).resolve())

    data = replace(config.data, path=absolute(config.data.path) or "", cameras=absolute(config.data.cameras))
    skeleton = absolute(config.skeleton) if is_skeleton_file(config.skeleton) else config.skeleton
    return replace(config, data=data, skeleton=skeleton or config.skeleton)


def config_from(table: Mapping[str, Any]) -> TrainingConfig:
    """A run from its tables. Raises InputError for unknown or ill-typed keys."""
    unknown = set(table) - {*_TABLES, "network", "skeleton"}
    if unknown:
        raise InputError(f"unknown table [{sorted(unknown)[0]}]; known: skeleton, network, {', '.join(_TABLES)}")
    network = dict(table.get("network", {}))
    kind = network.pop("kind", NetworkSettings.kind)
    config = TrainingConfig(
        skeleton=_typed("skeleton", table.get("skeleton", TrainingConfig.skeleton), str),
        network=NetworkSettings(_typed("network.kind", kind, str), network),
        **{name: _table(name, table.get(name, {}), of) for name, of in _TABLES.items()},
    )
    config.check()
    return config


def find_config(name_or_path: str) -> TrainingConfig:
    """A recipe of the package by its name, or a TOML file. Raises InputError."""
    recipes = Path(__file__).parent / "recipes"
    known = sorted(file.stem for file in recipes.glob("*.toml"))
    if name_or_path in known:
        return load_config(recipes / f"{name_or_path}.toml", relative_to=Path.cwd())
    if not Path(name_or_path).is_file():
        raise InputError(f"no configuration {name_or_path!r}: neither a file nor one of {', '.join(known)}")
    return load_config(Path(name_or_path))


def _table(name: str, values: Any, of: Any) -> Any:
    known = {each.name: each for each in fields(of)}
    hints = get_type_hints(of)
    if not isinstance(values, Mapping):
        raise InputError(f"[{name}] must be a table")
    given = {}
    for key, value in values.items():
        if key not in known:
            raise InputError(f"[{name}] has no setting {key!r}; it has {', '.join(known)}")
        default = getattr(of(), key)
        if isinstance(default, tuple) and isinstance(value, list):
            value = tuple(value)
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        expected = str if default is None else Mapping if isinstance(default, Mapping) else type(default)
        given[key] = _typed(f"{name}.{key}", value, expected)
        if get_origin(hints[key]) is Literal and value not in get_args(hints[key]):
            raise InputError(f"{name}.{key} must be one of {', '.join(get_args(hints[key]))}, got {value!r}")
    return of(**given)


def _typed(name: str, value: Any, expected: Any) -> Any:
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        raise InputError(f"{name} must be of type {expected.__name__}, got {value!r}")
    return value


def _check(config: TrainingConfig) -> None:
    run, method, optimizer = config.run, config.method, config.optimizer
    positive = {
        "run.epochs": run.epochs,
        "run.batch": run.batch,
        "run.epoch": run.epoch,
        "run.devices": run.devices,
        "run.drawn": run.drawn,
        "run.log_every": run.log_every,
        "method.draws": method.draws,
        "method.steps": method.steps,
        "optimizer.learning_rate": optimizer.learning_rate,
        "optimizer.period": optimizer.period,
        "data.held_out_every": config.data.held_out_every,
    }
    for name, number in positive.items():
        if not number > 0:
            raise InputError(f"{name} must be positive, got {number}")
    if not 0 <= optimizer.averaging < 1:
        raise InputError(f"optimizer.averaging must lie in [0, 1), got {optimizer.averaging}")
    if not 0 <= method.at_start <= 1:
        raise InputError(f"method.at_start must lie in [0, 1], got {method.at_start}")
    if method.answer < 0:
        raise InputError(f"method.answer must not be below 0, got {method.answer}")
    if method.answer and (method.name != "flow" or config.network.kind != "two-part"):
        raise InputError('method.answer goes with the method "flow" and the network "two-part"')
    if method.teacher and method.name != "flow":
        raise InputError('method.teacher goes with the method "flow"')
    if run.graph and method.name != "flow":
        raise InputError('run.graph goes with the method "flow"')
    if run.batch % run.devices:
        raise InputError(f"run.batch ({run.batch}) must be a multiple of run.devices ({run.devices})")
    if (config.network.kind == "two-part") != (config.data.conditioning == "canonical"):
        raise InputError('the network "two-part" goes with conditioning "canonical", all others with "screen"')
    if config.data.refit and (config.data.kind not in ("any", "bank") or config.data.conditioning != "canonical"):
        raise InputError('data.refit goes with data of kind "bank" or "any", and conditioning "canonical"')
    if config.data.refit and not run.start:
        raise InputError("data.refit needs run.start, the model that was trained with some of the data held out")
    if config.data.kind == "any" and config.data.conditioning != "canonical":
        raise InputError('data of kind "any" goes with conditioning "canonical"')
    if (config.network.kind == "normalizing-flow") != (method.name == "normalizing-flow"):
        raise InputError('the method "normalizing-flow" and the network of that kind go together')
