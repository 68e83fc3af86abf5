"""2D detectors behind one protocol, found by name; each loads its packages when it is made."""

import inspect
from collections.abc import Callable
from importlib import import_module

from flowlift.detect.protocol import Detection, Detector, ManagedDetector
from flowlift.errors import InputError

__all__ = ["DEFAULT", "DETECTORS", "Detection", "Detector", "ManagedDetector", "for_pictures", "load_detector"]

DETECTORS = {
    "mediapipe": ("flowlift.detect.mediapipe", "MediapipeDetector"),
    "superanimal": ("flowlift.detect.superanimal", "SuperanimalDetector"),
    "rtmlib": ("flowlift.detect.rtmlib", "RtmlibDetector"),
}


DEFAULT = "mediapipe"


def load_detector(name: str = DEFAULT, **options: object) -> ManagedDetector:
    """The detector of that name, with its options (the keyword arguments of its class).

    Use it in a `with` block, or close it. Raises InputError for a name or option that does not exist,
    MissingExtraError when its package is not installed, ModelError when its model cannot be had or loaded.
    """
    make = _maker(name)
    known = inspect.signature(make).parameters
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(f"the {name} detector has no option {', '.join(unknown)}; it takes {', '.join(known)}")
    detector: ManagedDetector = make(**options)
    return detector


def for_pictures(name: str) -> dict[str, object]:
    """The options with which a detector looks at each image anew, for those that have nothing to do with one another.
    Raises InputError for a name that does not exist."""
    return {"static": True} if "static" in inspect.signature(_maker(name)).parameters else {}


def _maker(name: str) -> Callable[..., ManagedDetector]:
    if name not in DETECTORS:
        raise InputError(f"no detector named {name!r}; known: {', '.join(sorted(DETECTORS))}")
    module, cls = DETECTORS[name]
    make: Callable[..., ManagedDetector] = getattr(import_module(module), cls)
    return make
