"""The trained weights: safetensors for training and torch, ONNX graphs for inference."""

import copy
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from flowlift.errors import InputError, ModelError
from flowlift.lift_network import LiftNetwork
from flowlift.models.card import CARD, Model, read_card
from flowlift.models.inference_form import InferenceForm
from flowlift.models.shared_weights import share_weights
from flowlift.network import VelocityNetwork
from flowlift.networks import make_network
from flowlift.normalizing_flow import NormalizingFlow

WEIGHTS, ENCODER, VELOCITY = "weights.safetensors", "encoder.onnx", "velocity.onnx"


def load_network(model: Model | Path) -> nn.Module:
    """The torch network of a model (or of its folder), of any kind, in evaluation mode.

    Raises ModelError when its weights are missing or do not fit, MissingExtraError where its kind needs a package.
    """
    model = read_card(model) if isinstance(model, Path) else model
    try:
        network = make_network(model.network, model.settings, model.skeleton)
    except ModelError as error:
        raise ModelError(f"{model.folder / CARD}: {error}") from error
    file = model.folder / WEIGHTS
    try:
        network.load_state_dict({name: _single(value) for name, value in load_file(file).items()})
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError, InputError) as error:
        raise ModelError(f"{file}: cannot load the weights: {str(error).splitlines()[0]}") from error
    return network.eval()


def _single(value: Tensor) -> Tensor:
    """Numbers kept in half precision, widened; what a network counts or indexes with stays as it is."""
    return value.float() if value.is_floating_point() else value


def save_weights(network: nn.Module, folder: Path) -> None:
    """Write the weights: float32, or float16 for a network in two parts (`halved`)."""
    save_file(_kept(network), folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)  # it is made readable for its owner alone


def _kept(network: nn.Module) -> dict[str, Tensor]:
    kept = torch.float16 if halved(network) else torch.float32
    return {
        name: (value.to(kept) if value.is_floating_point() else value).contiguous().cpu()
        for name, value in network.state_dict().items()
    }


def halved(network: nn.Module) -> bool:
    """Whether files keep float16: half the size, and the rounding is far below the noise of training.

    Only networks in two parts, which are made here; published weights stay as they are.
    """
    return isinstance(network, LiftNetwork)


def _as_kept(network: nn.Module) -> nn.Module:
    """The network with the numbers that `save_weights` keeps: a graph of others would be another model."""
    if not halved(network):
        return network
    rounded = copy.deepcopy(network)
    rounded.load_state_dict(_kept(network))
    return rounded


class _Velocity(nn.Module):
    """The head as the engine calls it: context (B, C), hypotheses (B, H, J, 3), one time (1,).

    All hypotheses are rows of one matrix: an engine adds the bias to a product of matrices in the same pass.
    """

    def __init__(self, network: LiftNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, context: Tensor, x: Tensor, t: Tensor) -> Tensor:
        each = context[:, None].expand(-1, x.shape[1], -1).flatten(0, 1)
        return self.network(each, x.flatten(0, 1), t).reshape(x.shape)


class _Encoder(nn.Module):
    def __init__(self, network: LiftNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor) -> Tensor:
        return self.network.encode(features)


class _OnePart(nn.Module):
    """A network of the published interface as the engine calls it: 2D (B, J, 2), hypotheses (B, H, J, 3), one time."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, context: Tensor, x: Tensor, t: Tensor) -> Tensor:
        each = x.flatten(0, 1)
        seen = context[:, None].expand(-1, x.shape[1], -1, -1).flatten(0, 1)
        return self.network(seen, each, t.expand(each.shape[0])).reshape(x.shape)


def has_graphs(network: nn.Module) -> bool:
    """Whether ONNX can express the network: a normalizing flow runs with torch only."""
    return not isinstance(network, NormalizingFlow)


def export_onnx(network: nn.Module, folder: Path) -> None:
    """Write `velocity.onnx`, and `encoder.onnx` of a network in two parts: batch and hypotheses are free axes.

    Constants are kept as weights are (`halved`), and not again where `save_weights` has written them there. Nothing is
    written for a normalizing flow.
    """
    if not has_graphs(network):
        return
    network = _as_kept(network.eval())
    joints: Any = getattr(network.config, "joints", None)
    if isinstance(network, LiftNetwork):
        features = torch.zeros(2, 4 * joints + 1)
        _export(_Encoder(network), {"features": features}, folder / ENCODER)
        head: nn.Module = _Velocity(network)
        context = network.encode(features).detach()
    else:
        head = InferenceForm(network) if isinstance(network, VelocityNetwork) else _OnePart(network)
        context = torch.zeros(2, joints, 2)
    inputs = {"context": context, "x": torch.zeros(2, 3, joints, 3), "t": torch.zeros(1)}
    _export(head, inputs, folder / VELOCITY)
    if halved(network):
        for file in (ENCODER, VELOCITY):
            _halve(folder / file)
    if (folder / WEIGHTS).is_file():
        for file in (ENCODER, VELOCITY):
            if (folder / file).is_file():
                share_weights(folder / file, folder / WEIGHTS)


_AXES = {"features": {0: "batch"}, "context": {0: "batch"}, "x": {0: "batch", 1: "hypothesis"}}


def _export(module: nn.Module, inputs: dict[str, Tensor], file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter has a successor, which needs one more package
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            str(file),
            input_names=list(inputs),
            dynamic_axes={name: axes for name, axes in _AXES.items() if name in inputs},
            opset_version=17,
            dynamo=False,
        )


def _halve(file: Path) -> None:
    """Keep a graph's large constants in half precision, widened when it is loaded: half the size, the same speed."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(str(file))
    widened = []
    for constant in model.graph.initializer:
        if constant.data_type != TensorProto.FLOAT or numpy_helper.to_array(constant).size < 1024:
            continue
        name = constant.name
        half = numpy_helper.from_array(numpy_helper.to_array(constant).astype("float16"), f"{name}.half")
        constant.CopyFrom(half)
        widened.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))
    for node in reversed(widened):
        model.graph.node.insert(0, node)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))
