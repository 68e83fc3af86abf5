"""Unpickling that cannot run code: NumPy arrays and plain containers, nothing else.

What a pickle calls is never NumPy's own constructors, whose state a hostile file could forge, but the stand-ins below;
they check what they are given, and build the arrays from plain bytes.
"""

import io
import math
import pickle
import pickletools
import re
from typing import Any

import numpy as np

from flowlift.damage import in_one_line
from flowlift.errors import InputError

_MOST = 100_000_000
_CODE = re.compile(r"[biufcSU]\d+|O\d*")


class _Dtype:
    """Stands for `numpy.dtype`: one plain kind of number, text or object."""

    def __init__(self, code: Any, align: Any = False, copy: Any = False) -> None:
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise InputError(f"it holds an array of an unusual type {code!r}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        _, order, parts, names, fields, *_ = state
        if order not in ("<", ">", "|", "=") or (parts, names, fields) != (None, None, None):
            raise InputError("it holds an array of an unusual type")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stands for `numpy.ndarray` while it is unpickled."""

    value: Any = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, data = state
        if not isinstance(kind, _Dtype):
            raise InputError("it holds an array without a type")
        self.value = _array(data, kind.dtype, shape, "F" if fortran else "C")


def _array(data: Any, dtype: np.dtype[Any], shape: Any, order: str) -> Any:
    """An array from its bytes; from a list for objects. Raises InputError where their number does not fit the shape."""
    shape = tuple(shape)
    count = math.prod(shape)
    if min(shape, default=0) < 0:
        raise InputError(f"it holds an array of shape {shape}")
    if dtype.hasobject:
        if not isinstance(data, list) or len(data) != count:
            raise InputError("it holds an array of objects that is damaged")
        flat = np.empty(count, dtype=object)
        flat[:] = [None] * count
        for index, each in enumerate(data):
            flat[index] = each
    else:
        data = data.encode("latin1") if isinstance(data, str) else bytes(data)
        if len(data) != count * dtype.itemsize:
            raise InputError(f"it holds an array of {len(data)} bytes where {count * dtype.itemsize} belong")
        flat = np.frombuffer(data, dtype).copy() if count * dtype.itemsize else np.empty(count, dtype)
    return flat.reshape(shape, order="F" if order == "F" else "C")


def _reconstruct(kind: Any, shape: Any, code: Any) -> _Array:
    if kind is not _Array:
        raise InputError("it holds an array of an unusual kind")
    return _Array()


def _scalar(kind: Any, data: Any) -> Any:
    if not isinstance(kind, _Dtype) or kind.dtype.hasobject:
        raise InputError("it holds a number of an unusual type")
    return _array(data, kind.dtype, (1,), "C")[0]


def _from_buffer(data: Any, kind: Any, shape: Any, order: Any) -> _Array:
    if not isinstance(kind, _Dtype) or kind.dtype.hasobject:
        raise InputError("it holds an array of an unusual type")
    made = _Array()
    made.value = _array(data, kind.dtype, shape, order)
    return made


def _encode(text: Any, encoding: Any) -> bytes:
    """Protocol 2 and older write bytes as encode(text, "latin1")."""
    if not isinstance(text, str) or encoding != "latin1":
        raise InputError("it holds bytes in an unusual form")
    return text.encode("latin1")


_MULTIARRAY = {"_reconstruct": _reconstruct, "scalar": _scalar}
_KNOWN: dict[str, dict[str, Any]] = {
    "numpy": {"ndarray": _Array, "dtype": _Dtype},
    "numpy.core.multiarray": _MULTIARRAY,
    "numpy._core.multiarray": _MULTIARRAY,
    "numpy.core.numeric": {"_frombuffer": _from_buffer},
    "numpy._core.numeric": {"_frombuffer": _from_buffer},
    "collections": {"OrderedDict": dict},
    "builtins": {each.__name__: each for each in (list, dict, tuple, set, frozenset, bytearray, bytes, complex)},
    "_codecs": {"encode": _encode},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = _KNOWN.get("builtins" if module == "__builtin__" else module, {}).get(name)  # Python 2 says __builtin__
        if found is None:
            raise InputError(f"it holds an object {module}.{name}, which is not read because it could run code")
        return found


def loads(data: bytes, **_: object) -> Any:
    """Unpickle bytes. Raises InputError for anything but NumPy arrays, numbers, text and plain containers."""
    return load(io.BytesIO(data))


def load(stream: Any) -> Any:
    """Unpickle from a binary stream. Raises InputError as `loads` does, and for a damaged pickle."""
    try:
        data = stream.read()
        _check_memo(data)
        value = _Unpickler(io.BytesIO(data), encoding="latin1").load()
        _count(value, {})
        return _finished(value, {})
    except InputError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise InputError(f"a damaged pickle: {in_one_line(error)}") from error


def _check_memo(data: bytes) -> None:
    """Raises InputError for a pickle that stores something under a number beyond how much it holds: the table of stored
    things would grow to it."""
    for count, (code, argument, _) in enumerate(pickletools.genops(data)):
        if code.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > count:
            raise InputError(f"it stores its part {count} under the number {argument}")


def _count(value: Any, counted: dict[int, int]) -> int:
    """How many parts a value has, those that stand in it several times as often: lists of the same lists grow without
    end when they become arrays. Raises InputError for too many."""
    if not isinstance(value, dict | list | tuple):
        return 1
    if id(value) not in counted:
        counted[id(value)] = 1  # what holds itself is found later
        inside = value.values() if isinstance(value, dict) else value
        counted[id(value)] = 1 + sum(_count(each, counted) for each in inside)
        if counted[id(value)] > _MOST:
            raise InputError(f"it holds lists of the same lists, more than {_MOST:,} numbers")
    return counted[id(value)]


def _finished(value: Any, done: dict[int, Any]) -> Any:
    """The value with real arrays in the place of stand-ins. `done`: by identity; what is shared stays shared."""
    if not isinstance(value, _Array | _Dtype | np.ndarray | dict | list | tuple):
        return value
    if id(value) not in done:
        done[id(value)] = (value, None)  # what holds itself finds this
        done[id(value)] = (value, _inside(value, done))  # kept, so that no other object gets its identity
    if done[id(value)][1] is None:
        raise InputError("it holds a container that holds itself, or an array without content")
    return done[id(value)][1]


def _inside(value: Any, done: dict[int, Any]) -> Any:
    if isinstance(value, _Array):
        return None if value.value is None else _finished(value.value, done)
    if isinstance(value, _Dtype):
        return value.dtype
    if isinstance(value, dict):
        return {key: _finished(each, done) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            for index, each in enumerate(value.flat):
                value.flat[index] = _finished(each, done)
        return value
    return type(value)(_finished(each, done) for each in value)
