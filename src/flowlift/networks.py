"""Every network by its kind, and one way to call them all: encode what was seen once, then evaluate hypotheses."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from flowlift.adjacency import adjacency
from flowlift.errors import ModelError
from flowlift.lift_network import LiftNetwork, NetworkConfig
from flowlift.network import VelocityConfig, VelocityNetwork
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


def make_network(kind: str, settings: Mapping[str, Any], skeleton: Skeleton) -> nn.Module:
    """A network of random weights for a skeleton. Raises ModelError for an unknown kind or setting."""
    if kind not in CONFIGS:
        raise ModelError(f"no network of kind {kind!r}; known: {', '.join(CONFIGS)}")
    known = {field.name for field in fields(CONFIGS[kind])}
    if unknown := set(settings) - known:
        raise ModelError(f"network {kind!r} has no setting {sorted(unknown)[0]!r}; it has {', '.join(sorted(known))}")
    config = CONFIGS[kind](**{**settings, "joints": len(skeleton)})
    graph = torch.from_numpy(adjacency(skeleton))
    if kind == "velocity":
        return VelocityNetwork(config, graph)
    if kind == "normalizing-flow":
        return NormalizingFlow(config, graph)
    return LiftNetwork(config) if kind == "two-part" else SimpleNetwork(config)


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
