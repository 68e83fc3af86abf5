"""The trained weights: safetensors for training and torch, ONNX graphs for inference."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from flowlift.errors import ModelError
from flowlift.network import LiftNetwork, NetworkConfig

WEIGHTS = "weights.safetensors"


def load_network(folder: Path) -> LiftNetwork:
    """The torch network of a model's folder. Raises ModelError when its weights are missing or do not fit."""
    try:
        config = NetworkConfig(**json.loads((folder / "model.json").read_text(encoding="utf-8"))["network"])
        network = LiftNetwork(config)
        state = {name: value.float() for name, value in load_file(folder / WEIGHTS).items()}
        network.load_state_dict(state)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{folder / WEIGHTS}: cannot load the weights: {str(error).splitlines()[0]}") from error
    return network


def save_weights(network: LiftNetwork, folder: Path) -> None:
    """Write the weights (float16, half the size: the rounding is far below the noise of training)."""
    save_file({name: value.half().contiguous() for name, value in network.state_dict().items()}, folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)  # it is made readable for its owner alone


class _Velocity(nn.Module):
    """The head as the engine calls it: context (B, C), hypotheses (B, H, J, 3), one time (1,)."""

    def __init__(self, network: LiftNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, context: Tensor, x: Tensor, t: Tensor) -> Tensor:
        return self.network(context[:, None], x, t[None])


class _Encoder(nn.Module):
    def __init__(self, network: LiftNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor) -> Tensor:
        return self.network.encode(features)


def export_onnx(network: LiftNetwork, folder: Path) -> None:
    """Write `encoder.onnx` and `velocity.onnx`: batch and hypotheses are free axes."""
    network = network.eval()
    joints = network.config.joints
    features = torch.zeros(2, 4 * joints + 1)
    context = network.encode(features)
    for module, inputs, names, axes, file in (
        (_Encoder(network), (features,), ["features"], {"features": {0: "batch"}}, "encoder.onnx"),
        (
            _Velocity(network),
            (context.detach(), torch.zeros(2, 3, joints, 3), torch.zeros(1)),
            ["context", "x", "t"],
            {"context": {0: "batch"}, "x": {0: "batch", 1: "hypothesis"}},
            "velocity.onnx",
        ),
    ):
        torch.onnx.export(
            module, inputs, str(folder / file), input_names=names, dynamic_axes=axes, opset_version=17, dynamo=False
        )
        _halve(folder / file)


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
