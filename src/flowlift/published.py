"""Published checkpoints: a state dict of the velocity network, whose sizes are read off its arrays."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from flowlift.errors import ModelError
from flowlift.network import TIME_WIDTH, VelocityConfig
from flowlift.weights_only import read_weights_only

_BLOCK = re.compile(r"FMPose3D\.blocks\.(\d+)\.")
_WRAPPED = ("model_pos", "state_dict", "model")
"""Keys under which training scripts put the state dict itself."""


def published_state(path: Path) -> dict[str, Tensor]:
    """The state dict in a checkpoint, float32. Nothing but tensors and plain containers is ever unpickled.

    Raises ModelError for a file that is missing, damaged, holds anything else, or no velocity network.
    """
    held = read_weights_only(path)
    for key in _WRAPPED:
        if isinstance(held, Mapping) and isinstance(held.get(key), Mapping):
            held = held[key]
    if not isinstance(held, Mapping) or not all(isinstance(value, Tensor) for value in held.values()):
        raise ModelError(f"{path}: expected a state dict of tensors")
    return {str(key).removeprefix("module."): _numbers(value, f"{path}: {key}") for key, value in held.items()}


def _numbers(value: Tensor, name: str) -> Tensor:
    """A tensor as finite float32 numbers. Raises ModelError for one that holds none, or fewer than it says."""
    plain = value.layout == torch.strided and not value.is_nested and not value.is_quantized and not value.is_meta
    if not plain or value.is_complex() or value.nbytes > value.untyped_storage().nbytes():
        raise ModelError(f"{name} is no plain array of numbers")
    numbers = value.float()
    if not numbers.isfinite().all():
        raise ModelError(f"{name} holds values that are not finite")
    return numbers


def config_of(state: Mapping[str, Tensor], path: Path, *, heads: int = 8) -> VelocityConfig:
    """Sizes of the network that a state dict belongs to. The number of heads leaves no trace: 8, as published.

    Raises ModelError naming what is missing, too much, or of a wrong shape.
    """
    from flowlift.network import VelocityNetwork

    numbers = {int(found[1]) for name in state if (found := _BLOCK.match(name))}
    try:
        adjacency, inner = state["A"], state["pred_mu.fc1.weight"]
        hidden = state["FMPose3D.blocks.0.mlp.fc1.weight"].shape[0]
        joints, width = int(adjacency.shape[1]), int(inner.shape[1])
    except KeyError as error:
        raise ModelError(f"{path}: not a published velocity network: {error} is missing") from error
    except IndexError as error:
        raise ModelError(f"{path}: not a published velocity network: an array has too few axes") from error
    if width % heads or width < 2 or joints < 2:
        raise ModelError(f"{path}: a width of {width} does not divide into {heads} heads")
    separate = "encoder_y_t.fc1.weight" in state
    if separate and width <= TIME_WIDTH:
        raise ModelError(f"{path}: a width of {width} leaves no room beside the time's {TIME_WIDTH}")
    has_gcn, has_attention = (f"FMPose3D.blocks.0.{part}" in state for part in ("norm1.weight", "norm_att1.weight"))
    config = VelocityConfig(
        joints=joints,
        width=width,
        blocks=len(numbers),
        heads=heads,
        hidden=int(hidden),
        block="parallel" if has_gcn and has_attention else "gcn" if has_gcn else "attention",
        separate_encoders=separate,
    )
    with torch.device("meta"):
        expected = VelocityNetwork(config).state_dict()
    wrong = [
        *(f"{name} is missing" for name in expected.keys() - state.keys()),
        *(f"{name} does not belong there" for name in state.keys() - expected.keys()),
        *(
            f"{name} has shape {tuple(state[name].shape)}, expected {tuple(expected[name].shape)}"
            for name in expected.keys() & state.keys()
            if expected[name].shape != state[name].shape
        ),
    ]
    if wrong:
        some = ", ".join(sorted(wrong)[:3]) + (", ..." if len(wrong) > 3 else "")
        raise ModelError(f"{path}: does not fit the published network (width {width}, {len(numbers)} blocks): {some}")
    return config
