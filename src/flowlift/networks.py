"""Every network by its kind, and one way to call them all: encode what was seen once, then evaluate hypotheses."""

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch
from jaxtyping import Float
from torch import Tensor, nn

from flowlift.adjacency import adjacency
from flowlift.errors import ModelError
from flowlift.lift_network import LiftNetwork, NetworkConfig
from flowlift.network import TIME_WIDTH, VelocityConfig, VelocityNetwork
from flowlift.normalizing_flow import FlowConfig, NormalizingFlow
from flowlift.simple_network import SimpleConfig, SimpleNetwork
from flowlift.skeleton import Skeleton

CONFIGS: dict[str, Any] = {
    "velocity": VelocityConfig,
    "two-part": NetworkConfig,
    "simple": SimpleConfig,
    "normalizing-flow": FlowConfig,
}
"""The settings of each kind of network."""
_LARGEST = 8192
"""Of every size: whatever claims more is damaged, and would take all memory."""


def make_network(kind: str, settings: Mapping[str, Any], skeleton: Skeleton) -> nn.Module:
    """A network of random weights for a skeleton. Raises ModelError for an unknown kind, or settings that cannot be."""
    if kind not in CONFIGS:
        raise ModelError(f"no network of kind {kind!r}; known: {', '.join(CONFIGS)}")
    config = _config(kind, {**settings, "joints": len(skeleton)})
    graph = torch.from_numpy(adjacency(skeleton))
    if kind == "velocity":
        return VelocityNetwork(config, graph)
    if kind == "normalizing-flow":
        return NormalizingFlow(config, graph)
    return LiftNetwork(config) if kind == "two-part" else SimpleNetwork(config)


def _config(kind: str, settings: Mapping[str, Any]) -> Any:
    """The settings as the kind's dataclass: known names, right types, sizes that are positive and go together."""
    hints = get_type_hints(CONFIGS[kind])
    for name, value in settings.items():
        if name not in hints:
            raise ModelError(f"network {kind!r} has no setting {name!r}; it has {', '.join(sorted(hints))}")
        if problem := _problem(value, hints[name], name):
            raise ModelError(f"network {kind!r}: {name} must be {problem}, got {value!r}")
    config = CONFIGS[kind](**settings)
    if isinstance(config, VelocityConfig | FlowConfig) and config.width % config.heads:
        raise ModelError(f"network {kind!r}: width ({config.width}) must be a multiple of heads ({config.heads})")
    encoders = isinstance(config, VelocityConfig) and config.separate_encoders
    if encoders and (config.width % 2 or config.width <= TIME_WIDTH):
        raise ModelError(f"network {kind!r}: width must be even and above {TIME_WIDTH} with separate encoders")
    return config


def _problem(value: Any, hint: Any, name: str) -> str | None:
    """What a setting must be, where it is not."""
    if get_origin(hint) is Literal:
        return None if value in get_args(hint) else f"one of {', '.join(get_args(hint))}"
    if hint is bool or isinstance(value, bool):
        return None if hint is bool and isinstance(value, bool) else {bool: "true or false"}.get(hint, "a number")
    if hint is int:
        return None if isinstance(value, int) and 0 < value <= _LARGEST else f"a whole number from 1 to {_LARGEST}"
    if not isinstance(value, float | int):
        return "a number"
    if name.endswith("dropout"):
        return None if 0 <= value < 1 else "in [0, 1)"
    return None if value > 0 else "above 0"


def encode(network: nn.Module, condition: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
    """What was seen, worked on once for all hypotheses; a network that has no such part gets it as it is."""
    return network.encode(condition) if isinstance(network, LiftNetwork) else condition


def evaluate(
    network: nn.Module,
    context: Float[Tensor, "batch ..."],
    x: Float[Tensor, "batch hypothesis joint 3"],
    t: Float[Tensor, "batch #hypothesis"],
) -> Float[Tensor, "batch hypothesis joint 3"]:
    """What the network says of several hypotheses of each view, at a time for each or one for all of a view."""
    if isinstance(network, LiftNetwork):
        return network(context[:, None], x, t)
    batch, count = x.shape[:2]
    repeated, times = context.repeat_interleave(count, dim=0), t.expand(batch, count).flatten()
    return network(repeated, x.flatten(0, 1), times).unflatten(0, (batch, count))
