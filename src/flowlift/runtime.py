"""One interface to the network, two engines: ONNX Runtime (the default) and torch."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from flowlift.errors import MissingExtraError, ModelError


@runtime_checkable
class Engine(Protocol):
    """Evaluates one network."""

    name: str

    def encode(self, features: Float32[np.ndarray, "batch inputs"]) -> Float32[np.ndarray, "batch width"]:
        """Context of each view."""

    def velocity(
        self,
        context: Float32[np.ndarray, "batch width"],
        x: Float32[np.ndarray, "batch hypothesis joint 3"],
        t: float,
    ) -> Float32[np.ndarray, "batch hypothesis joint 3"]:
        """Velocity of several hypotheses of each view, at one time t."""


class OnnxEngine:
    """Runs `encoder.onnx` and `velocity.onnx` of a model's folder. Raises ModelError when they cannot be loaded."""

    def __init__(self, folder: Path, providers: Sequence[str] = ("CPUExecutionProvider",)) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = available_cores()
        options.log_severity_level = 3

        def session(name: str) -> Any:
            file = folder / name
            if not file.is_file():
                raise ModelError(f"{file}: the model's graph is missing; reinstall flowlift or name another model")
            try:
                return onnxruntime.InferenceSession(str(file), options, providers=list(providers))
            except Exception as error:  # onnxruntime raises its own, unexported types
                raise ModelError(f"{file}: onnxruntime cannot load it: {str(error).splitlines()[0]}") from error

        self.name = "onnxruntime"
        self._encoder, self._velocity = session("encoder.onnx"), session("velocity.onnx")

    def encode(self, features: Float32[np.ndarray, "batch inputs"]) -> Float32[np.ndarray, "batch width"]:
        return self._encoder.run(None, {"features": features})[0]

    def velocity(
        self, context: Float32[np.ndarray, "batch width"], x: Float32[np.ndarray, "batch hypothesis joint 3"], t: float
    ) -> Float32[np.ndarray, "batch hypothesis joint 3"]:
        return self._velocity.run(None, {"context": context, "x": x, "t": np.array([t], dtype=np.float32)})[0]


class TorchEngine:
    """Runs `weights.safetensors` of a model's folder on a torch device. Raises ModelError, MissingExtraError."""

    def __init__(self, folder: Path, device: str) -> None:
        try:
            import torch

            from flowlift.models.weights import load_network
        except ImportError as error:
            raise MissingExtraError(f"the device {device!r}", "train") from error
        self._torch = torch
        try:
            self._device = torch.device(device)
            self._network = load_network(folder).to(self._device).eval()
        except (RuntimeError, AssertionError) as error:
            raise ModelError(f"torch cannot use the device {device!r}: {str(error).splitlines()[0]}") from error
        self.name = f"torch {torch.__version__} on {device}"

    def encode(self, features: Float32[np.ndarray, "batch inputs"]) -> Float32[np.ndarray, "batch width"]:
        with self._torch.inference_mode():
            return self._network.encode(self._tensor(features)).cpu().numpy()

    def velocity(
        self, context: Float32[np.ndarray, "batch width"], x: Float32[np.ndarray, "batch hypothesis joint 3"], t: float
    ) -> Float32[np.ndarray, "batch hypothesis joint 3"]:
        with self._torch.inference_mode():
            time = self._torch.full((1, 1), t, device=self._device)
            return self._network(self._tensor(context)[:, None], self._tensor(x), time).cpu().numpy()

    def _tensor(self, array: Float32[np.ndarray, "..."]) -> Any:
        return self._torch.from_numpy(np.ascontiguousarray(array)).to(self._device)


def available_cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_engine(folder: Path, device: str | None = None) -> Engine:
    """The engine for a device: None or "cpu" -> ONNX Runtime; "torch" or a torch device ("cuda", "cuda:1") -> torch.

    Raises ModelError, MissingExtraError.
    """
    if device in (None, "cpu"):
        return OnnxEngine(folder)
    return TorchEngine(folder, "cpu" if device == "torch" else str(device))
