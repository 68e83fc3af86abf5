"""The machine that something was measured on, and how fast it multiplies matrices."""

import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from flowlift.cores import available_cores
from flowlift.torch_engine import PRECISIONS

_PACKAGES = ("flowlift", "onnxruntime", "openvino", "torch", "numpy", "av", "mediapipe")
_SIDE, _SIDE_ON_DEVICE = 1024, 8192
"""A product on the CPU is over within a slice of time on a machine that does other work, too."""
_SECONDS = 1.0


def describe_machine() -> dict[str, object]:
    """CPU model, cores that this process may use, and the versions that matter for speed."""
    return {
        "cpu": _cpu_model(),
        "cores": available_cores(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def torch_device(device: str | None) -> str:
    """What torch calls the device of an engine (`flowlift.runtime.load_engine`).

    >>> torch_device(None), torch_device("cuda:1+bf16"), torch_device("onnx-cuda"), torch_device("torch")
    ('cpu', 'cuda:1', 'cuda', 'cpu')
    """
    where = (device or "cpu").partition("+")[0].removeprefix("onnx-")
    return "cpu" if where in ("torch", "openvino") else where


def describe_device(device: str) -> str:
    """The CPU with its cores, or the name of a torch device, where torch is there to tell it.

    >>> describe_device("mps")
    'mps'
    """
    if device.startswith("cuda") and _torch_knows(device):
        import torch

        return torch.cuda.get_device_name(torch.device(device))
    if device != "cpu":
        return device
    machine = describe_machine()
    return f"{machine['cores']} core{'' if machine['cores'] == 1 else 's'} of {machine['cpu']}"


def precision_of(device: str | None) -> str:
    """In what an engine on a device multiplies matrices, as far as its arithmetic limit goes: on a GPU in half
    precision where its words ask for that; a CPU's limit is that of float32.

    >>> [precision_of(device) for device in (None, "cuda+fp16", "cuda:1+bf16+compile", "openvino+bf16")]
    ['float32', 'float16', 'bfloat16', 'float32']
    """
    where, *words = (device or "cpu").split("+")
    half = next((PRECISIONS[word] for word in words if word in PRECISIONS), "float32")
    return half if where.startswith("cuda") else "float32"


def matrix_rate(device: str = "cpu", precision: str = "float32") -> float | None:
    """Floating-point operations a second of square matrix products of random numbers: the best of what is installed.

    `device`: "cpu" (NumPy and torch, in float32 on all cores that this process may use) or a torch device; None without
    torch, or where torch does not know it: ONNX Runtime finds a GPU without torch's help.
    """
    if device != "cpu":
        return _torch_rate(device, _SIDE_ON_DEVICE, precision) if _torch_knows(device) else None
    a = np.random.default_rng(0).standard_normal((_SIDE, _SIDE), dtype=np.float32)
    out = np.empty_like(a)
    rates = [_rate(lambda: np.matmul(a, a, out=out), _SIDE)]
    if find_spec("torch"):
        rates.append(_torch_rate("cpu", _SIDE, "float32"))
    return max(rates)


def _torch_knows(device: str) -> bool:
    if not find_spec("torch"):
        return False
    import torch

    return not device.startswith("cuda") or torch.cuda.is_available()


def _torch_rate(device: str, side: int, precision: str) -> float:
    import torch

    a = torch.randn((side, side), device=device, dtype=getattr(torch, precision))  # zeros and ones go faster
    out = torch.empty_like(a)

    def multiply() -> None:
        torch.mm(a, a, out=out)
        out[0, 0].item()  # whatever the device, this waits for it

    return _rate(multiply, side)


def _rate(multiply: Callable[[], object], side: int) -> float:
    multiply()
    best, stop = float("inf"), time.perf_counter() + _SECONDS
    while time.perf_counter() < stop:
        start = time.perf_counter()
        multiply()
        best = min(best, time.perf_counter() - start)
    return 2 * side**3 / best


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
