"""One interface to the network, two engines: ONNX Runtime (the default) and torch."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from flowlift.errors import MissingExtraError, ModelError
from flowlift.models import Model
from flowlift.models.graphs import check_graph

Context = Float32[np.ndarray, "batch *width"]
States = Float32[np.ndarray, "batch hypothesis joint 3"]

TOGETHER = {"two-part": 4096}
"""Hypotheses that a network evaluates at once, by kind. It bounds the memory and changes no result."""
TOGETHER_ELSE = 256
"""Of networks that work joint by joint: on a CPU more are no faster, and at the published width each takes 0.6 MB."""
TOGETHER_ON_DEVICE = 4096


@runtime_checkable
class Engine(Protocol):
    """Evaluates one network. `together`: how many hypotheses at once."""

    name: str
    together: int

    def encode(self, condition: Float32[np.ndarray, "batch *inputs"]) -> Context:
        """What was seen, worked on once for all hypotheses of a view; what some networks get as it is."""

    def velocity(self, context: Context, x: States, t: float) -> States:
        """What the network says of several hypotheses of each view, at one time t."""


class OnnxEngine:
    """Runs `velocity.onnx` and, where the network has two parts, `encoder.onnx`. Raises ModelError."""

    def __init__(self, model: Model, providers: Sequence[str] = ("CPUExecutionProvider",)) -> None:
        self.name, self.together = "onnxruntime", TOGETHER.get(model.network, TOGETHER_ELSE)
        self._velocity = _session(model.folder / "velocity.onnx", providers)
        self._encoder = _session(model.folder / "encoder.onnx", providers) if model.network == "two-part" else None

    def encode(self, condition: Float32[np.ndarray, "batch *inputs"]) -> Context:
        return condition if self._encoder is None else _run(self._encoder, features=condition)

    def velocity(self, context: Context, x: States, t: float) -> States:
        return _run(self._velocity, context=context, x=x, t=np.array([t], dtype=np.float32))


def _session(file: Path, providers: Sequence[str]) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
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


class TorchEngine:
    """Runs `weights.safetensors` on a torch device. Raises ModelError, MissingExtraError."""

    def __init__(self, model: Model, device: str, *, purpose: str = "") -> None:
        """`purpose`: what needs torch, for the message where it is missing."""
        try:
            import torch

            from flowlift import networks
            from flowlift.models.weights import load_network
        except ImportError as error:
            raise MissingExtraError(purpose or f"the device {device!r}", "train") from error
        self._torch, self._networks = torch, networks
        try:
            self._device = torch.device(device)
            self._network = load_network(model).to(self._device)
        except (RuntimeError, AssertionError) as error:
            raise ModelError(f"torch cannot use the device {device!r}: {str(error).splitlines()[0]}") from error
        self.name = f"torch {torch.__version__} on {device}"
        on_cpu = self._device.type == "cpu"
        self.together = TOGETHER.get(model.network, TOGETHER_ELSE) if on_cpu else TOGETHER_ON_DEVICE

    def encode(self, condition: Float32[np.ndarray, "batch *inputs"]) -> Context:
        with self._torch.inference_mode():
            return self._networks.encode(self._network, self._tensor(condition)).cpu().numpy()

    def velocity(self, context: Context, x: States, t: float) -> States:
        with self._torch.inference_mode():
            times = self._torch.full((len(x), 1), t, device=self._device)
            said = self._networks.evaluate(self._network, self._tensor(context), self._tensor(x), times)
            return said.cpu().numpy()

    def _tensor(self, array: Float32[np.ndarray, "..."]) -> Any:
        return self._torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def available_cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_engine(model: Model, device: str | None = None) -> Engine:
    """The engine for a device: None or "cpu" -> ONNX Runtime; "torch" or a torch device ("cuda", "cuda:1") -> torch.

    A normalizing flow runs with torch on any device. Raises ModelError, MissingExtraError.
    """
    if model.network == "normalizing-flow":
        where = "cpu" if device in (None, "torch") else str(device)
        return TorchEngine(model, where, purpose=f"the model {model.name!r}, a normalizing flow,")
    if device in (None, "cpu"):
        return OnnxEngine(model)
    return TorchEngine(model, "cpu" if device == "torch" else str(device))
