"""The OpenVINO engine: a model's ONNX graphs on the CPU, in bfloat16 where it has instructions for that (AMX)."""

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from threading import local
from typing import Any

from flowlift.cores import Cores
from flowlift.errors import MissingExtraError
from flowlift.graph_engine import Array, GraphEngine, Inputs, Run, pieces_of
from flowlift.models import Model

BY_JOINT = (8, 48)
"""Larger than elsewhere: these instructions want more of the same weights at once."""
WORDS = ("bf16",)


class OpenVinoEngine(GraphEngine):
    """OpenVINO, a stream for each core. `words`: bf16 computes matrix products in bfloat16.

    Raises ModelError, MissingExtraError.
    """

    def __init__(self, model: Model, *, words: tuple[str, ...] = ()) -> None:
        try:
            import openvino
        except ImportError as error:
            raise MissingExtraError("the device 'openvino'", "openvino") from error
        cores = Cores()
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if "bf16" in words else "f32",
            "INFERENCE_NUM_THREADS": cores.count,
            "NUM_STREAMS": cores.count,
        }
        super().__init__(
            model,
            partial(_compiled, settings=settings),
            name=" ".join([f"openvino {openvino.__version__.partition('-')[0]}", *words]),
            cores=cores,
            pieces=pieces_of(model, by_joint=BY_JOINT),
        )


def _compiled(file: Path, settings: Mapping[str, object]) -> Run:
    compiled = _core().compile_model(str(file), "CPU", dict(settings))
    own = local()

    def run(inputs: Inputs) -> Array:
        if not hasattr(own, "request"):  # a thread's own: one serves one call at a time
            own.request = compiled.create_infer_request()
        return own.request.infer(dict(inputs), share_inputs=True)[0]

    return run


@cache
def _core() -> Any:
    """The process' one, for as long as that lives: each has signals handled on a stack of its own, and gives the former
    stack back when it goes; where several go in another order, the next signal (Ctrl-C) meets memory that is freed.
    """
    import openvino

    return openvino.Core()
