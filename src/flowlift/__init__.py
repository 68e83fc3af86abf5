"""flowlift: what one camera saw, as 3D poses with honest uncertainty, for people and animals."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Camera": "flowlift.camera",
    "FlowliftError": "flowlift.errors",
    "Keypoints2D": "flowlift.containers",
    "Lifter": "flowlift.lifter",
    "Poses3D": "flowlift.containers",
    "Skeleton": "flowlift.skeleton",
    "lift": "flowlift.pipeline",
    "load": "flowlift.io",
    "save": "flowlift.io",
}

_MODULES = ("angles", "demo", "io", "limb_alignment", "skeletons", "track", "verify")
"""Further names that `dir` tells of: what there is beyond `lift`, for programs."""

__all__ = ["Camera", "FlowliftError", "Keypoints2D", "Lifter", "Poses3D", "Skeleton", "__version__"]
__all__ += ["lift", "load", "save"]

if TYPE_CHECKING:
    from flowlift.camera import Camera
    from flowlift.containers import Keypoints2D, Poses3D
    from flowlift.errors import FlowliftError
    from flowlift.io import load, save
    from flowlift.lifter import Lifter
    from flowlift.pipeline import lift
    from flowlift.skeleton import Skeleton


def __getattr__(name: str) -> Any:
    """Public names, and modules, are imported when they are first used: `import flowlift` alone loads nothing."""
    from importlib import import_module
    from importlib.util import find_spec

    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if name.startswith("_") or "." in name or find_spec(f"{__name__}.{name}") is None:
        raise AttributeError(f"module 'flowlift' has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted((*__all__, *_MODULES))
