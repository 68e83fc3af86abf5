"""The default engine: a model's ONNX graphs in ONNX Runtime, every core with a part of the hypotheses."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from flowlift.cores import Cores
from flowlift.errors import ModelError
from flowlift.kept_memory import keep_freed_memory
from flowlift.models import Model
from flowlift.models.graphs import check_graph

Condition = Float32[np.ndarray, "batch *inputs"]
Context = Float32[np.ndarray, "batch *width"]
States = Float32[np.ndarray, "batch hypothesis joint 3"]

Array = Float32[np.ndarray, "..."]
Inputs = Mapping[str, Array]
Run = Callable[[Inputs], Array]

HELD = 16384
"""Hypotheses that a core holds at once. It bounds the memory and changes no result."""
BY_JOINT = (4, 16)
"""Hypotheses that one core evaluates at once, at least and at most, of networks that work joint by joint: more no
longer lie in the core's own cache, and fewer do not keep its arithmetic busy (docs/experiments/2026-11-engines.md)."""
LEAST, CACHED = 64, 2**17
"""The same of other networks: at least so many, at most so many numbers of one layer."""
ON_DEVICE = 4096


def pieces_of(model: Model, *, by_joint: tuple[int, int]) -> tuple[int, int]:
    """Hypotheses that one core evaluates at once, at least and at most."""
    if model.network == "velocity":
        return by_joint
    width = model.settings.get("head_width")
    return LEAST, max(LEAST, CACHED // width) if isinstance(width, int) and width > 0 else LEAST * 4


class GraphEngine:
    """Runs a model's `velocity.onnx` and, where the network has two parts, `encoder.onnx`, with whatever opens them.

    `open_graph` gives a function from a graph's inputs to its output, which several threads may call at once. `pieces`:
    hypotheses that one core evaluates at once, at least and at most. Raises ModelError.
    """

    together = HELD

    def __init__(
        self, model: Model, open_graph: Callable[[Path], Run], *, name: str, cores: Cores, pieces: tuple[int, int]
    ) -> None:
        keep_freed_memory()
        self.name, self.cores = name, cores
        self._least, self._most = pieces
        self._two_parts = model.network == "two-part"
        self._velocity = self._opened(model.folder / "velocity.onnx", open_graph)
        self._encoder = self._opened(model.folder / "encoder.onnx", open_graph) if self._two_parts else None

    def put(self, array: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
        return np.ascontiguousarray(array)

    def take(self, array: Float32[np.ndarray, "..."]) -> Float32[np.ndarray, "..."]:
        return array

    def encode(self, condition: Condition) -> Context:
        if self._encoder is None:
            return condition
        run = self._encoder
        return self.cores.over(lambda some: run({"features": some}), (condition,), most=self._most, least=self._least)

    def velocity(self, context: Context, x: States, t: float) -> States:
        time = np.array([t], dtype=np.float32)

        def evaluate(some: Context, states: States) -> States:
            return self._velocity({"context": some, "x": states, "t": time})

        count = x.shape[1]
        if self._two_parts:  # what was encoded serves all hypotheses of a view: they stay together
            most, least = max(1, self._most // count), max(1, self._least // count)
            return self.cores.over(evaluate, (context, x), most=most, least=least)
        each = np.repeat(context, count, axis=0), x.reshape(-1, 1, *x.shape[2:])
        return self.cores.over(evaluate, each, most=self._most, least=self._least).reshape(x.shape)

    def _opened(self, file: Path, open_graph: Callable[[Path], Run]) -> Run:
        if not file.is_file():
            advice = "import the model again (one of the package: reinstall flowlift)"
            raise ModelError(f"{file}: the model's graph is missing; {advice}")
        check_graph(file)
        try:
            run = open_graph(file)
        except Exception as error:  # runtimes raise their own, unexported types
            raise ModelError(f"{file}: {self.name} cannot load it: {_reason(error)}") from error

        def checked(inputs: Inputs) -> Array:
            try:
                return run(inputs)
            except Exception as error:  # it is damaged, or another network's
                raise ModelError(f"the model's graph cannot be run: {_reason(error)}") from error

        return checked


class OnnxEngine(GraphEngine):
    """ONNX Runtime. `cuda`: on a GPU, with the runtime's own build for it. Raises ModelError."""

    def __init__(self, model: Model, *, cuda: bool = False) -> None:
        super().__init__(
            model,
            partial(_session, providers=_providers(cuda)),
            name="onnxruntime on cuda" if cuda else "onnxruntime",
            cores=Cores(1 if cuda else None),
            pieces=(1, ON_DEVICE) if cuda else pieces_of(model, by_joint=BY_JOINT),
        )


def _providers(cuda: bool) -> list[str]:
    import onnxruntime

    if cuda and "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise ModelError(
            "the device 'onnx-cuda' needs ONNX Runtime's build for CUDA: "
            "pip uninstall onnxruntime, then pip install onnxruntime-gpu"
        )
    return ["CUDAExecutionProvider", "CPUExecutionProvider"] if cuda else ["CPUExecutionProvider"]


def _session(file: Path, providers: Sequence[str]) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # cores are kept busy by pieces
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(file), options, providers=list(providers), enable_fallback=0)
    return lambda inputs: session.run(None, inputs)[0]


def _reason(error: Exception) -> str:
    """The first line that says something: some begin with a place in their own source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if not line.startswith("Exception from")), type(error).__name__)
