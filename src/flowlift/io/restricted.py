"""Unpickling that cannot run code: NumPy arrays and plain containers, nothing else."""

import io
import pickle
from typing import Any

import numpy as np

from flowlift.errors import InputError

_NUMPY = {"numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric", "numpy"}
_ALLOWED = (
    {(module, name) for module in _NUMPY for name in ("_reconstruct", "scalar", "_frombuffer", "ndarray", "dtype")}
    | {("collections", "OrderedDict")}
    | {("builtins", name) for name in ("list", "dict", "tuple", "set", "frozenset", "slice", "bytearray", "complex")}
    | {("_codecs", "encode")}  # protocol 2 writes bytes as encode(text, "latin1")
)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        module = "builtins" if module == "__builtin__" else module  # as Python 2 and old protocols call it
        if (module, name) not in _ALLOWED:
            raise InputError(f"it holds an object {module}.{name}, which is not read because it could run code")
        if (module, name) == ("_codecs", "encode"):
            return _encode
        return super().find_class(module.replace("numpy._core", _core_module()), name)


def _core_module() -> str:
    """What NumPy 2 calls numpy._core, NumPy 1 calls numpy.core."""
    return "numpy._core" if int(np.__version__.split(".")[0]) >= 2 else "numpy.core"


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise InputError(f"it holds bytes in an unexpected encoding {encoding!r}")
    return text.encode("latin1")


def loads(data: bytes) -> Any:
    """Unpickle bytes. Raises InputError for anything but NumPy arrays, numbers, text and plain containers."""
    return load(io.BytesIO(data))


def load(stream: Any) -> Any:
    """Unpickle from a binary stream. Raises InputError as `loads` does, and for a damaged pickle."""
    try:
        return _Unpickler(stream, encoding="latin1").load()
    except InputError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise InputError(f"a damaged pickle: {error or type(error).__name__}") from error
