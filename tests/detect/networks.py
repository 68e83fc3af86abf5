"""Small ONNX networks with the inputs and outputs of a YOLOX and an RTMPose, which answer to what the image shows."""

from pathlib import Path

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper, save

RED_IN_BGR, RED_IN_RGB = 2, 0


def network(nodes: list, constants: dict[str, np.ndarray], shape: list, outputs: dict[str, list]) -> ModelProto:
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def save_yolox(path: Path, boxes: list[list[float]], side: int = 64, *, fixed: bool = True) -> Path:
    """Finds these boxes (x, y, x, y in its own input's px) in every image that holds red, and none in any other.

    Like the published files it gives (1, n, 5): boxes and their scores, sorted out already, and their labels.
    """
    nodes = [
        helper.make_node("Gather", ["input", "red"], ["channel"], axis=1),
        helper.make_node("ReduceMax", ["channel"], ["brightest"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Sub", ["brightest", "grey"], ["over"]),
        helper.make_node("Relu", ["over"], ["positive"]),
        helper.make_node("Div", ["positive", "grey"], ["score"]),
        helper.make_node("Expand", ["score", "one_each"], ["scores"]),
        helper.make_node("Concat", ["boxes", "scores"], ["dets"], axis=2),
    ]
    constants = {
        "red": np.array([RED_IN_BGR], np.int64),
        "grey": np.array(127.5, np.float32),  # brighter than what rtmlib pads with
        "one_each": np.array([1, len(boxes), 1], np.int64),
        "boxes": np.array([boxes], np.float32),
    }
    shape = [1, 3, side, side] if fixed else [1, 3, "height", "width"]
    save(network(nodes, constants, shape, {"dets": [1, len(boxes), 5]}), path)
    return path


def save_rtmpose(path: Path, size: tuple[int, int] = (48, 64), joints: int = 17, certain: float = 1.0) -> Path:
    """Sees all joints at the brightest red of its image; their scores are `certain` times how bright it is.

    `size`: (width, height) of its input. Like RTMPose it gives a curve along each axis, at twice the resolution.
    """
    width, height = size
    scale = np.array(certain / (1 + (255 - 123.675) / 58.395), np.float32)  # rtmlib's scaling; black is below zero
    nodes = [helper.make_node("Gather", ["input", "red"], ["channel"], axis=1)]
    for axis, others in (("x", [2]), ("y", [3])):
        nodes += [
            helper.make_node("ReduceMax", ["channel"], [f"{axis}_side"], axes=others, keepdims=0),
            helper.make_node("Add", [f"{axis}_side", "lift"], [f"{axis}_lifted"]),
            helper.make_node("Relu", [f"{axis}_lifted"], [f"{axis}_positive"]),
            helper.make_node("Mul", [f"{axis}_positive", "scale"], [f"{axis}_curve"]),
            helper.make_node("Gather", [f"{axis}_curve", f"{axis}_twice"], [f"{axis}_fine"], axis=2),
            helper.make_node("Expand", [f"{axis}_fine", f"{axis}_shape"], [f"simcc_{axis}"]),
        ]
    constants = {
        "red": np.array([RED_IN_RGB], np.int64),
        "lift": np.array(1.0, np.float32),
        "scale": scale,
        "x_twice": np.arange(2 * width) // 2,
        "y_twice": np.arange(2 * height) // 2,
        "x_shape": np.array([1, joints, 2 * width]),
        "y_shape": np.array([1, joints, 2 * height]),
    }
    outputs = {"simcc_x": [1, joints, 2 * width], "simcc_y": [1, joints, 2 * height]}
    save(network(nodes, constants, [1, 3, height, width], outputs), path)
    return path
