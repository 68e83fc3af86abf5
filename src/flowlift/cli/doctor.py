"""`flowlift doctor`: what is installed, what works, and the command that adds what is missing."""

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version


@dataclass(frozen=True)
class Finding:
    """One line of the report; `advice` where something is missing; `needed`: flowlift cannot lift without it."""

    part: str
    works: bool
    detail: str
    advice: str = ""
    needed: bool = False


def doctor() -> int:
    """Show what is installed, which engines and detectors work, and how to add what is missing."""
    from rich.console import Console
    from rich.table import Table

    findings = examine()
    table = Table("", "part", "what was found", "to add it", box=None, pad_edge=False)
    for found in findings:
        mark = "[green]ok[/]" if found.works else "[red]missing[/]" if found.needed else "[yellow]not there[/]"
        table.add_row(mark, found.part, found.detail, "" if found.works else found.advice)
    Console(soft_wrap=True).print(table)
    return 1 if any(found.needed and not found.works for found in findings) else 0


def examine() -> list[Finding]:
    """Every part, checked; no check can raise."""
    checks: list[tuple[str, Callable[[], str], str, bool]] = [
        ("Python", lambda: f"{platform.python_version()} on {platform.system()} {platform.machine()}", "", True),
        ("flowlift", _flowlift, "pip install flowlift", True),
        ("NumPy", lambda: _imported("numpy"), "pip install numpy", True),
        ("ONNX Runtime", _onnxruntime, "pip install onnxruntime", True),
        ("PyAV (video)", _video, "pip install av", True),
        ("Pillow (images)", lambda: _imported("PIL"), "pip install pillow", True),
        ("model human", _model, "pip install --force-reinstall flowlift", True),
        ("mediapipe detector", _mediapipe, "pip install 'flowlift[mediapipe]'", False),
        ("rtmlib detector", lambda: _installed("rtmlib"), "pip install 'flowlift[rtmlib]'", False),
        ("DeepLabCut h5", lambda: _installed("tables", "pandas"), "pip install 'flowlift[dlc]'", False),
        ("PyTorch engine", _torch, "pip install 'flowlift[train]'", False),
        ("training", lambda: _installed("safetensors", "onnx"), "pip install 'flowlift[train]'", False),
    ]
    return [_check(*check) for check in checks]


def _check(part: str, look: Callable[[], str], advice: str, needed: bool) -> Finding:
    try:
        return Finding(part, True, look(), advice, needed)
    except PackageNotFoundError as error:
        return Finding(part, False, f"{error.args[0]} is not installed", advice, needed)
    except Exception as error:  # a package that is broken can raise anything when it is imported
        reason = (str(error) or type(error).__name__).splitlines()[0]
        return Finding(part, False, reason, advice, needed)


def _installed(*packages: str) -> str:
    return ", ".join(f"{package} {version(package)}" for package in packages)


def _imported(module: str) -> str:
    return str(import_module(module).__version__)


def _flowlift() -> str:
    from flowlift import __version__

    return __version__


def _onnxruntime() -> str:
    runtime = import_module("onnxruntime")
    return f"{runtime.__version__}, {', '.join(runtime.get_available_providers())}"


def _video() -> str:
    av = import_module("av")
    major, minor, _ = av.library_versions["libavcodec"]
    return f"{av.__version__}, libavcodec {major}.{minor}"


def _model() -> str:
    from flowlift.lifter import Lifter
    from flowlift.models import packaged_models

    models = [Lifter.load(name).model for name in packaged_models()]
    if not any(model.name == "human" for model in models):
        raise FileNotFoundError("the packaged weights are missing")
    return ", ".join(f"{model.name} {model.version}" for model in models)


def _mediapipe() -> str:
    from flowlift.detect.mediapipe import MODEL_FILE, MODEL_URL, model_in_wheel

    found = _installed("mediapipe")
    if model_in_wheel():
        return f"{found}, its model is in the wheel"
    from flowlift.detect.download import cache_folder

    file = cache_folder() / MODEL_FILE
    return f"{found}, model file {file}" + ("" if file.is_file() else f" (fetched when needed, from {MODEL_URL})")


def _torch() -> str:
    found = _installed("torch")
    if "torch" not in sys.modules:
        import_module("torch")
    cuda = sys.modules["torch"].cuda.is_available()
    return f"{found}, {'CUDA works' if cuda else 'no CUDA'}"
