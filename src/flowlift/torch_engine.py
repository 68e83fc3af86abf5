"""The torch engine: on any device that torch knows, where hypotheses stay from noise to the answer."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib.util import find_spec
from threading import Lock
from typing import Any

import numpy as np
from jaxtyping import Float32

from flowlift.cores import Cores, cut
from flowlift.errors import MissingExtraError, ModelError
from flowlift.models import Model

Tensor = Any  # torch loads where it is used; shapes stand in the docstrings

HELD, ON_CPU = 8192, 32
"""Hypotheses that are held at once, and of those of a network that works joint by joint how many a CPU evaluates at
once: at the published width each takes 0.6 MB."""
SMALL = 4
"""Other networks take so little that so many times as many are held."""
THREADS = 2
"""Of a GPU's: while one waits for it, the other prepares what comes next, or works on what came of it."""
OLDEST = (8, 0)
"""Compute capability from which on a GPU multiplies both half precisions in the kernels' products."""
PRECISIONS = {"bf16": "bfloat16", "fp16": "float16"}
COMPILE = "compile"
WORDS = (*PRECISIONS, COMPILE)


class TorchEngine:
    """Runs `weights.safetensors` on a torch device. Raises ModelError, MissingExtraError."""

    def __init__(self, model: Model, device: str, *, words: tuple[str, ...] = (), purpose: str = "") -> None:
        """`words`: bf16 or fp16 computes matrix products in half precision; compile has torch compile the network, on
        CUDA into a graph. `purpose`: what needs torch, for the message where it is missing."""
        try:
            import torch

            from flowlift import networks
            from flowlift.models.weights import load_network
        except ImportError as error:
            raise MissingExtraError(purpose or f"the device {device!r}", "train") from error
        self._torch = torch
        try:
            network = load_network(model).to(torch.device(device))
            self._device = next(network.parameters()).device  # "cuda" is one of several, and each thread's own
        except (RuntimeError, AssertionError) as error:
            raise ModelError(f"torch cannot use the device {device!r}: {str(error).splitlines()[0]}") from error
        self._dtype = next((getattr(torch, PRECISIONS[word]) for word in words if word in PRECISIONS), None)
        self._encode: Callable[..., Tensor] = partial(networks.encode, network)
        self._evaluate: Callable[..., Tensor] = partial(networks.evaluate, network)
        self._compiled = COMPILE in words
        self._fused = None if self._compiled else self._put_together(network)
        if self._compiled:
            mode = "reduce-overhead" if self._device.type == "cuda" else "default"
            self._evaluate = torch.compile(self._evaluate, mode=mode)
        self.name = " ".join([f"torch {torch.__version__} on {device}", *words])
        by_joint = model.network in ("velocity", "normalizing-flow")
        self.together = HELD if by_joint else SMALL * HELD
        self._piece = ON_CPU if by_joint and self._device.type == "cpu" else self.together
        # On a CPU torch has threads of its own; a graph serves one at a time.
        self.cores = Cores(THREADS if self._device.type == "cuda" and not self._compiled else 1)
        self._queue = Lock()

    def put(self, array: Float32[np.ndarray, "..."]) -> Tensor:
        return self._torch.as_tensor(np.ascontiguousarray(array), device=self._device)

    def take(self, array: Tensor) -> Float32[np.ndarray, "..."]:
        return array.cpu().numpy()

    def encode(self, condition: Tensor) -> Tensor:
        with self._torch.inference_mode(), self._precision():
            return self._encode(condition).float()

    def velocity(self, context: Tensor, x: Tensor, t: float) -> Tensor:
        most = max(1, self._piece // x.shape[1])
        parts = cut(len(x), most=most, least=most, cores=1)
        with self._queue, self._torch.inference_mode(), self._precision():
            said = [self._one_piece(context[part], x[part], t) for part in parts]
        return said[0] if len(said) == 1 else self._torch.cat(said)

    def _put_together(self, network: Any) -> Any:
        """Half precision's own way through the published network, where the device has one."""
        if self._dtype is None or self._device.type != "cuda" or find_spec("triton") is None:
            return None
        if self._torch.cuda.get_device_capability(self._device) < OLDEST:
            return None
        from flowlift.cuda.fused_velocity import fused

        made = fused(network, self._dtype)
        if made is not None:
            self._encode, self._dtype = made.encode, None
        return made

    def _one_piece(self, context: Tensor, x: Tensor, t: float) -> Tensor:
        if self._fused is not None:
            return self._fused.evaluate(context, x, t)
        times = self._torch.full((len(x), 1), t, device=self._device)
        if not self._compiled:
            return self._evaluate(context, x, times).float()
        try:  # a graph writes its next answer where this one lies
            return self._evaluate(context, x, times).float().clone()
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise ModelError(f"torch cannot compile the network ({reason}); leave out +{COMPILE}") from error

    def _precision(self) -> AbstractContextManager[object]:
        if self._dtype is None:
            return nullcontext()
        return self._torch.autocast(self._device.type, dtype=self._dtype)
