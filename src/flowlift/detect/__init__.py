"""2D detectors behind one protocol, found by name; each loads its packages when it is made."""

import inspect
from importlib import import_module

from flowlift.detect.protocol import Detection, Detector, ManagedDetector
from flowlift.errors import InputError

__all__ = ["DEFAULT", "DETECTORS", "Detection", "Detector", "ManagedDetector", "load_detector"]

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
    if name not in DETECTORS:
        raise InputError(f"no detector named {name!r}; known: {', '.join(sorted(DETECTORS))}")
    module, cls = DETECTORS[name]
    make = getattr(import_module(module), cls)
    known = inspect.signature(make).parameters
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(f"the {name} detector has no option {', '.join(unknown)}; it takes {', '.join(known)}")
    detector: ManagedDetector = make(**options)
    return detector
