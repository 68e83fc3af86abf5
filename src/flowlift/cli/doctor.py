"""`flowlift doctor`: what is installed, what works, and the command that adds what is missing."""

import platform
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from traceback import format_exception_only

from flowlift.quiet import quiet_stderr

# y = x + x, as ONNX has it: what ONNX Runtime is tried on, apart from any model of ours.
_DOUBLE = bytes.fromhex(
    "080712003a350a0e0a01780a017812017922034164641201675a0f0a0178120a0a08080112040a020801620f0a0179120a0a08080112040a02"
    "080142040a00100d"
)
_PATIENCE = 120.0


class _TroubleError(Exception):
    """Something is there, but does not work; the text says why."""


@dataclass(frozen=True)
class Check:
    """One part of the report. `look` gives the details, or raises. `package`: what pip installs to bring it.

    `needed`: without it flowlift cannot lift.
    """

    part: str
    look: Callable[[], str]
    package: str
    needed: bool = False


@dataclass(frozen=True)
class Finding:
    """What a check found; `state` is "ok", "missing" or "broken"."""

    part: str
    state: str
    detail: str
    package: str
    needed: bool

    @property
    def remedy(self) -> str:
        """The line that tells what to type."""
        if self.state == "missing":
            return f"to add {self.part}: pip install '{self.package}'"
        return f"to repair {self.part}: pip install --force-reinstall '{self.package}'"


def doctor() -> int:
    """What is installed, what works, and how to add what is missing.

    The exit status is 1 when something is missing or broken that lifting cannot do without.
    """
    with quiet_stderr():  # native code of a broken package prints what it could have raised
        findings = examine(CHECKS)
    _show(findings)
    return 1 if any(found.needed and found.state != "ok" for found in findings) else 0


def examine(checks: Iterable[Check]) -> list[Finding]:
    """Do all checks, at once; whatever one raises becomes its finding."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(_examine, checks))


def _examine(check: Check) -> Finding:
    try:
        state, detail = "ok", check.look()
    except PackageNotFoundError as error:
        state, detail = "missing", f"{error.name} is not installed"
    except BaseException as error:  # a package that is broken raises anything, even SystemExit, when it is imported
        said = str(error) if isinstance(error, _TroubleError) else format_exception_only(error)[-1]
        state, detail = "broken", said.strip().splitlines()[0]
    return Finding(check.part, state, detail, check.package, check.needed)


def _show(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colours = {"ok": "green", "missing": "yellow", "broken": "red"}
    table = Table("part", "state", "found", box=None, pad_edge=False)
    for found in findings:
        colour = "red" if found.needed and found.state != "ok" else colours[found.state]
        table.add_row(
            Text(found.part, no_wrap=True), Text(found.state, colour, no_wrap=True), Text(found.detail, overflow="fold")
        )
    console = Console(highlight=False)
    console.print(table)
    for found in findings:
        if found.state != "ok":  # lines of their own, never broken, so that they can be copied
            console.print(Text(found.remedy), soft_wrap=True)


def _python() -> str:
    return f"{platform.python_version()}, {platform.system()} {platform.machine()}, {sys.prefix}"


def _numpy() -> str:
    return str(import_module("numpy").__version__)


def _onnxruntime() -> str:
    import numpy as np

    runtime = import_module("onnxruntime")
    session = runtime.InferenceSession(_DOUBLE, providers=["CPUExecutionProvider"])
    if session.run(None, {"x": np.ones(1, np.float32)})[0][0] != 2:
        raise _TroubleError("it runs, but computes nonsense")
    return f"{runtime.__version__}, {', '.join(runtime.get_available_providers())}"


def _video() -> str:
    av = import_module("av")
    av.codec.Codec("h264", "r")
    return f"{av.__version__}, FFmpeg {getattr(av, 'ffmpeg_version_info', 'of unknown version')}"


def _images() -> str:
    import_module("PIL.Image")
    return str(import_module("PIL").__version__)


def _models() -> str:
    import numpy as np

    from flowlift.containers import Keypoints2D
    from flowlift.lifter import Lifter
    from flowlift.models import packaged_models

    if "human" not in packaged_models():
        raise _TroubleError("the packaged model is not there")
    lifters = [Lifter.load(name) for name in packaged_models()]
    for lift in lifters:
        xy = np.random.default_rng(0).uniform(0, 100, (2, 1, len(lift.model.skeleton), 2))
        points = Keypoints2D(xy, np.ones(xy.shape[:3]), lift.model.skeleton, (100, 100))
        if not np.isfinite(lift(points, hypotheses=2).xyz).all():
            raise _TroubleError(f"{lift.model.name} lifts nothing")
    return ", ".join(f"{lift.model.name} {lift.model.version}" for lift in lifters)


def _mediapipe() -> str:
    from flowlift.detect.download import cache_folder
    from flowlift.detect.mediapipe import packaged_model
    from flowlift.detect.mediapipe_tasks import MODEL, model_cached

    found = _importable("mediapipe")
    if packaged_model():
        return f"{found}, its model is in the wheel"
    place = cache_folder() / MODEL
    model = f"model {place}" if model_cached() else f"its model will be downloaded to {place} when first used"
    return f"{found}, {model}; this release sends figures about its use to Google"


def _torch() -> str:
    found = version("torch")
    if found.endswith("+cpu"):
        return f"torch {found}, without CUDA"
    cuda = _try("import torch; print(torch.cuda.is_available())") == "True"
    return f"torch {found}, {'CUDA works' if cuda else 'no CUDA device'}"


def _rerun() -> str:
    found = _installed("rerun-sdk")
    _try("import rerun")
    return found


def _installed(*packages: str) -> str:
    return ", ".join(f"{package} {version(package)}" for package in packages)


def _importable(*packages: str) -> str:
    """`_installed`, and imported on trial."""
    found = _installed(*packages)
    _try(f"import {', '.join(packages)}")
    return found


def _try(code: str) -> str:
    """The last line that some Python prints, in a process of its own: what a bad package does stays there."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, errors="replace", timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired as error:
        raise _TroubleError(f"no answer to {code!r} within {_PATIENCE:.0f} s") from error
    said = [line for line in (done.stdout if done.returncode == 0 else done.stderr).splitlines() if line.strip()]
    if done.returncode != 0:
        raise _TroubleError(said[-1].strip() if said else f"{code!r} ended with status {done.returncode}")
    return said[-1].strip() if said else ""


CHECKS = (
    Check("Python", _python, "flowlift", needed=True),
    Check("flowlift", lambda: version("flowlift"), "flowlift", needed=True),
    Check("NumPy", _numpy, "numpy", needed=True),
    Check("ONNX Runtime", _onnxruntime, "onnxruntime", needed=True),
    Check("model", _models, "flowlift", needed=True),
    Check("video (PyAV)", _video, "av", needed=True),
    Check("images (Pillow)", _images, "pillow", needed=True),
    Check("mediapipe detector", _mediapipe, "flowlift[mediapipe]"),
    Check("rtmlib detector", lambda: _importable("rtmlib"), "flowlift[rtmlib]"),
    Check("superanimal detector", lambda: _installed("deeplabcut"), "flowlift[superanimal]"),
    Check("DeepLabCut h5 files", lambda: _importable("h5py", "pandas", "tables"), "flowlift[dlc]"),
    Check("SLEAP and NWB files", lambda: _importable("sleap_io"), "flowlift[sleap]"),
    Check("C3D files", lambda: _importable("ezc3d"), "flowlift[c3d]"),
    Check("Parquet files", lambda: _importable("pyarrow"), "flowlift[parquet]"),
    Check("netCDF files (movement)", lambda: _importable("xarray", "h5netcdf"), "flowlift[movement]"),
    Check("rerun recordings", _rerun, "flowlift[rerun]"),
    Check("plots (matplotlib)", lambda: _importable("matplotlib"), "flowlift[plot]"),
    Check("PyTorch engine", _torch, "flowlift[train]"),
    Check("OpenVINO engine", lambda: _importable("openvino"), "flowlift[openvino]"),
    Check("training", lambda: _installed("safetensors", "lightning-fabric", "onnx"), "flowlift[train]"),
    Check("studio", lambda: _importable("starlette", "uvicorn"), "flowlift[studio]"),
    Check("live", lambda: _importable("starlette", "uvicorn", "websockets"), "flowlift[live]"),
    Check("clusters (Ray)", lambda: _installed("ray"), "flowlift[ray]"),
    Check("results at addresses", lambda: _installed("fsspec"), "flowlift[fsspec]"),
)
