"""One interface to the network, and the engines behind it: ONNX Runtime (the default), OpenVINO and torch."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from flowlift.cores import Cores
from flowlift.errors import ModelError
from flowlift.graph_engine import OnnxEngine
from flowlift.models import Model
from flowlift.openvino_engine import WORDS as OPENVINO_WORDS
from flowlift.openvino_engine import OpenVinoEngine
from flowlift.torch_engine import PRECISIONS, TorchEngine
from flowlift.torch_engine import WORDS as TORCH_WORDS

__all__ = ["Engine", "OnnxEngine", "OpenVinoEngine", "TorchEngine", "load_engine"]

OTHER_WORDS: dict[str, tuple[str, ...]] = {"openvino": OPENVINO_WORDS, "onnx-cuda": ()}
"""What may stand behind a device that is not torch's."""

Array = Any  # as the engine holds it, on its device; shapes stand in the docstrings


@runtime_checkable
class Engine(Protocol):
    """Evaluates one network, any number of views and hypotheses at once.

    `together`: how many hypotheses to ask for at once, so that they fit in memory. `cores`: how many may ask at a time,
    each in a thread of its own.
    """

    name: str
    together: int
    cores: Cores

    def put(self, array: Float32[np.ndarray, "..."]) -> Array:
        """An array as the engine holds it."""

    def take(self, array: Array) -> Float32[np.ndarray, "..."]:
        """An array of the engine's as NumPy has it."""

    def encode(self, condition: Array) -> Array:
        """What was seen (batch, ...), worked on once for all hypotheses of a view; some networks get it as it is."""

    def velocity(self, context: Array, x: Array, t: float) -> Array:
        """What the network says of hypotheses x (batch, hypothesis, joint, 3) of each view, at one time t."""


def load_engine(model: Model, device: str | None = None) -> Engine:
    """The engine for a device: None or "cpu" -> ONNX Runtime; "torch" or a torch device ("cuda", "cuda:1") -> torch;
    "openvino"; "onnx-cuda" -> ONNX Runtime on a GPU. Words behind it, as in "cuda+bf16", are the engine's.

    A normalizing flow runs with torch on any device. Raises ModelError, MissingExtraError.
    """
    where, *given = ("cpu" if device is None else device).split("+")
    words, known = tuple(given), OTHER_WORDS.get(where, TORCH_WORDS)
    if not set(words) <= set(known) or len(set(words) & set(PRECISIONS)) > 1:
        allowed = f"come {', '.join(known)}, of precisions one" if known else "comes nothing"
        raise ModelError(f"the device {device!r}: behind + {allowed}")
    if model.network == "normalizing-flow":
        where = "cpu" if where in ("torch", "openvino") else where
        return TorchEngine(model, where, words=words, purpose=f"the model {model.name!r}, a normalizing flow,")
    if where == "openvino":
        return OpenVinoEngine(model, words=words)
    if where == "onnx-cuda" or (where == "cpu" and not words):
        return OnnxEngine(model, cuda=where == "onnx-cuda")
    return TorchEngine(model, "cpu" if where == "torch" else where, words=words)
