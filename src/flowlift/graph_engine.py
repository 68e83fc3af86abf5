"""The default engine: a model's ONNX graphs in ONNX Runtime, every core with a part of the hypotheses."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from flowlift.cores import Cores
from flowlift.errors import ModelError
from flowlift.models import Model
from flowlift.models.graphs import check_graph

Condition = Float32[np.ndarray, "batch *inputs"]
Context = Float32[np.ndarray, "batch *width"]
States = Float32[np.ndarray, "batch hypothesis joint 3"]

HELD = 4096
"""Hypotheses that are held at once. It bounds the memory and changes no result."""
PIECES = {"velocity": (4, 16)}
PIECES_ELSE = (64, 256)
"""Hypotheses that one core evaluates at once, at least and at most, by kind of network: what is computed of more no
longer lies in the core's own cache, and fewer do not keep its arithmetic busy (docs/experiments/2026-11-engines.md)."""
ON_DEVICE = 4096


class OnnxEngine:
    """Runs `velocity.onnx` and, where the network has two parts, `encoder.onnx`.

    `cuda`: on a GPU, with ONNX Runtime's own build for it. Raises ModelError.
    """

    together = HELD

    def __init__(self, model: Model, *, cuda: bool = False) -> None:
        self.name = "onnxruntime on cuda" if cuda else "onnxruntime"
        self._two_parts = model.network == "two-part"
        self._cores = Cores(1 if cuda else None)
        least, most = (1, ON_DEVICE) if cuda else PIECES.get(model.network, PIECES_ELSE)
        self._least, self._most = least, most
        providers = _providers(cuda)
        self._velocity = _session(model.folder / "velocity.onnx", providers)
        self._encoder = _session(model.folder / "encoder.onnx", providers) if self._two_parts else None

    def put(self, array: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
        return np.ascontiguousarray(array)

    def take(self, array: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
        return array

    def encode(self, condition: Condition) -> Context:
        if self._encoder is None:
            return condition
        encode = partial(_run, self._encoder)
        return self._cores.over(lambda some: encode(features=some), (condition,), most=self._most, least=self._least)

    def velocity(self, context: Context, x: States, t: float) -> States:
        time = np.array([t], dtype=np.float32)

        def evaluate(some: Context, states: States) -> States:
            return _run(self._velocity, context=some, x=states, t=time)

        count = x.shape[1]
        if self._two_parts:  # what was encoded serves all hypotheses of a view: they stay together
            most, least = max(1, self._most // count), max(1, self._least // count)
            return self._cores.over(evaluate, (context, x), most=most, least=least)
        each = np.repeat(context, count, axis=0), x.reshape(-1, 1, *x.shape[2:])
        return self._cores.over(evaluate, each, most=self._most, least=self._least).reshape(x.shape)


def _providers(cuda: bool) -> list[str]:
    import onnxruntime

    if cuda and "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise ModelError(
            "the device 'onnx-cuda' needs ONNX Runtime's build for CUDA: "
            "pip uninstall onnxruntime, then pip install onnxruntime-gpu"
        )
    return ["CUDAExecutionProvider", "CPUExecutionProvider"] if cuda else ["CPUExecutionProvider"]


def _session(file: Path, providers: Sequence[str]) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # cores are kept busy by pieces
    options.log_severity_level = 3
    if not file.is_file():
        raise ModelError(f"{file}: the model's graph is missing; reinstall flowlift or name another model")
    check_graph(file)
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=list(providers), enable_fallback=0)
    except Exception as error:  # onnxruntime raises its own, unexported types
        raise ModelError(f"{file}: onnxruntime cannot load it: {str(error).splitlines()[0]}") from error


def _run(session: Any, **inputs: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
    """The graph's first output. Raises ModelError where it cannot be run: it is damaged, or another network's."""
    try:
        return session.run(None, inputs)[0]
    except Exception as error:  # onnxruntime raises its own, unexported types
        raise ModelError(f"the model's graph cannot be run: {str(error).splitlines()[0]}") from error
